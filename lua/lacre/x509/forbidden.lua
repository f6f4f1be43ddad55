--- x509.forbidden: which name of a certificate the name constraints of an issuer forbid. The verifier decides
--- whether one does; this is for the message that says which.

local network = require "lacre.x509.network"

local forbidden = {}

local function below(host, base)
  base = base:gsub("^%.", "")
  return host == base or host:sub(-#base - 1) == "." .. base
end

local fits = { dns = below, ip = function(value, base)
  return network.contains(base, value)
end }

function fits.email(value, base)
  local host = value:match "@([^@]*)$" or ""
  return value == base or host == base or base:sub(1, 1) == "." and host:sub(-#base) == base
end

function fits.uri(value, base)
  local host = (value:match "^%w[%w+.-]*://([^/?#]*)" or ""):gsub("^.*@", ""):gsub(":%d*$", "")
  return host == base or base:sub(1, 1) == "." and host:sub(-#base) == base
end

-- whether a list speaks of names of this kind, and whether one of it fits
local function judged(list, item)
  local speaks = false
  for _, one in ipairs(list or {}) do
    local base = one.base
    if base.type == item.type and fits[item.type] then
      speaks = true
      if fits[item.type](tostring(item.value):lower(), tostring(base.value):lower()) then
        return true, true
      end
    end
  end
  return speaks, false
end

--- The first name that is excluded, or that none of its kind permits.
---@param names { type: string, value: any }[]
---@param limits? table of `cert:name_constraints()`
---@return string? name
function forbidden.name(names, limits)
  for _, item in ipairs(limits and names or {}) do
    local _, excluded = judged(limits.excluded, item)
    local speaks, permitted = judged(limits.permitted, item)
    if excluded or speaks and not permitted then
      return tostring(item.value)
    end
  end
end

--- What a message says of it.
---@param cert { subject_alt_names: function }
---@param limits? table
---@return string
function forbidden.told(cert, limits)
  return forbidden.name(cert:subject_alt_names(), limits) or "a name of the certificate"
end

return forbidden
