--- x509.forms: documents in another form, by its name: "pem" "der" "pkcs8" "traditional" "public" "p12".
--
-- Each is a function of documents and of settings (`password_text` that seals keys, `name` and `legacy` of a PKCS#12
-- file); it returns the bytes, or nil and an error, and as third result the documents that are in them where
-- those are not all.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local later = require "lacre.later"
local options = require "lacre.options"

local pkcs12 = later "lacre.pkcs12"

local forms = {}

local function all_pem(items, set, format)
  local out = {}
  for i, found in ipairs(items) do
    local text, err
    if found.kind == "key" then
      text, err = found.value:to_pem { password = set.password_text or nil, format = format }
    elseif found.kind == "ocsp" then
      text = core.pem.encode("OCSP RESPONSE", found.value:to_der())
    else
      text = found.value:to_pem()
    end
    if not text then
      return nil, err
    end
    out[i] = text
  end
  return table.concat(out)
end

local function keys_only(items)
  local keys = {}
  for _, found in ipairs(items) do
    if found.kind == "key" then
      keys[#keys + 1] = found
    end
  end
  if #keys == 0 then
    return fail("parse", "no_key", "there is no key to convert")
  end
  return keys
end

--- Everything as PEM.
function forms.pem(items, set)
  return all_pem(items, set)
end

--- The one object as DER.
function forms.der(items, set)
  if #items ~= 1 then
    options.misuse("bad option 'to' to 'tool.convert' (DER can hold only one object, and there are %d)", #items)
  end
  local found = items[1]
  return found.value:to_der(found.kind == "key" and { password = set.password_text or nil } or nil)
end

local function keys_in(format)
  return function(items, set)
    local keys, err = keys_only(items)
    if not keys then
      return nil, err
    end
    local bytes, why = all_pem(keys, set, format)
    return bytes, why, keys
  end
end

--- The keys alone; what was left out is not among the third result.
forms.pkcs8, forms.traditional = keys_in "pkcs8", keys_in "traditional"

--- The public keys, of keys and certificates.
function forms.public(items)
  local out = {}
  for i, found in ipairs(items) do
    local key, err = found.value, nil
    if found.kind ~= "key" and found.value.public_key then
      key, err = found.value:public_key()
    elseif found.kind ~= "key" then
      return fail("parse", "no_key", "a %s has no key", found.kind)
    end
    if not key then
      return nil, err
    end
    out[i] = key:public():to_pem()
  end
  return table.concat(out)
end

-- the certificate of the key, and the others behind it
local function divide(items)
  local keys, err = keys_only(items)
  if not keys then
    return nil, err
  end
  local identity = { key = keys[1].value, chain = {} }
  for _, found in ipairs(items) do
    if found.kind ~= "cert" and found ~= keys[1] then
      options.misuse("bad option 'to' to 'tool.convert' (a PKCS#12 file holds a key and certificates, not another %s)",
        found.kind)
    elseif found.kind == "cert" and not identity.cert and identity.key:matches(found.value) then
      identity.cert = found.value
    elseif found.kind == "cert" then
      identity.chain[#identity.chain + 1] = found.value
    end
  end
  if not identity.cert then
    local code = #identity.chain > 0 and "key_mismatch" or "no_certificate"
    return fail("config", code, "there is no certificate for this key")
  end
  return identity
end

--- A key, its certificate and its chain in one encrypted file.
function forms.p12(items, set)
  local identity, err = divide(items)
  if not identity then
    return nil, err
  elseif not set.password_text then
    local none, missing = fail("config", "password_required", "a PKCS#12 file needs a password")
    missing.hint = "use --encrypt to be asked for one, or --new-password-file or --new-password-env"
    return none, missing
  end
  return pkcs12.create {
    key = identity.key, cert = identity.cert, chain = identity.chain, password = set.password_text,
    name = set.name, legacy = set.legacy,
  }
end

return forms
