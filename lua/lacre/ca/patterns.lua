--- ca.patterns: names as policies write them: `*.x` and `**.x`, `10.0.0.0/8`, `@domain`, `scheme://place/*`.

local core = require "lacre.core"
local host = require "lacre.host"
local network = require "lacre.x509.network"

local patterns = {}

-- `*.x` is one label more, `**.x` any number of them, none too
local function matches_dns(pattern, value)
  local base = pattern:match "^%*%*%.(.+)$"
  if base then
    return value == base or value:sub(-#base - 1) == "." .. base
  end
  base = pattern:match "^%*%.(.+)$"
  return pattern == value or base ~= nil and value:match "^[^.]+%.(.+)$" == base
end

local function matches_email(pattern, value)
  return pattern == value or pattern:sub(1, 1) == "@" and value:lower():sub(-#pattern) == pattern:lower()
end

local function matches_uri(pattern, value)
  return pattern == value or pattern:sub(-1) == "*" and value:sub(1, #pattern - 1) == pattern:sub(1, -2)
end

local matchers = { dns = matches_dns, ip = network.contains, email = matches_email, uri = matches_uri }

--- What kind of name a text is.
---@param pattern string
---@return string kind dns ip email uri
local function kind_of(pattern)
  if pattern:find "://" then
    return "uri"
  elseif pattern:find "@" then
    return "email"
  end
  return core.bytes.address((pattern:gsub("/%d+$", ""))) and "ip" or "dns"
end

patterns.kind = kind_of

-- what a certificate can hold; a pattern that fits nothing would forbid nothing, silently
local readers = {}

function readers.dns(pattern)
  local stars, base = pattern:match "^(%*%*?%.)(.+)$"
  local name = host.parse(base or pattern)
  return name and name.type == "dns" and not name.value:find("*", 1, true) and (stars or "") .. name.value or nil
end

function readers.ip(pattern)
  local text, bits = pattern:match "^(.*)/(%d+)$"
  local address = core.bytes.address(text or pattern)
  return tonumber(bits or 0) <= #address * 8 and pattern or nil
end

function readers.email(pattern)
  local mailbox, domain = pattern:match "^([^@%s]*)@([^@]+)$"
  local name = domain and host.parse(domain)
  return name and name.type == "dns" and mailbox .. "@" .. name.value or nil
end

function readers.uri(pattern)
  return pattern:find "^%a[%w+.-]*://%S+$" and pattern or nil
end

--- A list of patterns as they are compared, names in other scripts as A-labels.
---@param list any
---@return string[]? patterns
---@return string? why
function patterns.read(list)
  local all = {}
  if type(list) ~= "table" then
    return nil, "list expected, got " .. type(list)
  end
  for i, pattern in ipairs(list) do
    all[i] = type(pattern) == "string" and readers[kind_of(pattern)](pattern) or nil
    if not all[i] then
      local text = tostring(pattern):gsub("%c", "?")
      return nil, ("no name fits '%s': %s"):format(text,
        "write x.test, *.x.test, **.x.test, 10.0.0.0/8, @x.test or https://x.test/*")
    end
  end
  return all
end

--- The first pattern that a name fits.
---@param list string[]
---@param item { type: string, value: any }
---@return string?
function patterns.match(list, item)
  local value = tostring(item.value)
  for _, pattern in ipairs(list) do
    if kind_of(pattern) == item.type and matchers[item.type](pattern:lower(), value:lower()) then
      return pattern
    end
  end
end

return patterns
