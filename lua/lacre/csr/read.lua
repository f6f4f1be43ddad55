--- csr.read: reading certificate signing requests, RFC 2986. `lacre.csr` adds making and checking them.
--
-- A request is walked once, here, and keeps its encoding, which is what its signature covers. What it
-- asks for are wishes: nobody has agreed to them.

local core = require "lacre.core"
local der = require "lacre.der"
local extension = require "lacre.x509.extension"
local fields = require "lacre.csr.fields"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local pem = require "lacre.pem"
local sign = require "lacre.x509.sign"

local fail, annotate = lacre_error.fail, lacre_error.annotate

local request = {}

local methods = fields
request.methods = methods
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

function metatable.__eq(a, b)
  return request.is(a) and request.is(b) and a.bytes == b.bytes
end

function metatable:__tostring()
  local subject = tostring(self:subject())
  return "lacre.csr: " .. (subject ~= "" and subject or table.concat(self:hosts(), ", "))
end

return request
