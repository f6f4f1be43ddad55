--- certificate: reading certificates, RFC 5280. `lacre.cert` adds making and verifying them.
--
-- The userdata of the core is the object and never changes. Fields are methods; what OpenSSL has to
-- decode is read when asked, extensions through lua/lacre/extension.lua, and the pin is kept.

local core = require "lacre.core"
local extension = require "lacre.extension"
local file = require "lacre.file"
local host = require "lacre.host"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local time = require "lacre.time"

local annotate = lacre_error.annotate

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

--- Whether a value is a certificate.
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
  check_bytes(bytes, "cert.parse")
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

local function load_with(parse, path)
  local bytes, err = file.read(path)
  if not bytes then
    return nil, err
  end
  local parsed
  parsed, err = parse(bytes)
  return parsed, err and annotate(err, { path = path })
end

--- The first certificate of a file.
---@param path string
---@return lacre.cert? cert
---@return lacre.error? err as cert.parse, and file_not_found permission_denied
function cert.load(path)
  return load_with(cert.parse, path)
end

--- Every certificate of a file.
---@param path string
---@return lacre.cert[]? certs
---@return lacre.error? err as cert.load
function cert.load_all(path)
  return load_with(cert.parse_all, path)
end

-- names and dates --

---@return lacre.name
function methods:subject()
  return name.wrap(self:subject_der())
end

---@return lacre.name
function methods:issuer()
  return name.wrap(self:issuer_der())
end

--- Seconds until the certificate ends; negative afterwards.
---@param now? number
---@return number
function methods:expires_in(now)
  return (self:not_after() or -math.huge) - (now or time.now())
end

--- Whether an instant lies within the validity; both ends belong to it (RFC 5280 section 4.1.2.5).
---@param instant? number
---@return boolean
function methods:is_valid_at(instant)
  instant = math.floor(instant or time.now())
  local first, last = self:not_before(), self:not_after()
  return first ~= nil and last ~= nil and instant >= first and instant <= last
end

---@param instant? number
---@return boolean
function methods:is_expired(instant)
  return self:expires_in(math.floor(instant or time.now())) < 0
end

--- The subject's alternative names: `{ { type = "dns", value = "a.example" }, ... }`; types are dns ip
--- email uri dir (a lacre.name) rid other (with `oid` and `der`).
---@return table[]
function methods:subject_alt_names()
  return extension.wrap_directories(self:raw_alt_names() or {})
end

