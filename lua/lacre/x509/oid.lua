--- x509.oid: the names of algorithms and attributes, from their encodings.

local core = require "lacre.core"
local der = require "lacre.der"

local oid = {}

local identifier = der.sequence { { "oid", der.any }, { "parameters", der.any, optional = true } }

--- The long name of an encoded AlgorithmIdentifier ("sha256WithRSAEncryption"), or its dotted form.
---@param bytes string DER
---@return string
function oid.algorithm(bytes)
  local decoded = der.decode(identifier, bytes)
  return decoded and core.oid.long_name(decoded.oid:sub(3)) or "unknown"
end

return oid
