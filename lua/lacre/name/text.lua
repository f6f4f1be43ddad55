--- name.text: distinguished names as text, RFC 4514, both ways; and the slashed form of older programs.

local lacre_error = require "lacre.error"

local name_text = {}

--- What is no distinguished name, and how one is written.
---@param format string
---@return nil, lacre.error
function name_text.refuse(format, ...)
  local _, err = lacre_error.fail("parse", "bad_name", format, ...)
  return nil, lacre_error.annotate(err, { hint = "write a name as CN=www.example.com,O=Example,C=PT" })
end

local function unescape(text)
  return (text:gsub("\\(%x%x)", function(pair)
    return "\\" .. string.char(tonumber(pair, 16))
  end):gsub("\\(.)", "%1"))
end

-- splits at separators that are not escaped; hexadecimal escapes hold none
local function split(text, separator)
  local parts, start, i = {}, 1, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" then
      i = i + 1
    elseif c == separator then
      parts[#parts + 1], start = text:sub(start, i - 1), i + 1
    end
    i = i + 1
  end
  parts[#parts + 1] = text:sub(start)
  return parts
end

local function pair_of(text)
  local kind, value = text:match "^%s*([%w.]+)%s*=(.*)$"
  if not kind then
    return nil
  end
  value = value:gsub("^ +", "")
  while value:match " $" and not value:match "\\ $" do
    value = value:sub(1, -2)
  end
  if #value:match "\\*$" % 2 == 1 then
    return nil -- an escape of nothing
  end
  return { kind:gsub("^[Oo][Ii][Dd]%.", ""), unescape(value) }
end

local function rdns_of(parts, multi)
  local rdns = {}
  for i, part in ipairs(parts) do
    rdns[i] = {}
    for j, text in ipairs(multi and split(part, "+") or { part }) do
      rdns[i][j] = pair_of(text)
      if not rdns[i][j] then
        return name_text.refuse("'%s' is not TYPE=value", (text:gsub("%c", "?")))
      end
    end
  end
  return rdns
end

--- The attributes of a text, in sets: `{ { { type, value }, ... }, ... }`, the largest first.
---@param text string
---@return table[]? rdns
---@return lacre.error? err bad_name
function name_text.read(text)
  if text == "" then
    return {}
  end
  local slashed = text:sub(1, 1) == "/"
  local parts = slashed and split(text:sub(2), "/") or split(text, ",")
  local rdns, err = rdns_of(parts, not slashed)
  if not rdns then
    return nil, err
  elseif not slashed then
    for i = 1, math.floor(#rdns / 2) do
      rdns[i], rdns[#rdns - i + 1] = rdns[#rdns - i + 1], rdns[i]
    end
  end
  return rdns
end

-- RFC 4514 section 2.4
local function escape(value)
  value = value:gsub('[,+"\\<>;=]', "\\%0"):gsub("^[ #]", "\\%0"):gsub(" $", "\\ ")
  return (value:gsub("%c", function(c)
    return ("\\%02X"):format(c:byte())
  end))
end

local function is_raw(value)
  return value:match "^#%x+$" ~= nil
end

--- The text of attributes.
---@param attributes table[] as name:to_table()
---@return string
function name_text.write(attributes)
  local parts, last = {}, nil
  for _, item in ipairs(attributes) do
    local text = item.type .. "=" .. (is_raw(item.value) and item.value or escape(item.value))
    if item.rdn == last then
      parts[#parts] = parts[#parts] .. "+" .. text
    else
      parts[#parts + 1] = text
    end
    last = item.rdn
  end
  for i = 1, math.floor(#parts / 2) do
    parts[i], parts[#parts - i + 1] = parts[#parts - i + 1], parts[i]
  end
  return table.concat(parts, ",")
end

return name_text
