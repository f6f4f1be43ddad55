--- der.number: integers of any size, as numbers where they fit, otherwise as hexadecimal text.

local core = require "lacre.core"
local ground = require "lacre.der.element"

local tagged, malformed = ground.tagged, ground.malformed
local byte, char, sub, rep = string.byte, string.char, string.sub, string.rep
local floor, concat = math.floor, table.concat

local der = {}

local function negate(content)
  local out, carry = {}, 1
  for i = #content, 1, -1 do
    local n = 255 - byte(content, i) + carry
    carry = n > 255 and 1 or 0
    out[i] = char(n % 256)
  end
  return concat(out)
end

local function encode_hex(text)
  local sign, digits = text:match "^(%-?)(%x+)$"
  if not digits then
    error("not a number in hexadecimal: " .. text, 0)
  end
  digits = digits:gsub("^0+", "")
  local content = core.bytes.unhex(rep("0", #digits % 2) .. digits)
  if content == "" or byte(content) >= 0x80 then
    content = "\0" .. content
  end
  if sign == "" then
    return content
  end
  content = negate(content)
  if byte(content) == 0xff and #content > 1 and byte(content, 2) >= 0x80 then
    content = sub(content, 2)
  end
  return content
end

local function check_integer(content)
  local a, b = byte(content, 1, 2)
  if not a or (b and ((a == 0 and b < 0x80) or (a == 0xff and b >= 0x80))) then
    malformed "integer is not minimal"
  end
end

local function decode_hex(content)
  check_integer(content)
  local sign = ""
  if byte(content) >= 0x80 then
    sign, content = "-", negate(content)
  end
  local digits = core.bytes.hex(content)
  return sign .. (#digits > 2 and digits:gsub("^00", "") or digits)
end

local function decode_integer(content)
  check_integer(content)
  if #content > 6 then
    return decode_hex(content)
  end
  local n = byte(content) >= 0x80 and -1 or 0
  for i = 1, #content do
    n = n * 256 + byte(content, i)
  end
  return n
end

local function encode_integer(value)
  if type(value) == "string" then
    return encode_hex(value)
  end
  return encode_hex(("%s%x"):format(value < 0 and "-" or "", floor(math.abs(value))))
end

der.boolean = tagged(0x01, function(value)
  return value and "\255" or "\0"
end, function(content)
  if content ~= "\255" and content ~= "\0" then
    malformed "bad boolean"
  end
  return content == "\255"
end)

--- A number where it fits one, otherwise lower-case hexadecimal.
der.integer = tagged(0x02, encode_integer, decode_integer)
der.enumerated = tagged(0x0a, encode_integer, decode_integer)

--- Always lower-case hexadecimal, as serial numbers are told.
der.hex_integer = tagged(0x02, encode_hex, decode_hex)

return der
