--- der: ASN.1 types as values that read and write their own encoding (ITU-T X.690).
--
-- A type is a table: `write(value)` gives the whole element, `read(bytes, pos, stop)` gives a value
-- and the place behind it. Structures are built from types once, as data, and serve both ways, so
-- what is issued and what is understood cannot drift apart. Reading is strict: definite, minimal
-- lengths inside their container, nothing left over; whatever else is malformed.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local ground = require "lacre.der.element"

local element, tagged, open = ground.element, ground.tagged, ground.open
local malformed, same, whole = ground.malformed, ground.same, ground.whole
local byte, sub, concat = string.byte, string.sub, table.concat

---@class lacre.der.type
---@field tag? integer identifier octet; nil for a choice
---@field write fun(value: any): string
---@field read fun(bytes: string, pos: integer, stop: integer): any, integer
---@field encode? fun(value: any): string content only
---@field decode? fun(content: string): any

local der = { element = element, tagged = tagged }

for _, types in ipairs { (require "lacre.der.number"), (require "lacre.der.text") } do
  for name, type in pairs(types) do
    der[name] = type
  end
end

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