local function values_of(self, ...)
  local wanted, values = { ... }, {}
  for _, item in ipairs(self:raw_alt_names() or {}) do
    for _, kind in ipairs(wanted) do
      if item.type == kind then
        values[#values + 1] = item.value
      end
    end
  end
  return values
end

---@return string[]
function methods:dns_names()
  return values_of(self, "dns")
end

---@return string[]
function methods:ip_addresses()
  return values_of(self, "ip")
end

--- DNS names and IP addresses, in their order.
---@return string[]
function methods:hosts()
  return values_of(self, "dns", "ip")
end

--- Whether the certificate is for a host: by its alternative names alone, never the common name;
--- IP literals only as addresses (RFC 9525).
---@param text string DNS name or IP literal
---@return boolean matches
---@return string? presented where it does not: "presented: a.example, b.example"
function methods:matches_host(text)
  local wanted = host.reference(text)
  local found = wanted and (wanted.address and self:has_address(wanted.address)
    or not wanted.address and self:has_dns_name(wanted.value))
  if found then
    return true
  end
  local hosts = self:hosts()
  return false, "presented: " .. (#hosts > 0 and table.concat(hosts, ", ") or "no names")
end

-- extensions --

--- Every extension: `for e in cert:extensions() do`; each `{ oid, name?, critical, der, value?, text }`.
---@return fun(): table?
function methods:extensions()
  local list, i = self:raw_extensions(), 0
  return function()
    i = i + 1
    local one = list[i] and extension.understand(list[i])
    if one then
      one.text = extension.text(one)
    end
    return one
  end
end

--- One extension, by name or dotted identifier.
---@param which string "key_usage" or "2.5.29.15"
---@return table? extension
function methods:extension(which)
  local oid = extension.oid(which)
  for _, raw in ipairs(self:raw_extensions()) do
    if raw.oid == oid then
      local one = extension.understand(raw)
      one.text = extension.text(one)
      return one
    end
  end
end

local function value_of(self, which)
  local oid = extension.oid(which)
  for _, raw in ipairs(self:raw_extensions()) do
    if raw.oid == oid then
      return extension.understand(raw).value
    end
  end
end

--- Methods that are the value of one extension, or nil.
for _, which in ipairs {
  "basic_constraints", "key_usage", "extended_key_usage", "subject_key_id", "name_constraints",
} do
  methods[which] = function(self)
    return value_of(self, which)
  end
end

---@return boolean
function methods:is_ca()
  local constraints = value_of(self, "basic_constraints")
  return constraints ~= nil and constraints.ca
end

---@return string? hex
function methods:authority_key_id()
  local value = value_of(self, "authority_key_id")
  return value and value.key_id
end

---@return string[]
function methods:policies()
  local list = {}
  for i, policy in ipairs(value_of(self, "certificate_policies") or {}) do
    list[i] = policy.policy
  end
  return list
end

--- Certificate transparency timestamps: `{ { version =, log_id = hex, time = }, ... }`.
---@return table[]
function methods:scts()
  return value_of(self, "signed_certificate_timestamps") or {}
end

--- Whether the certificate asks for a stapled OCSP response (RFC 7633).
---@return boolean
function methods:must_staple()
  for _, feature in ipairs(value_of(self, "tls_feature") or {}) do
    if feature == 5 then
      return true
    end
  end
  return false
end

local function access_urls(method)
  return function(self)
    local urls = {}
    for _, access in ipairs(value_of(self, "authority_info_access") or {}) do
      if access.method == method and access.location.type == "uri" then
        urls[#urls + 1] = access.location.value
      end
    end
    return urls
  end
end

methods.ocsp_urls = access_urls "1.3.6.1.5.5.7.48.1"
methods.issuer_urls = access_urls "1.3.6.1.5.5.7.48.2"

--- Where its revocation list is.
---@return string[]
function methods:crl_urls()
  local urls = {}
  for _, point in ipairs(value_of(self, "crl_distribution_points") or {}) do
    for _, item in ipairs(point.name and point.name.full_name or {}) do
      if item.type == "uri" then
        urls[#urls + 1] = item.value
      end
    end
  end
  return urls
end

-- digests and relations --

local pins = setmetatable({}, { __mode = "k" })

--- The pin of its key: `sha256//` and base64. Kept once made.
---@return string
function methods:pin()
  local pin = pins[self]
  if not pin then
    pin = "sha256//" .. core.bytes.base64(lacre_error.assert(core.bytes.digest("sha256", self:spki())))
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

---@return boolean
function methods:is_self_issued()
  return core.name.equal(self:subject_der(), self:issuer_der())
end

--- Whether another certificate issued this one: the names fit and the signature verifies.
---@param issuer lacre.cert
---@return boolean
function methods:is_issued_by(issuer)
  if not core.name.equal(self:issuer_der(), issuer:subject_der()) then
    return false
  end
  local signer = issuer:public_key()
  return signer ~= nil and self:is_signed_by(signer)
end

--- Whether it issued itself; the signature is verified.
---@return boolean
function methods:is_self_signed()
  return self:is_issued_by(self)
end

---@param other lacre.key
---@return boolean
function methods:matches_key(other)
  return other:matches(self)
end

--- Writes the certificate as PEM; with `chain`, its issuers behind it.
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
    local shown = subject ~= "" and subject or table.concat(self:hosts(), ", ")
    local last = self:not_after()
    return ("lacre.cert: %s, until %s"):format(shown, last and time.format(last, "date") or "?")
  end)
  return ok and text or "lacre.cert"
end

return cert
