--- x509.sign: certificates, requests and revocation lists are one shape: what is signed, how, and the
--- signature (RFC 5280 section 4.1.1). Here is the how.

local core = require "lacre.core"
local der = require "lacre.der"
local lacre_error = require "lacre.error"

local fail = lacre_error.fail

local sign = {}

local identifier = der.oid.encode

local bare = der.sequence { { "oid", der.oid } }
local with_null = der.sequence { { "oid", der.oid }, { "null", der.null } }

local rsa = { sha256 = "1.2.840.113549.1.1.11", sha384 = "1.2.840.113549.1.1.12", sha512 = "1.2.840.113549.1.1.13" }
local ec = { sha256 = "1.2.840.10045.4.3.2", sha384 = "1.2.840.10045.4.3.3", sha512 = "1.2.840.10045.4.3.4" }

-- keys that hash by themselves: RFC 8410, RFC 9881
local direct = {
  ed25519 = "1.3.101.112",
  ed448 = "1.3.101.113",
  ["ml-dsa-44"] = "2.16.840.1.101.3.4.3.17",
  ["ml-dsa-65"] = "2.16.840.1.101.3.4.3.18",
  ["ml-dsa-87"] = "2.16.840.1.101.3.4.3.19",
}

local made = {}

local function algorithm_of(kind, hash)
  local id = kind .. (hash or "")
  if not made[id] then
    if kind == "rsa" then
      made[id] = with_null.write { oid = rsa[hash], null = true }
    else
      made[id] = bare.write { oid = kind == "ec" and ec[hash] or direct[kind] }
    end
  end
  return made[id]
end

local function new_scheme(key, hash)
  local kind = key:type()
  if not (kind == "rsa" or kind == "ec" or direct[kind]) then
    local _, err = fail("sign", "unsupported_key_type", "certificates are not signed with %s keys here", kind)
    err.hint = "use a key of type p256, p384, p521, rsa, ed25519 or ed448"
    return nil, err
  elseif key:security_bits() < 112 then
    return fail("sign", "weak_key", "the %s key of %d bits is too weak to sign", kind, key:bits())
  end
  hash = key:default_hash() and (hash or key:default_hash()) or nil
  return { algorithm = algorithm_of(kind, hash), hash = hash, padding = kind == "rsa" and "pkcs1" or nil }
end

local usual = setmetatable({}, { __mode = "k" }) -- the scheme of a key that is asked for no other

--- How a key signs: the encoded AlgorithmIdentifier, and the hash and padding that go with it.
---@param key lacre.key
---@param hash? string
---@return { algorithm: string, hash?: string, padding?: string }? scheme
---@return lacre.error? err unsupported_key_type weak_key
function sign.scheme(key, hash)
  if not hash and usual[key] then
    return usual[key]
  end
  local scheme, err = new_scheme(key, hash)
  if not hash then
    usual[key] = scheme
  end
  return scheme, err
end

--- Gives a draft of the core its extensions and signs it, which is its end.
---@param draft userdata
---@param extensions { oid: string, critical: boolean, der: string }[]
---@param key lacre.key private
---@param scheme { algorithm: string, hash?: string, padding?: string }
---@return lacre.cert|lacre.crl|string? object a request as DER
---@return lacre.error? err
function sign.finish(draft, extensions, key, scheme)
  for _, one in ipairs(extensions) do
    draft:extend(identifier(one.oid), one.critical, one.der)
  end
  return draft:sign(key, scheme.algorithm, scheme.hash, scheme.padding)
end

--- The whole: what is signed (`tbs`), the algorithm and the signature.
sign.type = der.sequence { { "tbs", der.any }, { "algorithm", der.any }, { "signature", der.bits } }

--- A serial number nobody can guess: 128 random bits, positive, never 0.
---@return string hex
function sign.serial()
  local raw = lacre_error.assert(core.bytes.random(16))
  local first = raw:byte() % 64 + 64 -- positive, and of the same length always
  return core.bytes.hex(string.char(first) .. raw:sub(2))
end

--- Whether text is a serial number: positive, at most 20 octets (RFC 5280 section 4.1.2.2).
---@param hex string
---@return boolean
function sign.is_serial(hex)
  local digits = hex:match "^0*(%x+)$"
  return digits ~= nil and digits ~= "0" and (#digits < 40 or (#digits == 40 and digits:find "^[0-7]" ~= nil))
end

return sign
