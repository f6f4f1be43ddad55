--- key.signing: signatures of keys, with the hash that fits them.

local core = require "lacre.core"
local options = require "lacre.options"

local signing = {}

local methods = core.key.methods
local raw_sign, raw_verify = methods.sign, methods.verify

local hash_of_curve = { ["P-256"] = "sha256", ["P-384"] = "sha384", ["P-521"] = "sha512" }

--- The default hash for the key; nil for keys that hash by themselves.
---@return string?
function methods:default_hash()
  local kind = self:type()
  if kind == "ec" then
    return hash_of_curve[self:curve()] or "sha256"
  end
  return (kind == "rsa" or kind == "rsa-pss") and "sha256" or nil
end

--- Signs with whatever digest OpenSSL has, also a broken one: for the zoo, which shows such signatures.
---@param data string
---@param hash string "sha1" "md5" ...
---@return string? signature
---@return lacre.error? err
---@package
function signing.badly(private, data, hash)
  return raw_sign(private, data, hash, private:type() == "rsa" and "pkcs1" or nil)
end

local sign_schema = {
  hash = { type = "string", values = { "sha256", "sha384", "sha512" } },
  padding = { type = "string", values = { "pss", "pkcs1" } },
}

local function scheme(self, set)
  local hash = self:default_hash()
  return hash and (set.hash or hash), self:type() == "rsa" and (set.padding or "pkcs1") or nil
end

--- Signs; EdDSA and ML-DSA take no hash.
---@param data string
---@param given? { hash?: string, padding?: "pss"|"pkcs1" } pkcs1 by default, for RSA only
---@return string? signature
---@return lacre.error? err
function methods:sign(data, given)
  options.argument("sign", 1, data, "string")
  return raw_sign(self, data, scheme(self, options.check(sign_schema, given, "key:sign")))
end

--- Whether a signature over the data was made with this key.
---@param data string
---@param signature string
---@param given? { hash?: string, padding?: "pss"|"pkcs1" }
---@return boolean
function methods:verify(data, signature, given)
  options.argument("verify", 1, data, "string")
  options.argument("verify", 2, signature, "string")
  local hash, padding = scheme(self, options.check(sign_schema, given, "key:verify"))
  if raw_verify(self, data, signature, hash, padding) then
    return true
  end
  -- a token's private key may sign and not verify: its public half is asked, outside of the token
  local half = self:is_private() and core.key.from_spki(self:spki())
  return half and raw_verify(half, data, signature, hash, padding) or false
end

return signing
