--- key.strength: kind and size of a public key, read off its encoding (RFC 5280 section 4.1.2.7).
--
-- Decoding a key costs a tenth of a handshake; whoever only wants to know whether it is long enough looks
-- at the length of its numbers.

local byte = string.byte

local kinds = {
  { "\6\9\42\134\72\134\247\13\1\1\1", "rsa" }, { "\6\9\42\134\72\134\247\13\1\1\10", "rsa-pss" },
  { "\6\7\42\134\72\206\61\2\1", "ec" }, { "\6\7\42\134\72\206\56\4\1", "dsa" },
}

-- where the content of an element begins, and how long it is
local function open(bytes, at)
  local length = byte(bytes, at + 1) or 0
  if length < 0x80 then
    return at + 2, length
  end
  local octets, size = length - 0x80, 0
  for i = at + 2, at + 1 + octets do
    size = size * 256 + (byte(bytes, i) or 0)
  end
  return at + 2 + octets, size
end

local function bits_of_number(bytes, at)
  local first, length = open(bytes, at)
  while byte(bytes, first) == 0 and length > 0 do
    first, length = first + 1, length - 1
  end
  local top, bits = byte(bytes, first) or 0, (length - 1) * 8
  while top > 0 do
    top, bits = math.floor(top / 2), bits + 1
  end
  return bits
end

-- SubjectPublicKeyInfo: the algorithm, then the key in a BIT STRING
local function key_at(spki)
  local algorithm = open(spki, 1)
  local first, length = open(spki, algorithm)
  local key, size = open(spki, first + length)
  return key + 1, size - 1
end

local readers = {
  rsa = function(spki, at)
    return bits_of_number(spki, (open(spki, at)))
  end,
  ec = function(spki, at, size)
    local is_compressed = byte(spki, at) ~= 4
    return (size - 1) * (is_compressed and 8 or 4)
  end,
  dsa = function(spki, at)
    return bits_of_number(spki, at)
  end,
}

readers["rsa-pss"] = readers.rsa

--- The kind of a key and its bits; other kinds than RSA, EC and DSA are strong by themselves.
---@param spki string DER
---@return "rsa"|"rsa-pss"|"ec"|"dsa"|"other" kind
---@return integer bits of P-521: 528, the size of a coordinate
return function(spki)
  for _, row in ipairs(kinds) do
    if spki:find(row[1], 1, true) then
      return row[2], readers[row[2]](spki, key_at(spki))
    end
  end
  return "other", 0
end
