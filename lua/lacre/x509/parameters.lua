--- x509.parameters: blocks of parameters beside keys, as `openssl ecparam -genkey` and `openssl dhparam` write them.
-- A key holds its own; they are told and kept, and decide nothing.

local core = require "lacre.core"
local der = require "lacre.der"
local pem = require "lacre.pem"

local parameters = {}

---@class lacre.parameters
---@field label string of PEM: "EC PARAMETERS"
---@field der string
local methods = {}
methods.__index = methods

local nist = { prime256v1 = "P-256", secp384r1 = "P-384", secp521r1 = "P-521" }

--- The parameters of a PEM block.
---@param label string
---@param bytes string DER
---@return lacre.parameters? parameters
---@return lacre.error? err bad_der
function parameters.parse(label, bytes)
  local _, err = der.decode(der.any, bytes)
  if err then
    return nil, err
  end
  return setmetatable({ label = label, der = bytes }, methods)
end

--- The curve that they name: "P-256".
---@return string?
function methods:curve()
  local content = self.label == "EC PARAMETERS" and self.der:match "^\6.(.+)$"
  local name = content and core.oid.long_name(content)
  return nist[name] or name or nil
end

---@return string
function methods:to_der()
  return self.der
end

---@return string
function methods:to_pem()
  return pem.encode(self.label, self.der)
end

---@return table
function methods:to_table()
  return { type = self.label:lower():gsub(" parameters$", ""), curve = self:curve() }
end

---@return string
function methods:to_text()
  return "parameters of keys: " .. (self:curve() or self.label) .. "\n"
end

-- what `openssl ecparam -genkey` writes before a key says nothing that the key does not
local function is_needless(item, items)
  local is_curve = item.kind == "parameters" and item.value:curve()
  for _, other in ipairs(is_curve and items or {}) do
    if other.kind == "key" then
      return true
    end
  end
  return false
end

--- Documents without those curves that the keys beside them hold, too.
---@param items lacre.document[]
---@return lacre.document[]
function parameters.needed(items)
  local list = {}
  for _, item in ipairs(items) do
    if not is_needless(item, items) then
      list[#list + 1] = item
    end
  end
  return list
end

return parameters
