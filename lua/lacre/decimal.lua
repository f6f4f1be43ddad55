--- decimal: numbers as text with a point, whatever the locale: `tonumber` of Lua 5.1 and 5.2 and `string.format`
--- of every Lua have a comma where the locale has one.

local decimal = {}

--- The number of "1.5".
---@param text string digits, and at most one point
---@return number
function decimal.parse(text)
  local whole, fraction = text:match "^(%d*)%.?(%d*)$"
  return (tonumber(whole) or 0) + (tonumber(fraction) or 0) / 10 ^ #fraction
end

--- A number with so many places behind the point.
---@param value number
---@param places integer
---@return string
function decimal.format(value, places)
  return ((("%%.%df"):format(places):format(value)):gsub(",", "."))
end

return decimal
