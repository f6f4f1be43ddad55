--- plain: values as data that JSON can hold: text in UTF-8, numbers, booleans, tables of these.

local core = require "lacre.core"

local plain = {}

local function tail(text, at, count)
  for i = at + 1, at + count do
    local byte = text:byte(i)
    if not byte or byte < 0x80 or byte > 0xbf then
      return false
    end
  end
  return true
end

-- octets behind the first of a character, or nil where none begins so (RFC 3629)
local function following(text, at)
  local a, b = text:byte(at, at + 1)
  local count = a < 0x80 and 0 or a >= 0xc2 and a < 0xe0 and 1 or a >= 0xe0 and a < 0xf0 and 2
    or a >= 0xf0 and a < 0xf5 and 3 or nil
  local bad = not count or not tail(text, at, count)
    or (a == 0xe0 and b < 0xa0) or (a == 0xed and b > 0x9f) or (a == 0xf0 and b < 0x90) or (a == 0xf4 and b > 0x8f)
  return not bad and count or nil
end

--- Text as it is where it is UTF-8; octets that are not are written `\xNN`, so that nothing is lost.
---@param text string
---@return string
function plain.text(text)
  if not text:find "[\128-\255]" then
    return text
  end
  local out, at = {}, 1
  while at <= #text do
    local count = following(text, at)
    out[#out + 1] = count and text:sub(at, at + count) or ("\\x%02x"):format(text:byte(at))
    at = at + (count or 0) + 1
  end
  return table.concat(out)
end

--- A copy of any value; objects become their text, what is called `der` hexadecimal.
---@param value any
---@return any
function plain.value(value)
  if type(value) == "string" then
    return plain.text(value)
  elseif type(value) ~= "table" and type(value) ~= "userdata" then
    return value
  elseif type(value) == "userdata" or getmetatable(value) then
    return plain.text(tostring(value))
  end
  local copy = {}
  for k, v in pairs(value) do
    copy[plain.value(k)] = k == "der" and core.bytes.hex(v) or plain.value(v)
  end
  return copy
end

-- what shows nothing, or turns the direction of what follows: CN="moc.elpmaxe" after an override reads example.com
local unseen = {
  "\194[\128-\159\173]", "\216\156", -- C1 controls, soft hyphen, Arabic mark
  "\226\128[\139-\143\168-\174]", "\226\129[\160-\175]", -- zero width, ends of lines, overrides, isolates
  "\239\187\191", "\243\160[\128\129][\128-\191]", -- byte order mark, tags
}

local function escaped(character)
  local code = character:byte() % 2 ^ (7 - #character)
  for i = 2, #character do
    code = code * 64 + character:byte(i) % 64
  end
  return ("\\u%04x"):format(code)
end

--- Text fit for a terminal, and for one line of it: control characters are written `\xNN` or `\uNNNN`, and what is no
--- UTF-8 too.
---@param text string
---@return string
function plain.printable(text)
  if not text:find "[^\32-\126]" then
    return text -- as most are
  end
  text = plain.text(text):gsub("[%c\127]", function(c)
    return ("\\x%02x"):format(c:byte())
  end)
  for _, pattern in ipairs(text:find "[\128-\255]" and unseen or {}) do
    text = text:gsub(pattern, escaped)
  end
  return text
end

return plain
