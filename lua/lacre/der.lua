--- der: ASN.1 types as values that read and write their own encoding (ITU-T X.690).
--
-- A type is a table: `write(value)` gives the whole element, `read(bytes, pos, stop)` gives a value
-- and the place behind it. Structures are built from types once, as data, and serve both ways, so
-- what is issued and what is understood cannot drift apart. Reading is strict: definite, minimal
-- lengths inside their container, nothing left over; whatever else is malformed.

local core = require "lacre.core"
local time = require "lacre.time"
local fail = require("lacre.error").fail

local der = {}

---@class lacre.der.type
---@field tag? integer identifier octet; nil for a choice
---@field write fun(value: any): string
---@field read fun(bytes: string, pos: integer, stop: integer): any, integer
---@field encode? fun(value: any): string content only
---@field decode? fun(content: string): any

local byte, char, sub, rep = string.byte, string.char, string.sub, string.rep
local floor, concat = math.floor, table.concat

-- every octet as a string, and every octet of two hexadecimal digits
local chars, octets_of = {}, {}
for i = 0, 255 do
  chars[i] = char(i)
  octets_of[("%02x"):format(i)] = chars[i]
end
setmetatable(octets_of, {
  __index = function(_, pair)
    return rawget(octets_of, pair:lower())
  end,
})

-- raised by readers, caught by der.decode; its text says what was wrong
local function malformed(why)
  error({ malformed = why }, 0)
end

