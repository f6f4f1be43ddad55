--- x509.network: whether an address is in a network.

local core = require "lacre.core"

local network = {}

-- whether the first `bits` of two addresses are the same
local function same_bits(a, b, bits)
  local whole = math.floor(bits / 8)
  if a:sub(1, whole) ~= b:sub(1, whole) then
    return false
  end
  local unit = 2 ^ (8 - bits % 8)
  return bits % 8 == 0 or math.floor(a:byte(whole + 1) / unit) == math.floor(b:byte(whole + 1) / unit)
end

--- Whether an address is in a network, or is the address itself.
---@param pattern string 10.0.0.0/8, 10.0.0.1, fd00::/8
---@param value string
---@return boolean
function network.contains(pattern, value)
  local text, bits = pattern:match "^(.*)/(%d+)$"
  local base, address = core.bytes.address(text or pattern), core.bytes.address(value)
  return base ~= nil and address ~= nil and #base == #address
    and same_bits(base, address, math.min(tonumber(bits or #base * 8), #base * 8))
end

return network
