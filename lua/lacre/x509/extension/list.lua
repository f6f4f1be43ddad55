--- x509.extension.list: the extensions that are about to be signed: defaults, what a caller drops of
--- them, and what a caller adds.

local extension = require "lacre.x509.extension"
local options = require "lacre.options"

local extension_list = {}

local function oid_of(which)
  local oid = extension.oid(which)
  if not oid then
    options.misuse("bad option 'extensions' (unknown extension '%s')", tostring(which))
  end
  return oid
end

--- A set of the names in a list; a name that nobody knows raises.
---@param list string[]
---@param option string where the list came from
---@param known table<string, any> names as keys
---@return table<string, true>
function extension_list.set_of(list, option, known)
  local set = {}
  for _, item in ipairs(list) do
    if not known[item] and not (tostring(item):find "^%d+%.%d[%d.]*$" and extension.oid(item)) then
      local nearest = options.nearest(tostring(item), known)
      local guess = nearest and ("; did you mean '%s'?"):format(nearest) or ""
      options.misuse("bad option '%s' (unknown name '%s'%s)", option, tostring(item), guess)
    end
    set[item] = true
  end
  return set
end

local function uri(url, option)
  if type(url) ~= "string" or not url:find "^%a[%w+.-]*:[^%c \127-\255]+$" then
    options.misuse("bad option '%s' ('%s' is not a URI)", option, tostring(url))
  end
  return { type = "uri", value = url }
end

--- Policies of a certificate, for certificate_policies (RFC 5280 section 4.2.1.4).
---@param list string[]
---@return table[]?
function extension_list.policies(list)
  local policies, seen = {}, {}
  for i, oid in ipairs(list) do
    if type(oid) ~= "string" or not oid:find "^%d" or not extension.oid(oid) then
      options.misuse("bad option 'policies' ('%s' is not an object identifier)", tostring(oid))
    elseif seen[oid] then
      options.misuse("bad option 'policies' (%s is given twice)", oid)
    end
    policies[i], seen[oid] = { policy = oid }, true
  end
  return #policies > 0 and policies or nil
end

--- Where the issuer's services are, for authority_info_access.
---@param ocsp_urls string[]?
---@param issuer_urls string[]?
---@return table[]?
function extension_list.access(ocsp_urls, issuer_urls)
  local access = {}
  for _, row in ipairs {
    { "1.3.6.1.5.5.7.48.1", ocsp_urls, "ocsp_urls" }, { "1.3.6.1.5.5.7.48.2", issuer_urls, "issuer_urls" },
  } do
    for _, url in ipairs(row[2] or {}) do
      access[#access + 1] = { method = row[1], location = uri(url, row[3]) }
    end
  end
  return #access > 0 and access or nil
end

--- Where revocation lists are, for crl_distribution_points.
---@param urls string[]?
---@param option string where they came from
---@return table[]?
function extension_list.points(urls, option)
  local points = {}
  for i, url in ipairs(urls or {}) do
    points[i] = { name = { full_name = { uri(url, option) } } }
  end
  return #points > 0 and points or nil
end

-- what the caller adds, and which defaults are dropped or replaced --

local function dropped_by(given)
  local dropped = {}
  local function look(fields)
    for which, value in pairs(fields) do
      if value == false and which ~= "critical" then
        dropped[oid_of(which)] = true
      end
    end
  end
  look(given)
  for _, item in ipairs(given) do
    if type(item) ~= "table" then
      options.misuse("bad option 'extensions' (tables expected in the list, got %s)", type(item))
    end
    look(item)
  end
  return dropped
end

local function made(item)
  local oid, critical = oid_of(item.oid or item.name), item.critical == true
  if item.der then
    return { oid = oid, critical = critical, der = item.der }
  end
  return extension.make(oid, critical, item.value)
end

-- what is made here, in the order people print it
local order = {
  "basic_constraints", "key_usage", "extended_key_usage", "subject_key_id", "authority_key_id", "subject_alt_names",
  "name_constraints", "certificate_policies", "crl_distribution_points", "authority_info_access", "tls_feature",
  "ocsp_no_check", "crl_number", "delta_crl_indicator", "freshest_crl", "crl_reason", "invalidity_date",
}

-- what a verifier must understand, or refuse (RFC 5280 section 4.2)
local critical = { basic_constraints = true, key_usage = true, name_constraints = true, delta_crl_indicator = true }

local function encoded(values, dropped, is_nameless)
  local out = {}
  for i = 1, #order do
    local which = order[i]
    local value = values[which]
    if value ~= nil and not (dropped and dropped[extension.oid(which)]) then
      local must = critical[which] or is_nameless and which == "subject_alt_names" or false
      out[#out + 1] = extension.make(which, must, value)
    end
  end
  return out
end

--- The encoded extensions: the defaults, without what was dropped, and what was added.
---@param values table<string, any> the defaults, by name
---@param given? table the option `extensions`: `{ { oid =, critical =, der = }, { name = false }, name = false }`
---@param is_nameless? boolean an empty subject makes the alternative names critical (RFC 5280 section 4.2.1.6)
---@return table[]
function extension_list.make(values, given, is_nameless)
  if not given or next(given) == nil then
    return encoded(values, nil, is_nameless)
  end
  local dropped, doubled, added = dropped_by(given), {}, {}
  for _, item in ipairs(given) do
    if item.oid or item.name then
      local one = made(item)
      if doubled[one.oid] then
        options.misuse("bad option 'extensions' (%s is given twice, RFC 5280 section 4.2)", item.name or one.oid)
      end
      doubled[one.oid], dropped[one.oid], added[#added + 1] = true, true, one
    end
  end
  local out = encoded(values, dropped, is_nameless)
  for _, item in ipairs(added) do
    out[#out + 1] = item
  end
  return out
end

return extension_list
