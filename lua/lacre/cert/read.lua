--- cert.read: reading certificates, RFC 5280. `lacre.cert` adds making and verifying them.
--
-- The userdata of the core is the object and never changes. Fields are methods; what OpenSSL has to
-- decode is read when asked, extensions through lua/lacre/x509/extension.lua, and the pin is kept.

local core = require "lacre.core"
local extensible = require "lacre.x509.extensible"
local file = require "lacre.file"
local host = require "lacre.host"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local name = require "lacre.name"
local options = require "lacre.options"
local time = require "lacre.time"

local shown = later "lacre.x509.shown"

local cert = {}

---@class lacre.cert
---@field version fun(self: lacre.cert): integer
---@field serial fun(self: lacre.cert): string lower-case hexadecimal
---@field not_before fun(self: lacre.cert): number seconds since 1970
---@field not_after fun(self: lacre.cert): number seconds since 1970
---@field public_key fun(self: lacre.cert): lacre.key?, lacre.error?
---@field spki fun(self: lacre.cert): string
---@field signature_algorithm fun(self: lacre.cert): string
---@field signature fun(self: lacre.cert): string
---@field tbs fun(self: lacre.cert): string
---@field to_der fun(self: lacre.cert): string
---@field to_pem fun(self: lacre.cert): string
local methods = core.cert.methods
extensible.extend(methods)

--- Whether a value is a certificate.
---@param value any
---@return boolean
function cert.is(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.cert"
end

-- parsing --

local function check_bytes(value, what)
  if type(value) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(what, type(value)), 3)
  end
end

--- The first certificate of PEM or DER bytes.
---@param bytes string
---@return lacre.cert? cert
---@return lacre.error? err no_certificate bad_pem bad_der trailing_data
function cert.parse(bytes)
  if type(bytes) ~= "string" then
    check_bytes(bytes, "cert.parse")
  end
  local parsed, err = core.cert.parse(bytes, 1)
  return parsed, not parsed and err or nil
end

--- Every certificate of PEM bytes, or the one of DER bytes.
---@param bytes string
---@return lacre.cert[]? certs
---@return lacre.error? err as cert.parse
function cert.parse_all(bytes)
  check_bytes(bytes, "cert.parse_all")
  local list, from = {}, 1
  repeat
    local parsed, behind = core.cert.parse(bytes, from)
    if not parsed then
      if #list > 0 and behind.code == "no_certificate" then
        return list
      end
      return nil, behind
    end
    list[#list + 1], from = parsed, behind
  until from > #bytes
  return list
end

--- The first certificate of a file.
---@param path string
---@return lacre.cert? cert
---@return lacre.error? err as cert.parse, and file_not_found permission_denied
function cert.load(path)
  return file.parsed(path, cert.parse)
end

--- Every certificate of a file.
---@param path string
---@return lacre.cert[]? certs
---@return lacre.error? err as cert.load
function cert.load_all(path)
  return file.parsed(path, cert.parse_all)
end

-- names and dates --

--- The subject's name.
---@return lacre.name
function methods:subject()
  return name.wrap(self:subject_der())
end

--- The issuer's name.
---@return lacre.name
function methods:issuer()
  return name.wrap(self:issuer_der())
end

--- Seconds until the certificate expires; negative afterwards.
---@param now? number
---@return number
function methods:expires_in(now)
  options.expect("expires_in", 1, now == nil or type(now) == "number", "number", now)
  return (self:not_after() or -math.huge) - (now or time.now())
end

local function whole(what, instant)
  options.expect(what, 1, instant == nil or type(instant) == "number", "number", instant)
  return math.floor(instant or time.now())
end

--- Whether a time lies within its validity, both ends included (RFC 5280 section 4.1.2.5).
---@param instant? number
---@return boolean
function methods:is_valid_at(instant)
  instant = whole("is_valid_at", instant)
  local first, last = self:not_before(), self:not_after()
  return first ~= nil and last ~= nil and instant >= first and instant <= last
end

--- Whether it has expired.
---@param instant? number
---@return boolean
function methods:is_expired(instant)
  return self:expires_in(whole("is_expired", instant)) < 0
end

--- Whether the certificate is valid for a host: by subjectAltName only, never the common name;
--- IP literals only as addresses (RFC 9525).
---@param text string DNS name or IP literal
---@return boolean matches
---@return string? presented where it does not: "presented: a.example, b.example"
function methods:matches_host(text)
  options.argument("matches_host", 1, text, "string")
  local wanted = host.reference(text)
  local found = wanted and (wanted.address and self:has_address(wanted.address)
    or not wanted.address and self:has_dns_name(wanted.value))
  if found then
    return true
  end
  return false, "presented: " .. (shown.hosts(self) or "no names")
end

-- digests and relations --

local pins = setmetatable({}, { __mode = "k" })

--- The pin of its key: `sha256//` and base64. Kept once made.
---@return string
function methods:pin()
  local pin = pins[self]
  if not pin then
    local _
    _, pin = lacre_error.assert(self:spki_pin())
    pins[self] = pin
  end
  return pin
end

--- A digest of the certificate.
---@param algorithm? string sha256
---@param format? "hex"|"colon"|"base64"|"raw"
---@return string? text
---@return lacre.error? err unsupported
function methods:fingerprint(algorithm, format)
  return key.render_digest(algorithm, self:to_der(), format)
end

--- Whether issuer and subject are the same name; the signature is not checked: RFC 5280 section 3.2.
---@return boolean
function methods:is_self_issued()
  return self:names_issuer(self)
end

--- Whether another certificate issued this one: the names match and the signature verifies.
---@param issuer lacre.cert
---@return boolean
function methods:is_issued_by(issuer)
  options.expect("is_issued_by", 1, cert.is(issuer), "certificate", issuer)
  if not self:names_issuer(issuer) then
    return false
  end
  local signer = issuer:public_key()
  return signer ~= nil and self:is_signed_by(signer)
end

--- Whether it is self-signed; the signature is verified.
---@return boolean
function methods:is_self_signed()
  return self:is_issued_by(self)
end

--- Whether it belongs to a key, public or private.
---@param other lacre.key
---@return boolean
function methods:matches_key(other)
  options.expect("matches_key", 1, key.is(other), "key", other)
  return other:matches(self)
end

--- Writes the certificate as PEM.
---@param path string
---@param given? { overwrite?: boolean, mode?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function methods:save(path, given)
  return file.write(path, self:to_pem(), given)
end

core.cert.metatable.__tostring = function(self)
  local ok, text = pcall(function()
    local subject = tostring(self:subject())
    local known = subject ~= "" and subject or table.concat(self:hosts(), ", ")
    local last = self:not_after()
    return ("lacre.cert: %s, until %s"):format(known, last and time.format(last, "date") or "?")
  end)
  return ok and text or "lacre.cert"
end

return cert
