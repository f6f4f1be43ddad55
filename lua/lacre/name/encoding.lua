--- name.encoding: distinguished names as DER (X.501), from texts.

local core = require "lacre.core"
local der = require "lacre.der"
local later = require "lacre.later"

local plain = later "lacre.plain"

local encoding = {}

local element, byte, concat = der.element, string.byte, table.concat
local UTF8 = der.utf8.tag

local printable = { C = true, serialNumber = true, dnQualifier = true }
local ia5 = { emailAddress = true, DC = true }

-- RFC 5280 appendix A.1, in characters
local longest = { CN = 64, O = 64, OU = 64, L = 128, ST = 128, title = 64, serialNumber = 64, emailAddress = 255 }

local function is_encoded(value)
  return byte(value) == 35 and value:find "^#%x%x" and #value % 2 == 1 and not value:find("[^%x]", 2)
end

local function encode_value(short, value)
  if is_encoded(value) then
    return core.bytes.unhex(value:sub(2))
  elseif ia5[short] then
    return element(der.ia5.tag, value)
  elseif printable[short] and not value:find "[^%w '()+,./:=?-]" then
    return element(der.printable.tag, value)
  end
  return element(UTF8, value)
end

-- encoded identifiers and short names, kept once looked up of those that people write
local kinds = {}
local kept = {
  DC = true, C = true, ST = true, L = true, O = true, OU = true, CN = true, SN = true, GN = true, UID = true,
  street = true, postalCode = true, title = true, serialNumber = true, emailAddress = true,
}

-- RFC 4514 section 3: the case of letters makes no difference
local by_lower = {}
for short in pairs(kept) do
  by_lower[short:lower()] = short
end

local function content_of(kind)
  if type(kind) ~= "string" or kind:find "%z" then
    return nil
  end
  return core.oid.content(kind) or by_lower[kind:lower()] and core.oid.content(by_lower[kind:lower()])
end

local function kind_of(kind)
  local row = kinds[kind]
  if row then
    return row
  end
  local content = content_of(kind)
  if not content then
    return nil
  end
  local _, short = core.oid.text(content)
  row = { id = element(0x06, content), short = short }
  if kept[kind] then
    kinds[kind] = row
  end
  return row
end

-- an encoded attribute, or nil and why not
local function make_attribute(kind, value)
  local row = kind_of(kind)
  if not row then
    return nil, ("unknown attribute '%s'"):format(tostring(kind))
  elseif type(value) ~= "string" or value == "" then
    return nil, ("attribute '%s' is empty"):format(kind)
  end
  local short = row.short
  if short == "C" and not value:match "^%a%a$" then
    return nil, "a country has two letters (ISO 3166)"
  elseif value:find "[\128-\255]" and plain.text(value) ~= value then
    return nil, ("attribute '%s' is not UTF-8"):format(kind)
  elseif ia5[short] and value:find "[\128-\255]" and not is_encoded(value) then
    return nil, ("attribute '%s' is not ASCII"):format(kind)
  elseif longest[short] and #value > longest[short] and not is_encoded(value)
    and select(2, value:gsub("[^\128-\191]", "")) > longest[short] then
    return nil, ("%s is longer than %d characters"):format(kind, longest[short])
  end
  return element(0x30, row.id .. encode_value(short, value))
end

-- a pair, or a list of them; the encoded set and whether it has a value that is no text, or nil and why not
local function make_rdn(rdn)
  if type(rdn[1]) ~= "table" then
    local made, why = make_attribute(rdn[1], rdn[2])
    if not made then
      return nil, why
    end
    return element(0x31, made), byte(rdn[2]) == 35 -- "#"
  end
  local list, is_raw = {}, false
  for i, pair in ipairs(rdn) do
    local made, why = make_attribute(pair[1], pair[2])
    if not made then
      return nil, why
    end
    list[i], is_raw = made, is_raw or byte(pair[2]) == 35
  end
  table.sort(list) -- X.690 section 11.6
  return element(0x31, concat(list)), is_raw
end

--- The encoding of a name.
---@param rdns table[] largest first: each a pair `{ type, value }`, or a list of pairs, which are one set
---@return string? der
---@return boolean|string is_plain whether all values are texts, which are well-formed; or why there is none
function encoding.write(rdns)
  local list, is_plain = {}, true
  for i, rdn in ipairs(rdns) do
    local made, what = make_rdn(rdn)
    if not made then
      return nil, what
    end
    list[i], is_plain = made, is_plain and not what
  end
  return element(0x30, concat(list)), is_plain
end

return encoding
