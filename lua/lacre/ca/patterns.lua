--- ca.patterns: names as policies write them: `*.x` and `**.x`, `10.0.0.0/8`, `@domain`, `scheme://place/*`.

local core = require "lacre.core"

local patterns = {}

-- whether the first `bits` of two addresses are the same
local function same_bits(a, b, bits)
  local whole = math.floor(bits / 8)
  if a:sub(1, whole) ~= b:sub(1, whole) then
    return false
  end
  local unit = 2 ^ (8 - bits % 8)
  return bits % 8 == 0 or math.floor(a:byte(whole + 1) / unit) == math.floor(b:byte(whole + 1) / unit)
end

local function matches_address(pattern, value)
  local text, bits = pattern:match "^(.*)/(%d+)$"
  local base, address = core.bytes.address(text or pattern), core.bytes.address(value)
  return base ~= nil and address ~= nil and #base == #address
    and same_bits(base, address, math.min(tonumber(bits or #base * 8), #base * 8))
end

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

local matchers = { dns = matches_dns, ip = matches_address, email = matches_email, uri = matches_uri }

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
