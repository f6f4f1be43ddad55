--- der.text: octets, text, bits, identifiers and times.

local core = require "lacre.core"
local ground = require "lacre.der.element"
local time = require "lacre.time"

local tagged, malformed, same = ground.tagged, ground.malformed, ground.same
local element = ground.element
local byte, char, sub = string.byte, string.char, string.sub
local floor, concat = math.floor, table.concat

local der = {}

der.octets = tagged(0x04, same, same)
der.hex_octets = tagged(0x04, function(text)
  return core.bytes.unhex(text) or error("not octets in hexadecimal: " .. text, 0)
end, core.bytes.hex)
der.null = tagged(0x05, function()
  return ""
end, function(content)
  if content ~= "" then
    malformed "bad null"
  end
  return true
end)

der.bits = tagged(0x03, function(value)
  return "\0" .. value
end, function(content)
  if byte(content) ~= 0 then
    malformed "not a whole number of octets"
  end
  return sub(content, 2)
end)

der.utf8 = tagged(0x0c, same, same)
der.printable = tagged(0x13, same, same)
der.ia5 = tagged(0x16, same, same)

local contents = {}

local function encode_oid(text)
  local content = contents[text] or core.oid.content(text)
  if not content then
    error("not an object identifier: " .. tostring(text), 0)
  end
  contents[text] = content
  return content
end

--- Dotted text; a name OpenSSL knows may be written.
der.oid = tagged(0x06, encode_oid, function(content)
  return (core.oid.text(content)) or malformed "bad object identifier"
end)

-- nine bits have names; a list much longer than that was made to waste time
local MOST_BITS = 1024

--- A set of names, one for each bit in turn.
---@param names string[]
---@return lacre.der.type
function der.named_bits(names)
  return tagged(0x03, function(set)
    local octets, last = {}, 0
    for i, name in ipairs(names) do
      if set[name] then
        local at = floor((i - 1) / 8) + 1
        for fill = #octets + 1, at do
          octets[fill] = 0
        end
        octets[at], last = octets[at] + 2 ^ (7 - (i - 1) % 8), i
      end
    end
    for i, octet in ipairs(octets) do
      octets[i] = char(octet)
    end
    return char(last == 0 and 0 or (8 - last % 8) % 8) .. concat(octets)
  end, function(content)
    local set, unused = {}, byte(content)
    if not unused or unused > 7 or (unused > 0 and #content == 1) or #content > MOST_BITS / 8 + 1 then
      malformed "bad bit string"
    end
    for i = 1, (#content - 1) * 8 - unused do
      local octet = byte(content, floor((i - 1) / 8) + 2)
      if floor(octet / 2 ^ (7 - (i - 1) % 8)) % 2 == 1 then
        set[names[i] or ("bit_" .. i - 1)] = true
      end
    end
    return set
  end)
end

-- times --

local function decode_time(content, pattern)
  local y, mo, d, h, mi, s = content:match(pattern)
  if not y then
    return malformed "bad time"
  end
  if #y == 2 then
    y = (tonumber(y) < 50 and "20" or "19") .. y
  end
  return (time.parse(("%s-%s-%sT%s:%s:%sZ"):format(y, mo, d, h, mi, s))) or malformed "bad time"
end

local utc = tagged(0x17, same, function(content)
  return decode_time(content, "^(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)Z$")
end)

--- GeneralizedTime, seconds since 1970.
der.generalized_time = tagged(0x18, function(instant)
  return (time.format(instant):gsub("[-:T]", ""))
end, function(content)
  return decode_time(content:gsub("%.%d+Z$", "Z"), "^(%d%d%d%d)(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)Z$")
end)

--- UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
der.time = {
  write = function(instant)
    local text = time.format(instant, "asn1")
    return element(#text == 13 and 0x17 or 0x18, text)
  end,
  read = function(bytes, pos, stop)
    return (byte(bytes, pos) == 0x17 and utc or der.generalized_time).read(bytes, pos, stop)
  end,
}

return der
