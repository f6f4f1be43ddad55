--- tool.convert: the same thing in another form: PEM, DER, PKCS#8, traditional, PKCS#12.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local toolkit = require "lacre.toolkit"

local documents = later "lacre.x509.documents"
local file = later "lacre.file"
local filing = later "lacre.x509.filing"
local parameters = later "lacre.x509.parameters"
local pem = later "lacre.pem"
local pkcs12 = later "lacre.pkcs12"

local fail = lacre_error.fail

local convert = {
  name = "convert",
  summary = "convert between PEM, DER, PKCS#8, PKCS#12 and traditional keys",
  description = "Reads everything that inspect reads. Keys are written unencrypted unless --encrypt or a "
    .. "--new-password option is given. Files that hold a private key get mode 0600; existing files are never "
    .. "replaced without --overwrite.",
  examples = {
    { "lacre convert server.der --to pem --out server.pem", "DER to PEM" },
    { "lacre convert server.crt server.key --to p12 --out server.p12 --new-password-file pw", "a PKCS#12 bundle" },
    { "lacre convert server.p12 --to pem --out server.pem", "the key, the certificate and its chain as PEM" },
    { "lacre convert old.key --to pkcs8 --encrypt --out new.key",
      "a traditional key to PKCS#8, encrypted with a new password" },
    { "lacre convert server.key --to public", "the public key of a key or certificate" },
  },
  argument = { name = "files", type = "list", many = true, value = "FILE", help = "files, or - for standard input" },
  options = {
    { name = "to", default = "pem", help = "output format",
      values = { "pem", "der", "pkcs8", "traditional", "public", "p12" } },
    { name = "out", value = "FILE", help = "write here (default: -, standard output)" },
    { name = "overwrite", type = "boolean", default = false, help = "replace an existing file" },
    { name = "password", type = "password", prompt = true, help = "the input" },
    { name = "encrypt", type = "boolean", default = false,
      help = "encrypt keys with a new password (asked for twice)" },
    { name = "new_password", type = "password", prompt = "encrypt", new = true, help = "the output" },
    { name = "name", value = "NAME", help = "friendly name in a PKCS#12 file" },
    { name = "legacy", type = "boolean", default = false,
      help = "use old PKCS#12 ciphers, for programs from before 2019" },
    { name = "on_data", type = "function", from_lua = true, help = "called with the bytes if no file is named" },
  },
}

local function load(set)
  local items = {}
  for _, path in ipairs(set.files) do
    local list, err = documents.load(path, set)
    if not list then
      return nil, err
    end
    for _, found in ipairs(list) do
      if found.error then
        return nil, found.error
      end
      items[#items + 1] = found
    end
  end
  return parameters.needed(items)
end

local function new_password(set)
  return filing.password(set.new_password, set.out or "the result")
end

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

local forms = {}

function forms.pem(items, set)
  return all_pem(items, set)
end

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

forms.pkcs8, forms.traditional = keys_in "pkcs8", keys_in "traditional"

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

local function has_secret(items, set)
  for _, found in ipairs(items) do
    if found.kind == "key" and found.value:is_private() and set.to ~= "public" then
      return true
    end
  end
  return false
end

local function deliver(set, result)
  if result.out then
    local mode = result.secret and "0600" or "0644"
    local done, err = file.write(result.out, result.bytes, { mode = mode, overwrite = set.overwrite })
    return done and result, err
  elseif set.on_data then
    local done, err = set.on_data(result.bytes)
    result.delivered = true
    return done and result, err
  end
  return result
end

--- The bytes in the other form; with `out` they are written there.
---@param set table see `convert.options`
---@return { bytes: string, kinds: string[], out?: string }? result
---@return lacre.error? err
function convert.run(set)
  local items, err = load(set)
  local bytes, written
  if items then
    set.password_text, err = new_password(set)
  end
  if items and set.password_text ~= nil then
    bytes, err, written = forms[set.to](items, set)
  end
  if not bytes then
    return nil, err
  end
  local kinds = {}
  for i, found in ipairs(written or items) do
    kinds[i] = found.kind
  end
  local out = set.out ~= "-" and set.out or nil -- as of what is read, "-" is standard output
  return deliver(set, { bytes = bytes, kinds = kinds, out = out, to = set.to, secret = has_secret(items, set) })
end

--- For people: what was written, or the text itself.
---@param result table
---@param style lacre.style
---@return string?
function convert.text(result, style)
  if result.out then
    return ("%s  %s as %s"):format(style.bold(result.out), table.concat(result.kinds, ", "), result.to)
  end
  return not result.delivered and result.bytes or nil
end

--- Plain data.
---@param result table
---@return table
function convert.to_table(result)
  local is_text = pem.is(result.bytes)
  return {
    out = result.out, to = result.to, kinds = result.kinds,
    pem = not result.out and is_text and result.bytes or nil,
    base64 = not result.out and not is_text and core.bytes.base64(result.bytes) or nil,
  }
end

return toolkit.define(convert)
