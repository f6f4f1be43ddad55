--- csr.read: reading certificate signing requests, RFC 2986. `lacre.csr` adds making and checking them.
--
-- A request is walked once and keeps its encoding, which is what its signature covers. What it asks
-- for are wishes: nobody has agreed to them.

local der = require "lacre.der"
local fields = require "lacre.csr.fields"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local parts = require "lacre.csr.parts"
local pem = require "lacre.pem"

local fail = lacre_error.fail

local request = {}

local methods = fields
request.methods = methods
local metatable = { __index = methods, __name = "lacre.csr" }

--- Whether a value is a request.
---@param value any
---@return boolean
function request.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

-- parsing --

--- A request of its DER.
---@param bytes string
---@return lacre.csr? csr
---@return lacre.error? err bad_der
function request.from_der(bytes)
  local read, err = parts.read(bytes)
  return read and setmetatable({ bytes = bytes, parts = read }, metatable), err
end

--- One that was made here and is good: it is walked when somebody asks.
---@param bytes string DER
---@return lacre.csr
function request.made(bytes)
  return setmetatable({ bytes = bytes }, metatable)
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
  return fail("parse", "no_csr", "no certificate request found")
end

--- A request from a file.
---@param path string
---@return lacre.csr? csr
---@return lacre.error? err as csr.parse, and file_not_found permission_denied
function request.load(path)
  return file.parsed(path, request.parse)
end

function metatable.__eq(a, b)
  return request.is(a) and request.is(b) and a.bytes == b.bytes
end

function metatable:__tostring()
  local subject = tostring(self:subject())
  return "lacre.csr: " .. (subject ~= "" and subject or table.concat(self:hosts(), ", "))
end

return request
