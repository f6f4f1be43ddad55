--- x509.alt_names: the names that are asked for a certificate, from what a person types or a request holds.

local general = require "lacre.x509.general_name"
local host = require "lacre.host"
local lacre_error = require "lacre.error"
local options = require "lacre.options"

local fail = lacre_error.fail

local alt_names = {}

local function add(names, seen, item)
  local id = item.type .. ":" .. tostring(item.value or item.der)
  if item.oid then
    id = id .. ":" .. item.oid
  end
  if not seen[id] then
    names[#names + 1], seen[id] = item, true
  end
end

--- The alternative names of a list of texts: DNS names (in any script), wildcards, IP addresses,
--- `user@host` and `scheme://...`. What is there twice is taken once.
---@param hosts string[]
---@return table[]? names
---@return lacre.error? err bad_name
function alt_names.of(hosts)
  local names, seen = {}, {}
  for _, text in ipairs(hosts) do
    if type(text) ~= "string" then
      options.misuse("bad option 'hosts' (list of strings expected, got %s)", type(text))
    end
    local item, err = general.of(text)
    if not item then
      return nil, err
    end
    add(names, seen, item)
  end
  return names
end

-- what a name of a type must be; the name, or nil, err
local checks = {
  dns = function(item)
    local parsed, err = host.parse(item.value)
    if parsed and parsed.type ~= "dns" then
      return fail("parse", "bad_name", "an IP address is not a DNS name: %s", item.value)
    end
    return parsed and { type = "dns", value = parsed.value }, err
  end,
  ip = function(item)
    local parsed, err = host.parse(item.value)
    if parsed and parsed.type ~= "ip" then
      return fail("parse", "bad_name", "not an IP address: %s", item.value)
    end
    return parsed and { type = "ip", value = parsed.value }, err
  end,
  email = function(item)
    local made, err = general.of(item.value)
    if made and not item.value:find "@" then
      return fail("parse", "bad_name", "not an e-mail address: %s", item.value)
    end
    return made, err
  end,
  uri = function(item)
    if not item.value:find "^%a[%w+.-]*:" or item.value:find "[%c \127-\255]" then
      return fail("parse", "bad_name", "not a URI: %s", (item.value:gsub("%c", "?")))
    end
    return { type = "uri", value = item.value }
  end,
}

local known = { dns = true, ip = true, email = true, uri = true, dir = true, rid = true, other = true }

--- Checks names in the form `{ type =, value = }` that a program gives.
---@param list table[]
---@return table[]? names
---@return lacre.error? err bad_name
function alt_names.check(list)
  local names, seen = {}, {}
  for _, item in ipairs(list) do
    if type(item) ~= "table" or not known[item.type] or (item.value == nil and item.der == nil) then
      options.misuse "bad option 'subject_alt_names' (list of { type =, value = } expected)"
    end
    local checked, err = item, nil
    if checks[item.type] then
      checked, err = checks[item.type](item)
    end
    if not checked then
      return nil, err
    end
    add(names, seen, checked)
  end
  return names
end

--- Those names of a request that are copied: hosts, mail addresses and URIs, each checked.
---@param list table[]
---@return table[]? names
---@return lacre.error? err bad_name
function alt_names.copied(list)
  local plain = {}
  for _, item in ipairs(list) do
    if checks[item.type] then
      plain[#plain + 1] = item
    end
  end
  return alt_names.check(plain)
end

--- The name that becomes the common one: the first that is short enough for it.
---@param names table[]
---@return string?
function alt_names.common(names)
  for _, item in ipairs(names) do
    if (item.type == "dns" or item.type == "ip" or item.type == "email") and #item.value <= 64 then
      return item.value
    end
  end
end

return alt_names
