--- name: distinguished names, RFC 5280 section 4.1.2.4.
--
-- A name keeps its encoding, which is what signatures cover, and reads its attributes when asked:
-- every one of them, in order, with the set it belongs to. Text is RFC 4514, where the last of the
-- sequence stands first; values that would mislead (NUL, separators) are escaped, never cut.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local later = require "lacre.later"
local options = require "lacre.options"

local encoding = later "lacre.name.encoding"
local name_text = later "lacre.name.text"

local name = {}

---@class lacre.name
local methods = {}
local metatable = { __index = methods, __name = "lacre.name" }

--- A name from its DER.
---@param bytes string DER of an X.501 Name
---@return lacre.name? name
---@return lacre.error? err bad_der
function name.from_der(bytes)
  options.argument("name.from_der", 1, bytes, "string")
  if not core.name.attributes(bytes) then
    return fail("parse", "bad_der", "malformed distinguished name")
  end
  return name.wrap(bytes)
end

--- The same without a look at it, for what OpenSSL has parsed already.
---@return lacre.name
---@package
function name.wrap(bytes)
  return setmetatable({ bytes = bytes }, metatable)
end

--- Whether a value is a name.
---@param value any
---@return boolean
function name.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end
local is_name = name.is

-- building --

-- the order in which people write them, largest first
local usual = {
  "DC", "C", "ST", "L", "street", "postalCode", "O", "OU", "title", "SN", "GN", "CN", "UID", "serialNumber",
  "emailAddress",
}
local rank = {}
for i, short in ipairs(usual) do
  rank[short] = i
end

local function by_rank(a, b)
  local x, y = rank[a] or 99, rank[b] or 99
  return x < y or (x == y and a < b)
end

local function keyed_rdns(fields)
  local keys, rdns = {}, {}
  for key in pairs(fields) do
    if type(key) == "string" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, by_rank)
  for _, key in ipairs(keys) do
    local values = fields[key]
    if type(values) ~= "table" then
      rdns[#rdns + 1] = { key, values }
    else
      for _, value in ipairs(values) do
        rdns[#rdns + 1] = { key, value }
      end
    end
  end
  return rdns
end

local function from_rdns(rdns)
  local bytes, is_plain = encoding.write(rdns)
  if not bytes then
    return name_text.refuse("%s", is_plain)
  end
  local made = name.wrap(bytes)
  made.plain = is_plain
  return made
end

local function from_table(fields)
  local rdns = keyed_rdns(fields)
  for _, item in ipairs(fields) do
    if type(item) ~= "table" then
      return name_text.refuse("write an attribute as { type, value }")
    end
    rdns[#rdns + 1] = item
  end
  return from_rdns(rdns)
end

local function from_text(text)
  local rdns, err = name_text.read(text)
  if not rdns then
    return nil, err
  end
  return from_rdns(rdns)
end

--- A name from RFC 4514 text (`CN=a,O=b`) or the slashed form (`/O=b/CN=a`).
---@param text string
---@return lacre.name? name
---@return lacre.error? err bad_name
function name.parse(text)
  if type(text) ~= "string" then
    error(("bad argument #1 to 'name.parse' (string expected, got %s)"):format(type(text)), 2)
  end
  return from_text(text)
end

--- A name from a table: `{ CN = "a", O = "b", { "OU", "x" } }`. Attributes by name come in the usual order,
--- then the listed ones in their own order; a list of pairs in place of a pair is one multi-valued RDN.
---@param fields table|string|lacre.name
---@return lacre.name? name
---@return lacre.error? err bad_name
function name.new(fields)
  if is_name(fields) then
    return fields
  elseif type(fields) == "string" then
    return from_text(fields)
  elseif type(fields) ~= "table" then
    error(("bad argument #1 to 'name.new' (table expected, got %s)"):format(type(fields)), 2)
  end
  return from_table(fields)
end

-- reading --

--- The encoding.
---@return string
function methods:der()
  return self.bytes
end

--- The attributes in order: `{ { type = "CN", oid =, value =, rdn = 1 }, ... }`.
---@return table[]
function methods:to_table()
  return core.name.attributes(self.bytes) or {}
end

--- `for attr, value, rdn in name:each() do`; attributes with the same rdn belong together.
---@return fun(): string?, string?, integer?
function methods:each()
  local list, i = self:to_table(), 0
  return function()
    i = i + 1
    local item = list[i]
    if item then
      return item.type, item.value, item.rdn
    end
  end
end

--- Every value of an attribute, by short or long name or dotted identifier.
---@param kind string
---@return string[]
function methods:all(kind)
  local content = core.oid.content(kind)
  local oid, values = content and core.oid.text(content), {}
  for _, item in ipairs(self:to_table()) do
    if item.oid == oid then
      values[#values + 1] = item.value
    end
  end
  return values
end

--- The first value of an attribute.
---@param kind string
---@return string?
function methods:get(kind)
  return self:all(kind)[1]
end

--- Whether it was made here, of texts alone: then it is well-formed, and nobody need look.
---@return boolean
function methods:is_plain()
  return self.plain == true
end

--- Whether it has no attributes.
---@return boolean
function methods:is_empty()
  return self.bytes == "\48\0"
end

--- The hash used for file names in certificate directories, in eight hexadecimal digits.
---@return string?
function methods:hash()
  local hash = core.name.hash(self.bytes)
  return hash and ("%08x"):format(hash)
end

function metatable:__tostring()
  return name_text.write(self:to_table())
end

--- The same name as RFC 5280 section 7.1 compares: capitals and spaces aside.
function metatable.__eq(a, b)
  return is_name(a) and is_name(b) and (a.bytes == b.bytes or core.name.equal(a.bytes, b.bytes))
end

function metatable.__concat(a, b)
  return tostring(a) .. tostring(b)
end

return name
