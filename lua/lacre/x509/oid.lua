--- x509.oid: the names of algorithms and attributes, from their encodings.

local core = require "lacre.core"
local der = require "lacre.der"

local oid = {}

local identifier = der.sequence { { "oid", der.any }, { "parameters", der.any, optional = true } }

local function content_of(element)
  local length = element:byte(2)
  return element:sub(length < 0x80 and 3 or length - 0x80 + 3)
end

--- The long name of an encoded AlgorithmIdentifier ("sha256WithRSAEncryption"), or its dotted form.
---@param bytes string DER
---@return string
function oid.algorithm(bytes)
  local decoded = der.decode(identifier, bytes)
  local content = decoded and content_of(decoded.oid)
  return content and (core.oid.long_name(content) or core.oid.text(content)) or "unknown"
end

return oid