local function length(n)
  if n < 0x80 then
    return char(n)
  end
  local octets = ""
  while n > 0 do
    octets = char(n % 256) .. octets
    n = floor(n / 256)
  end
  return char(0x80 + #octets) .. octets
end

--- An element of a tag and a content.
---@param tag integer identifier octet
---@param content string
---@return string
local function element(tag, content)
  local n = #content
  if n < 0x80 then
    return chars[tag] .. chars[n] .. content
  end
  return chars[tag] .. length(n) .. content
end
der.element = element

local function long_length(bytes, pos, octets, stop)
  if octets == 0 or octets > 4 or pos + octets > stop or byte(bytes, pos) == 0 then
    malformed "bad length"
  end
  local n = 0
  for i = pos, pos + octets - 1 do
    n = n * 256 + byte(bytes, i)
  end
  if n < 0x80 then
    malformed "length is not minimal"
  end
  return n, pos + octets
end

--- The element at a place: its tag, where its content starts, and what is behind it.
---@return integer tag, integer first, integer behind
local function open(bytes, pos, stop)
  local tag, n = byte(bytes, pos, pos + 1)
  if pos + 1 >= stop then
    malformed "truncated"
  end
  pos = pos + 2
  if n >= 0x80 then
    n, pos = long_length(bytes, pos, n - 0x80, stop)
  end
  if pos + n > stop then
    malformed "longer than what holds it"
  end
  return tag, pos, pos + n
end

local function read_tagged(self, bytes, pos, stop)
  local tag, first, behind = open(bytes, pos, stop)
  if tag ~= self.tag then
    malformed(("tag %02x expected, got %02x"):format(self.tag, tag))
  end
  return self.decode(sub(bytes, first, behind - 1)), behind
end

--- A type of one tag.
---@return lacre.der.type
local function tagged(tag, encode, decode)
  local self = { tag = tag, encode = encode, decode = decode }
  function self.write(value)
    return element(tag, encode(value))
  end
  function self.read(bytes, pos, stop)
    return read_tagged(self, bytes, pos, stop)
  end
  return self
end
der.tagged = tagged

local function same(value)
  return value
end

local function whole(type, content)
  local value, behind = type.read(content, 1, #content + 1)
  if behind ~= #content + 1 then
    malformed "something follows"
  end
  return value
end

-- integers --

local function negate(content)
  local out, carry = {}, 1
  for i = #content, 1, -1 do
    local n = 255 - byte(content, i) + carry
    carry = n > 255 and 1 or 0
    out[i] = char(n % 256)
  end
  return concat(out)
end

local function from_hex(text)
  return (text:gsub("%x%x", octets_of))
end
der.from_hex = from_hex

local function encode_hex(text)
  local sign, digits = text:match "^(%-?)(%x+)$"
  if not digits then
    error("not a number in hexadecimal: " .. text, 0)
  end
  digits = digits:gsub("^0+", "")
  local content = from_hex(rep("0", #digits % 2) .. digits)
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

-- bytes and text --

der.octets = tagged(0x04, same, same)
der.hex_octets = tagged(0x04, from_hex, core.bytes.hex)
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
    malformed "bits that are no octets"
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
    if not unused or unused > 7 or (unused > 0 and #content == 1) then
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

-- structures --

--- Any element, as it is written.
der.any = {
  write = same,
  read = function(bytes, pos, stop)
    local _, _, behind = open(bytes, pos, stop)
    return sub(bytes, pos, behind - 1), behind
  end,
}

--- A string of any type, as UTF-8; written as UTF8String.
der.text = {
  write = der.utf8.write,
  read = function(bytes, pos, stop)
    local raw, behind = der.any.read(bytes, pos, stop)
    return core.name.text(raw), behind
  end,
}

--- The same content under the tag [n] of its own.
---@return lacre.der.type
function der.implicit(n, inner)
  return tagged((inner.tag % 0x40 >= 0x20 and 0xa0 or 0x80) + n, inner.encode, inner.decode)
end

--- An element inside the tag [n].
---@return lacre.der.type
function der.explicit(n, inner)
  return tagged(0xa0 + n, inner.write, function(content)
    return whole(inner, content)
  end)
end

local function accepts(inner, tag)
  return inner.tag == tag or (not inner.tag and (not inner.tags or inner.tags[tag]))
end

local function read_field(field, content, pos, stop)
  local inner = field[2]
  if pos < stop and accepts(inner, byte(content, pos)) then
    return inner.read(content, pos, stop)
  elseif field.default == nil and not field.optional then
    malformed(field[1] .. " is missing")
  end
  return field.default, pos
end

--- A record: `{ { "name", type, optional = true, default = value }, ... }`, read as a table.
---@return lacre.der.type
function der.sequence(fields)
  return tagged(0x30, function(value)
    local out = {}
    for _, field in ipairs(fields) do
      local v = value[field[1]]
      if v ~= nil and v ~= field.default then
        out[#out + 1] = field[2].write(v)
      elseif v == nil and field.default == nil and not field.optional then
        error("no value for " .. field[1], 0)
      end
    end
    return concat(out)
  end, function(content)
    local value, pos, stop = {}, 1, #content + 1
    for _, field in ipairs(fields) do
      value[field[1]], pos = read_field(field, content, pos, stop)
    end
    if pos ~= stop then
      malformed "unknown element at the end"
    end
    return value
  end)
end

local function list_of(tag, inner, order)
  return tagged(tag, function(list)
    local out = {}
    for i, value in ipairs(list) do
      out[i] = inner.write(value)
    end
    if order then
      table.sort(out)
    end
    return concat(out)
  end, function(content)
    local list, pos, stop = {}, 1, #content + 1
    while pos < stop do
      list[#list + 1], pos = inner.read(content, pos, stop)
    end
    return list
  end)
end

---@return lacre.der.type
function der.sequence_of(inner)
  return list_of(0x30, inner)
end

--- Written in the order that DER asks for (X.690 section 11.6).
---@return lacre.der.type
function der.set_of(inner)
  return list_of(0x31, inner, true)
end

--- One of `{ { "name", type }, ... }`; the value is a table with that one name.
---@return lacre.der.type
function der.choice(alternatives)
  local tags = {}
  for _, alternative in ipairs(alternatives) do
    tags[alternative[2].tag] = alternative
  end
  return {
    tags = tags,
    write = function(value)
      for _, alternative in ipairs(alternatives) do
        if value[alternative[1]] ~= nil then
          return alternative[2].write(value[alternative[1]])
        end
      end
      error("no value for " .. alternatives[1][1], 0)
    end,
    read = function(bytes, pos, stop)
      local alternative = tags[byte(bytes, pos)] or malformed "none of the alternatives"
      local value, behind = alternative[2].read(bytes, pos, stop)
      return { [alternative[1]] = value }, behind
    end,
  }
end

--- A type read and written through another: `to` makes the value that is seen, `from` undoes it.
---@return lacre.der.type
function der.mapped(inner, to, from)
  local self = tagged(inner.tag, function(value)
    return inner.encode(from(value))
  end, function(content)
    return to(inner.decode(content))
  end)
  return self
end

--- The length of the element that bytes begin with.
---@param bytes string
---@return integer? length nil where there is none
function der.length(bytes)
  local ok, _, _, behind = pcall(open, bytes, 1, #bytes + 1)
  return ok and behind - 1 or nil
end

--- Reads a whole encoding.
---@param type lacre.der.type
---@param bytes string
---@return any? value
---@return lacre.error? err bad_der
function der.decode(type, bytes)
  local ok, value = pcall(whole, type, bytes)
  if ok then
    return value
  elseif _G.type(value) ~= "table" or not value.malformed then
    error(value, 0)
  end
  return fail("parse", "bad_der", "malformed encoding: %s", value.malformed)
end

return der
