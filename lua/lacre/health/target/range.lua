--- health.target.range: many IPv4 addresses in one word: 192.0.2.0/28, 192.0.2.10-20.

local fail = require("lacre.error").fail

local target_range = {}

local MOST = 4096

local function number_of(a, b, c, d)
  local octets, number = { a, b, c, d }, 0
  for _, text in ipairs(octets) do
    local octet = tonumber(text)
    if octet > 255 then
      return nil
    end
    number = number * 256 + octet
  end
  return number
end

local function text_of(number)
  local octets = {}
  for i = 4, 1, -1 do
    octets[i], number = ("%d"):format(number % 256), math.floor(number / 256)
  end
  return table.concat(octets, ".")
end

-- first and last address, and what stands around them
local function bounds(text)
  local may_be = text:find("/", 1, true) or text:find("-", 1, true)
  if not may_be or not text:find "%d[/-]%d" then
    return nil -- which most are not
  end
  local octet = "(%d%d?%d?)"
  local pattern = ("^(.-)%s%%.%s%%.%s%%.%s([/-])%s(:?%%d*)$"):format(octet, octet, octet, octet, octet)
  local before, a, b, c, d, kind, last, behind = text:match(pattern)
  local first = a and number_of(a, b, c, d)
  if not first or (before ~= "" and before:sub(-1) ~= "@") then
    return nil
  end
  last = tonumber(last)
  if kind == "-" then
    return first, first - first % 256 + last, before, behind, last <= 255 and last >= tonumber(d)
  end
  local size = last <= 32 and 2 ^ (32 - last) or 0
  first = first - first % math.max(size, 1)
  return first, first + size - 1, before, behind, size >= 1
end

--- The targets of a range; nil where the text is none.
---@param text string
---@return string[]? texts
---@return lacre.error? err bad_name, where it is too large or makes no sense
function target_range.expand(text)
  local first, last, before, behind, is_sane = bounds(text)
  if not first then
    return nil
  elseif not is_sane or last - first >= MOST then
    return fail("config", "bad_name", "not a range of at most %d addresses: %s", MOST, text)
  end
  local list = {}
  for number = first, last do
    list[#list + 1] = before .. text_of(number) .. behind
  end
  return list
end

return target_range
