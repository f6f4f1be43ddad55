--- x509.general_name: GeneralName, RFC 5280 section 4.2.1.6: the names of a certificate, in every kind there is.

local core = require "lacre.core"
local der = require "lacre.der"
local host = require "lacre.host"
local lacre_error = require "lacre.error"
local name = require "lacre.name"

local fail = lacre_error.fail

local general = {}

local general_tags = { dns = 0x82, email = 0x81, uri = 0x86 }

-- "10.0.0.0/8": the address and its mask, as name constraints hold them
local function range(value)
  local text, bits = value:match "^(.*)/(%d+)$"
  local address = text and core.bytes.address(text)
  if not address or tonumber(bits) > #address * 8 then
    return nil
  end
  local mask = {}
  for i = 1, #address do
    local left = math.max(0, math.min(8, bits - (i - 1) * 8))
    mask[i] = string.char(256 - 2 ^ (8 - left))
  end
  return address .. table.concat(mask)
end
general.range = range

local function write_general(item)
  local kind, value = item.type, item.value
  if general_tags[kind] then
    return der.element(general_tags[kind], value)
  elseif kind == "ip" then
    local address = core.bytes.address(value) or range(value)
    return der.element(0x87, address or error("not an IP address: " .. tostring(value), 0))
  elseif kind == "dir" then
    return der.element(0xa4, type(value) == "string" and assert(name.parse(value)):der() or value:der())
  elseif kind == "rid" then
    return der.element(0x88, der.oid.encode(value))
  elseif kind == "other" then
    return der.element(0xa0, der.oid.write(item.oid) .. der.element(0xa0, item.der or der.utf8.write(value)))
  end
  error("unknown type of name: " .. tostring(kind), 0)
end

local function wrap_directories(list)
  for _, item in ipairs(list) do
    if item.type == "dir" then
      item.value = name.wrap(item.value)
    end
  end
  return list
end
general.wrap_directories = wrap_directories

local function decode_generals(content)
  local list = core.name.general(der.element(0x30, content))
  return list and wrap_directories(list) or error({ malformed = "bad general name" }, 0)
end

--- GeneralNames, a list.
general.names = der.tagged(0x30, function(list)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = write_general(item)
  end
  return table.concat(out)
end, decode_generals)

--- One GeneralName.
general.name = {
  write = write_general,
  read = function(bytes, pos, stop)
    local raw, behind = der.any.read(bytes, pos, stop)
    return decode_generals(raw)[1], behind
  end,
}

-- RFC 5280 section 4.2.1.6; RFC 9598 where the part before the @ is not ASCII
local function mailbox(text)
  local user, domain = text:match "^([^%c @]+)@([^@]*)$"
  local parsed = user and host.parse(domain)
  if not parsed or parsed.type ~= "dns" or parsed.is_wildcard then
    return fail("parse", "bad_name", "not an e-mail address: %s", (text:gsub("%c", "?")))
  elseif user:find "[\128-\255]" then
    return { type = "other", oid = "1.3.6.1.5.5.7.8.9", value = user .. "@" .. parsed.value }
  end
  return { type = "email", value = user .. "@" .. parsed.value }
end

-- RFC 5280 section 4.2.1.6: what has an authority names it
local function uri(text)
  if not text:find "^[^:]*://[^/?#]" or text:find "[%c \127-\255]" then
    return fail("parse", "bad_name", "not a URI: %s", (text:gsub("%c", "?")))
  end
  return { type = "uri", value = text }
end

--- The type of a name that a person wrote: an IP literal or range, `user@host`, `scheme://...`, or
--- a DNS name.
---@param text string
---@return { type: string, value: string }? item
---@return lacre.error? err bad_name
function general.of(text)
  if text:find "[@/]" then
    if text:find "^%a[%w+.-]*://" then
      return uri(text)
    elseif text:find "@" then
      return mailbox(text)
    end
  end
  return host.parse(text)
end

return general
