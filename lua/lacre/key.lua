--- key: private and public keys.
--
-- The userdata of the core is the object; what is here says how keys are asked for, written and
-- compared. A private key never shows itself by accident: not in tostring, not in to_table.

local core = require "lacre.core"
local file = require "lacre.file"
local options = require "lacre.options"
local lacre_error = require "lacre.error"

local fail, annotate = lacre_error.fail, lacre_error.annotate

local key = {}

---@class lacre.key
---@field spki fun(self: lacre.key): string DER of the SubjectPublicKeyInfo
---@field type fun(self: lacre.key): string "ec" "rsa" "rsa-pss" "ed25519" "ed448" "ml-dsa-65" ...
---@field bits fun(self: lacre.key): integer
---@field security_bits fun(self: lacre.key): integer
---@field curve fun(self: lacre.key): string? "P-256"
---@field is_private fun(self: lacre.key): boolean
local methods = core.key.methods
local raw_sign, raw_verify = methods.sign, methods.verify

--- Whether a value is a key.
---@return boolean
function key.is(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.key"
end

-- making --

--- A new private key: `p256` (the default) `p384` `p521` `rsa` (3072 bits) `rsa:4096` `ed25519`
--- `ed448` `ml-dsa-44` `ml-dsa-65` `ml-dsa-87`. Fewer than 2048 bits of RSA raise.
---@param kind? string
---@return lacre.key? key
---@return lacre.error? err unsupported, where this OpenSSL has no such keys
function key.generate(kind)
  kind = kind or "p256"
  if type(kind) ~= "string" then
    error(("bad argument #1 to 'key.generate' (string expected, got %s)"):format(type(kind)), 2)
  end
  local bits = kind == "rsa" and 3072 or tonumber(kind:match "^rsa:(%d+)$")
  if bits and (bits < 2048 or bits > 16384) then
    error(("bad argument #1 to 'key.generate' (%d bits of RSA; 2048 to 16384 expected)"):format(bits), 2)
  end
  local ok, made, err = pcall(core.key.generate, bits and "rsa" or kind, bits)
  if not ok then
    error(made, 2)
  end
  return made, err
end

local password_schema = { password = { type = { "string", "function" } } }

-- OpenSSL never asks: a function is asked here, and only for a key that is locked
local function with_password(bytes, password, what)
  local parsed, err = core.keyfile.parse(bytes, type(password) == "string" and password or nil)
  if parsed or err.code ~= "password_required" or type(password) ~= "function" then
    return parsed, err
  end
  local given, why = password(what)
  if type(given) ~= "string" then
    return nil, lacre_error.is(why) and why or err
  end
  return core.keyfile.parse(bytes, given)
end

--- A key from PEM or DER: PKCS#8, encrypted PKCS#8, PKCS#1, SEC1 or SubjectPublicKeyInfo.
---@param bytes string
---@param given? { password?: string|fun(what: string): string }
---@return lacre.key? key
---@return lacre.error? err no_key bad_pem bad_der trailing_data password_required bad_password unsupported_key_type
function key.parse(bytes, given)
  if type(bytes) ~= "string" then
    error(("bad argument #1 to 'key.parse' (string expected, got %s)"):format(type(bytes)), 2)
  end
  local set = options.check(password_schema, given, "key.parse")
  return with_password(bytes, set.password, "key")
end

--- A key from a file.
---@param path string
---@param given? { password?: string|fun(what: string): string }
---@return lacre.key? key
---@return lacre.error? err as key.parse, and file_not_found permission_denied
function key.load(path, given)
  local set = options.check(password_schema, given, "key.load")
  local bytes, err = file.read(path)
  if not bytes then
    return nil, err
  end
  local parsed
  parsed, err = with_password(bytes, set.password, path)
  if not parsed then
    return nil, annotate(err, { path = path })
  end
  return parsed
end

-- encoding --

local format_schema = {
  password = { type = "string" },
  cipher = { type = "string", values = { "aes-128-cbc", "aes-192-cbc", "aes-256-cbc" }, default = "aes-256-cbc" },
  format = { type = "string", values = { "pkcs8", "traditional" }, default = "pkcs8" },
}

local traditional_labels = { rsa = "RSA PRIVATE KEY", ec = "EC PRIVATE KEY" }

local function encode(self, set, level)
  if not self:is_private() then
    return self:spki(), "PUBLIC KEY"
  elseif set.password and set.format == "traditional" then
    error("bad option 'format' (a traditional key is not encrypted here; use pkcs8)", level + 1)
  elseif set.password then
    local bytes, err = core.keyfile.encrypted(self, set.password, set.cipher)
    return bytes, bytes and "ENCRYPTED PRIVATE KEY" or err
  elseif set.format == "traditional" then
    local label = traditional_labels[self:type()]
    if not label then
      return fail("save", "unsupported", "%s keys have no traditional form", self:type())
    end
    return core.keyfile.traditional(self), label
  end
  local bytes, err = core.keyfile.pkcs8(self)
  return bytes, bytes and "PRIVATE KEY" or err
end

--- PEM of the key; a public one is SubjectPublicKeyInfo. With a password: encrypted PKCS#8.
---@param given? { password?: string, cipher?: string, format?: "pkcs8"|"traditional" }
---@return string? pem
---@return lacre.error? err unsupported
function methods:to_pem(given)
  local bytes, label = encode(self, options.check(format_schema, given, "key:to_pem"), 2)
  if not bytes then
    return nil, label
  end
  return core.pem.encode(label, bytes)
end

--- The same in DER.
---@param given? table as to_pem
---@return string? der
---@return lacre.error? err unsupported
function methods:to_der(given)
  local bytes, label = encode(self, options.check(format_schema, given, "key:to_der"), 2)
  if not bytes then
    return nil, label
  end
  return bytes
end

local save_schema = {
  password = format_schema.password,
  cipher = format_schema.cipher,
  format = format_schema.format,
  overwrite = { type = "boolean", default = false },
  mode = { type = "string", default = "0600" },
}

--- Writes the key as PEM into a file that only its owner reads, durably, never over an old one.
---@param path string
---@param given? { password?: string, overwrite?: boolean, mode?: string, format?: string, cipher?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function methods:save(path, given)
  local set = options.check(save_schema, given, "key:save")
  local bytes, label = encode(self, set, 2)
  if not bytes then
    return nil, label
  end
  local mode = self:is_private() and set.mode or (given and given.mode) or "0644"
  return file.write(path, core.pem.encode(label, bytes), { mode = mode, overwrite = set.overwrite })
end

--- The public half.
---@return lacre.key
function methods:public()
  return lacre_error.assert(core.key.from_spki(self:spki()))
end

-- what it is known by --

--- The pin of the key: `sha256//` and the SHA-256 of the SubjectPublicKeyInfo in base64 (RFC 7469).
---@return string
function methods:pin()
  return "sha256//" .. core.bytes.base64(lacre_error.assert(core.bytes.digest("sha256", self:spki())))
end

--- A digest of the SubjectPublicKeyInfo.
---@param algorithm? string sha256
---@param format? "hex"|"colon"|"base64"|"raw"
---@return string? text
---@return lacre.error? err unsupported
function methods:fingerprint(algorithm, format)
  return key.render_digest(algorithm, self:spki(), format)
end

--- A digest in one of the forms people read.
---@return string?, lacre.error?
function key.render_digest(algorithm, bytes, format)
  local raw, err = core.bytes.digest(algorithm or "sha256", bytes)
  if not raw then
    return nil, err
  elseif format == "raw" then
    return raw
  elseif format == "base64" then
    return core.bytes.base64(raw)
  elseif format == "colon" then
    return (core.bytes.hex(raw):upper():gsub("%x%x", "%0:"):sub(1, -2))
  elseif format ~= nil and format ~= "hex" then
    error(("unknown format '%s' (hex, colon, base64 or raw expected)"):format(tostring(format)), 3)
  end
  return core.bytes.hex(raw)
end

-- the BIT STRING's content is the last element of the SubjectPublicKeyInfo
local function public_bits(spki)
  local der = require "lacre.der"
  local info = der.decode(der.sequence { { "algorithm", der.any }, { "bits", der.bits } }, spki)
  return info.bits
end

--- Key identifier by method 1 of RFC 5280 section 4.2.1.2: SHA-1 of the key's bits, in hex.
---@return string
function methods:key_id()
  return core.bytes.hex(lacre_error.assert(core.bytes.digest("sha1", public_bits(self:spki()))))
end

--- Whether another key, or the key of a certificate or request, is this one.
---@param other lacre.key|lacre.cert|lacre.csr
---@return boolean
function methods:matches(other)
  if self:spki() == other:spki() then
    return true
  elseif not key.is(other) then
    other = other:public_key()
  end
  return other ~= nil and self:is_pair(other)
end

-- signatures --

local hash_of_curve = { ["P-256"] = "sha256", ["P-384"] = "sha384", ["P-521"] = "sha512" }

--- The hash that fits the key; nil for those that hash by themselves.
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
function key.sign_badly(private, data, hash)
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
  return raw_sign(self, data, scheme(self, options.check(sign_schema, given, "key:sign")))
end

--- Whether a signature is of this key over the data.
---@param data string
---@param signature string
---@param given? { hash?: string, padding?: "pss"|"pkcs1" }
---@return boolean
function methods:verify(data, signature, given)
  return raw_verify(self, data, signature, scheme(self, options.check(sign_schema, given, "key:verify")))
end

-- showing --

--- Plain data, without private parts.
---@return table
function methods:to_table()
  return {
    type = self:type(), bits = self:bits(), curve = self:curve(), private = self:is_private(),
    pin = self:pin(), key_id = self:key_id(), fingerprint = self:fingerprint(),
  }
end

--- A few lines for people; the PEM of the private key only where that is asked for.
---@param given? { private?: boolean }
---@return string
function methods:to_text(given)
  local set = options.check({ private = { type = "boolean", default = false } }, given, "key:to_text")
  local text = ("%s\nkey id: %s\npin:    %s\n"):format(tostring(self), self:key_id(), self:pin())
  return set.private and self:is_private() and text .. self:to_pem() or text
end

core.key.metatable.__tostring = function(self)
  local ok, text = pcall(function()
    local what = self:curve() or (self:type():find "^rsa" and self:bits() .. " bits")
    return ("lacre.key: %s %s%s"):format(
      self:is_private() and "private" or "public", self:type(), what and " " .. what or "")
  end)
  return ok and text or "lacre.key"
end

return key
