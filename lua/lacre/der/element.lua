--- der.element: one element of an encoding: a tag, a length, a content (ITU-T X.690 section 8.1).

local ground = {}

local byte, char, sub = string.byte, string.char, string.sub
local floor = math.floor

-- octets as strings
local chars = setmetatable({}, {
  __index = function(self, octet)
    self[octet] = char(octet)
    return self[octet]
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
ground.element = element

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
ground.tagged = tagged

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

ground.malformed, ground.open, ground.same, ground.whole = malformed, open, same, whole

return ground
