--- x509.extension.text: what an extension holds, in one line for people.

local core = require "lacre.core"
local plain = require "lacre.plain"

local extension_text = {}

local function shown(text)
  local printable = plain.printable(text)
  return printable == text and text or "#" .. core.bytes.hex(text)
end

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do
    if type(key) == "string" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  return keys
end

-- any value, so that nothing is without words
local function describe(value)
  if type(value) ~= "table" or getmetatable(value) then
    return type(value) == "string" and shown(value) or tostring(value)
  elseif value.type and value.value ~= nil then
    return value.type .. ":" .. describe(value.value)
  end
  local parts = {}
  for i, item in ipairs(value) do
    parts[i] = describe(item)
  end
  for _, key in ipairs(sorted_keys(value)) do
    local item = value[key]
    parts[#parts + 1] = item == true and key or key .. "=" .. describe(item)
  end
  return table.concat(parts, ", ")
end

local function each(list, words)
  local parts = {}
  for i, item in ipairs(list or {}) do
    parts[i] = words(item)
  end
  return table.concat(parts, ", ")
end

local function points(list)
  return each(list, function(point)
    local name = point.name and (point.name.full_name and describe(point.name.full_name) or "a relative name") or ""
    local limits = describe { reasons = point.reasons, crl_issuer = point.crl_issuer }
    return name .. (limits ~= "" and " (" .. limits .. ")" or "")
  end)
end

local methods = { ["1.3.6.1.5.5.7.48.1"] = "ocsp", ["1.3.6.1.5.5.7.48.2"] = "issuer" }

local function access(list)
  return each(list, function(one)
    return (methods[one.method] or one.method) .. " " .. describe(one.location)
  end)
end

local function subtree(one)
  local limits = describe { minimum = one.minimum ~= 0 and one.minimum or nil, maximum = one.maximum }
  return describe(one.base) .. (limits ~= "" and " (" .. limits .. ")" or "")
end

local renderers = {
  crl_distribution_points = points,
  freshest_crl = points,
  authority_info_access = access,
  subject_info_access = access,
  name_constraints = function(value)
    local parts = {}
    for _, which in ipairs { "permitted", "excluded" } do
      parts[#parts + 1] = value[which] and which .. " " .. each(value[which], subtree)
    end
    return table.concat(parts, "; ")
  end,
  certificate_policies = function(list)
    return each(list, function(one)
      return one.policy
    end)
  end,
  policy_mappings = function(list)
    return each(list, function(one)
      return one.issuer_policy .. " = " .. one.subject_policy
    end)
  end,
  basic_constraints = function(value)
    if not value.ca then
      return "not a CA" .. (value.path_length and ", path length " .. value.path_length or "")
    end
    return "CA" .. (value.path_length and ", path length " .. value.path_length or "")
  end,
  tls_feature = function(list)
    return each(list, function(feature)
      return feature == 5 and "status_request" or tostring(feature)
    end)
  end,
  ocsp_no_check = function()
    return "yes"
  end,
}

--- The line.
---@param understood table from extension.understand
---@return string
function extension_text.of(understood)
  if understood.value == nil then
    return (understood.malformed and "malformed: " or "") .. core.bytes.hex(understood.der)
  end
  return (renderers[understood.name] or describe)(understood.value)
end

return extension_text
