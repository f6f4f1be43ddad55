--- request: reading certificate signing requests, RFC 2986. `lacre.csr` adds making and checking them.
--
-- A request is walked once, here, and keeps its encoding, which is what its signature covers. What it
-- asks for are wishes: nobody has agreed to them.

local core = require "lacre.core"
local der = require "lacre.der"
local extensible = require "lacre.extensible"
local extension = require "lacre.extension"
local file = require "lacre.file"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local oid = require "lacre.oid"
local options = require "lacre.options"
local pem = require "lacre.pem"
local sign = require "lacre.sign"

local fail, annotate = lacre_error.fail, lacre_error.annotate

local request = {}

---@class lacre.csr
---@field is_csr true
local methods = { is_csr = true }
request.methods = methods
extensible.extend(methods, {
  "extensions", "extension", "basic_constraints", "key_usage", "extended_key_usage", "subject_key_id", "is_ca",
  "subject_alt_names", "dns_names", "ip_addresses", "hosts", "must_staple", "tls_features",
})

local metatable = { __index = methods, __name = "lacre.csr" }

--- Whether a value is a request.
---@return boolean
function request.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

-- parsing --

request.attribute = der.sequence { { "oid", der.oid }, { "values", der.set_of(der.any) } }

request.info = der.sequence {
  { "version", der.integer },
  { "subject", der.any },
  { "spki", der.any },
  { "attributes", der.implicit(0, der.set_of(request.attribute)), optional = true },
}

local function malformed(why)
  return fail("parse", "bad_der", "the bytes are no request: %s", why)
end

--- A request of its DER.
---@param bytes string
---@return lacre.csr? csr
---@return lacre.error? err bad_der
function request.from_der(bytes)
  local signed, err = der.decode(sign.type, bytes)
  local info
  if signed then
    info, err = der.decode(request.info, signed.tbs)
  end
  if not info then
    return malformed(err.message)
  elseif not core.name.attributes(info.subject) then
    return malformed "its subject is malformed"
  end
  local self = { bytes = bytes, signed = signed, info = info }
  self.wishes, err = request.wishes(info.attributes or {})
  if not self.wishes then
    return nil, err
  end
  return setmetatable(self, metatable)
end

local asks = { ["1.2.840.113549.1.9.14"] = true, ["1.3.6.1.4.1.311.2.1.14"] = true } -- RFC 2985, and Microsoft's

--- The extensions that attributes ask for.
---@return table[]? extensions
---@return lacre.error? err bad_der
function request.wishes(attributes)
  local list = {}
  for _, attribute in ipairs(attributes) do
    for _, value in ipairs(asks[attribute.oid] and attribute.values or {}) do
      local some, err = der.decode(extension.list, value)
      if not some then
        return malformed(err.message)
      end
      for _, one in ipairs(some) do
        list[#list + 1] = one
      end
    end
  end
  return list
end

local labels = { ["CERTIFICATE REQUEST"] = true, ["NEW CERTIFICATE REQUEST"] = true }

local function behind(bytes)
  local length = der.length(bytes)
  return length and #bytes - length or 0
end

--- A request from PEM or DER.
---@param bytes string
---@return lacre.csr? csr
---@return lacre.error? err no_csr bad_pem bad_der trailing_data
function request.parse(bytes)
  options.argument("csr.parse", 1, bytes, "string")
  if bytes:sub(1, 1) == "0" then
    local rest = behind(bytes)
    if rest > 0 then
      return fail("parse", "trailing_data", "%d bytes follow the request", rest)
    end
    return request.from_der(bytes)
  end
  local block, err = pem.find(bytes, labels)
  if block then
    return request.from_der(block.der)
  elseif err then
    return nil, err
  end
  return fail("parse", "no_csr", "no certificate request among the bytes")
end

--- A request from a file.
---@param path string
---@return lacre.csr? csr
---@return lacre.error? err as csr.parse, and file_not_found permission_denied
function request.load(path)
  local bytes, err = file.read(path)
  local parsed
  if bytes then
    parsed, err = request.parse(bytes)
  end
  return parsed, err and annotate(err, { path = path })
end

-- fields --

---@return lacre.name
function methods:subject()
  return name.wrap(self.info.subject)
end

---@return string DER
function methods:subject_der()
  return self.info.subject
end

---@return integer 1
function methods:version()
  local version = self.info.version
  return type(version) == "number" and version + 1 or version
end

---@return string DER of the SubjectPublicKeyInfo
function methods:spki()
  return self.info.spki
end

---@return lacre.key? key
---@return lacre.error? err unsupported_key_type bad_der
function methods:public_key()
  local known, err = self.public, nil
  if not known then
    known, err = core.key.from_spki(self.info.spki) -- costs more than verifying with it
    self.public = known
  end
  return known, err
end

--- The extensions it asks for, as `{ oid, critical, der }`.
---@return table[]
function methods:raw_extensions()
  local copy = {}
  for i, one in ipairs(self.wishes) do
    copy[i] = { oid = one.oid, critical = one.critical, der = one.der }
  end
  return copy
end

function methods:raw_alt_names()
  local found = self:extension "subject_alt_names"
  return found and core.name.general(found.der)
end

--- Its attributes: `{ { oid =, values = { DER, ... } }, ... }`.
---@return table[]
function methods:attributes()
  return self.info.attributes or {}
end

--- The challenge password, which some authorities ask for (RFC 2985 section 5.4.1).
---@return string?
function methods:challenge_password()
  for _, attribute in ipairs(self:attributes()) do
    if attribute.oid == "1.2.840.113549.1.9.7" and attribute.values[1] then
      return core.name.text(attribute.values[1])
    end
  end
end

---@return string "ecdsa-with-SHA256"
function methods:signature_algorithm()
  return oid.algorithm(self.signed.algorithm)
end

---@return string bytes
function methods:signature()
  return self.signed.signature
end

--- Whether it is signed by the key in it, which proves that who asks has the key.
---@return boolean
function methods:verify()
  local signer = self:public_key()
  return signer ~= nil and core.signed.verify(self.signed.tbs, self.signed.algorithm, self.signed.signature, signer)
end

---@param other lacre.key
---@return boolean
function methods:matches_key(other)
  return other:matches(self)
end

--- The pin of its key.
---@return string
function methods:pin()
  return "sha256//" .. core.bytes.base64(lacre_error.assert(core.bytes.digest("sha256", self:spki())))
end

--- A digest of the request.
---@param algorithm? string sha256
---@param format? "hex"|"colon"|"base64"|"raw"
---@return string? text
---@return lacre.error? err unsupported
function methods:fingerprint(algorithm, format)
  return key.render_digest(algorithm, self.bytes, format)
end

---@return string DER
function methods:to_der()
  return self.bytes
end

---@return string PEM
function methods:to_pem()
  return core.pem.encode("CERTIFICATE REQUEST", self.bytes)
end

--- Writes the request as PEM.
---@param path string
---@param given? { overwrite?: boolean, mode?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function methods:save(path, given)
  return file.write(path, self:to_pem(), given)
end

function metatable.__eq(a, b)
  return request.is(a) and request.is(b) and a.bytes == b.bytes
end

function metatable:__tostring()
  local subject = tostring(self:subject())
  return "lacre.csr: " .. (subject ~= "" and subject or table.concat(self:hosts(), ", "))
end

return request
