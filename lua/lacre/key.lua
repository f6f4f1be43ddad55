--- key: private and public keys.
--
-- The userdata of the core is the object; what is here says how keys are asked for, written and
-- compared. A private key never shows itself by accident: not in tostring, not in to_table.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local signing = require "lacre.key.signing"

local der = later "lacre.der"
local reading = later "lacre.key.reading"

require "lacre.key.encoding"

local key = { sign_badly = signing.badly }

---@class lacre.key
---@field spki fun(self: lacre.key): string DER of the SubjectPublicKeyInfo
---@field type fun(self: lacre.key): string "ec" "rsa" "rsa-pss" "ed25519" "ed448" "ml-dsa-65" ...
---@field bits fun(self: lacre.key): integer
---@field security_bits fun(self: lacre.key): integer
---@field curve fun(self: lacre.key): string? "P-256"
---@field is_private fun(self: lacre.key): boolean
local methods = core.key.methods

--- Whether a value is a key.
---@param value any
---@return boolean
function key.is(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.key"
end

-- making --

local usual = { p256 = true, p384 = true, p521 = true, ed25519 = true, ed448 = true } -- those of one size

--- A new private key: `p256` (the default) `p384` `p521` `rsa` (3072 bits) `rsa:4096` `ed25519`
--- `ed448` `ml-dsa-44` `ml-dsa-65` `ml-dsa-87`. Fewer than 2048 bits of RSA raise.
---@param kind? string
---@return lacre.key? key
---@return lacre.error? err unsupported, where this OpenSSL has no such keys
function key.generate(kind)
  kind = kind or "p256"
  if usual[kind] then
    return core.key.generate(kind)
  elseif type(kind) ~= "string" then
    options.misuse("bad argument #1 to 'key.generate' (string expected, got %s)", type(kind))
  end
  local bits = kind == "rsa" and 3072 or tonumber(kind:match "^rsa:(%d+)$")
  if bits and (bits < 2048 or bits > 16384) then
    options.misuse("bad argument #1 to 'key.generate' (%s bits of RSA; 2048 to 16384 expected)", kind:match "%d+")
  end
  local ok, made, err = pcall(core.key.generate, bits and "rsa" or kind, bits)
  if not ok and type(made) == "string" and made ~= "not enough memory" then
    options.misuse("%s", (made:gsub("to '%?'", "to 'key.generate'")))
  elseif not ok then
    error(made, 0)
  end
  return made, err
end

local password_schema = { password = { type = { "string", "function" } } }

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
  return reading.parse(bytes, set.password, "key")
end

--- A key from a file; a `pkcs11:` URI is opened as `key.open` does.
---@param path string
---@param given? { password?: string|fun(what: string): string }
---@return lacre.key? key
---@return lacre.error? err as key.parse and key.open, and file_not_found permission_denied
function key.load(path, given)
  local set = options.check(password_schema, given, "key.load")
  return (reading.is_token(path) and reading.open or reading.load)(path, set.password)
end

--- A key named by an OSSL_STORE URI; it stays where it is: `pkcs11:token=...;object=...` with its
--- provider configured, or `file:/path`.
---@param uri string
---@param given? { password?: string|fun(what: string): string } a PIN, for tokens
---@return lacre.key? key
---@return lacre.error? err unsupported no_key password_required bad_password file_not_found
function key.open(uri, given)
  options.path("key.open", uri)
  return reading.open(uri, options.check(password_schema, given, "key.open").password)
end

--- The public key.
---@return lacre.key
function methods:public()
  return lacre_error.assert(core.key.from_spki(self:spki()))
end

-- what it is known by --

--- The pin of the key: `sha256//` and the SHA-256 of the SubjectPublicKeyInfo in base64 (RFC 7469).
---@return string
function methods:pin()
  return (select(2, core.pin.of(self:spki())))
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
---@package
function key.render_digest(algorithm, bytes, format)
  local named = algorithm == nil or type(algorithm) == "string" and not algorithm:find("\0", 1, true)
  options.expect("fingerprint", 1, named, "name of a digest", algorithm)
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
    options.misuse("bad argument #2 to 'fingerprint' (hex, colon, base64 or raw expected, got %s)", tostring(format))
  end
  return core.bytes.hex(raw)
end

local info_type

--- The bits of a key, without what says of which kind they are.
---@param spki string DER of a SubjectPublicKeyInfo
---@return string
---@package
function key.public_bits(spki)
  info_type = info_type or der.sequence { { "algorithm", der.any }, { "bits", der.bits } }
  local info = der.decode(info_type, spki)
  return info and info.bits or spki -- encoded in a way of its own: any identifier will do
end

local key_ids = setmetatable({}, { __mode = "k" })

--- Key identifier by method 1 of RFC 5280 section 4.2.1.2: SHA-1 of the key's bits, in hex. Kept once made.
---@return string
function methods:key_id()
  local id = key_ids[self]
  if not id then
    id = core.bytes.hex(lacre_error.assert(core.bytes.digest("sha1", key.public_bits(self:spki()))))
    key_ids[self] = id
  end
  return id
end

--- Whether this is the same key as another, or as that of a certificate or request.
---@param other lacre.key|lacre.cert|lacre.csr
---@return boolean
function methods:matches(other)
  local known = type(other) == "userdata" or type(other) == "table"
  options.expect("matches", 1, known and other.spki, "key, certificate or request", other)
  if self:spki() == other:spki() then
    return true
  elseif not key.is(other) then
    other = other:public_key()
  end
  return other ~= nil and self:is_pair(other)
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

--- A few lines for people; the private key's PEM only if asked for.
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
