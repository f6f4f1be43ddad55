--- x509.subtree: what a CA is limited to, RFC 5280 section 4.2.1.10: domains, ranges of addresses, mail domains,
--- hosts of URIs, directory names. A limit that means nothing protects nobody, and is refused.

local core = require "lacre.core"
local general = require "lacre.x509.general_name"
local host = require "lacre.host"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local options = require "lacre.options"

local subtree = {}

local function refuse(text, why)
  return lacre_error.fail("sign", "bad_name", "bad option 'name_constraints': '%s' %s", (text:gsub("%c", "?")), why)
end

-- a domain, perhaps with a dot before it: all names below, and not itself
local function domain(text, whole)
  local dot, rest = text:match "^(%.?)(.*)$"
  local parsed = host.parse(rest)
  if not parsed or parsed.type ~= "dns" then
    return refuse(whole or text, "is neither a domain nor an IP range")
  elseif parsed.is_wildcard then
    return refuse(whole or text, ("has a wildcard; '%s' includes all below it"):format(parsed.value:sub(3)))
  end
  return dot .. parsed.value
end

-- whether bits are set behind the mask: whoever wrote them meant something else
local function has_more(range)
  local half = #range / 2
  for i = 1, half do
    if range:byte(i) % (256 - range:byte(half + i)) ~= 0 then
      return true
    end
  end
  return false
end

local function ip(text)
  local address, bits = text:match "^(.-)/?(%d*)$"
  if not text:find "/" then
    address, bits = text, text:find ":" and "128" or "32"
  end
  local octets = not host.is_octal(address) and core.bytes.address(address)
  local range = octets and general.range(address .. "/" .. bits)
  if not octets then
    return refuse(text, "is not an IP range (10.0.0.0/8, 2001:db8::/32)")
  elseif not range then
    return refuse(text, ("has no prefix length from 0 to %d after its slash"):format(#octets * 8))
  elseif has_more(range) then
    return refuse(text, ("has bits set after the first %d, outside its prefix"):format(bits))
  end
  return address .. "/" .. bits
end

local function email(text)
  local user, where = text:match "^([^@]*)@([^@]*)$"
  if not where then
    where, user = text, ""
  elseif user:find "[%c %z\128-\255]" or (user ~= "" and where:sub(1, 1) == ".") then
    return refuse(text, "is neither a mailbox nor a mail domain")
  end
  local value, err = domain(where, text)
  return value and (user ~= "" and user .. "@" or "") .. value, err
end

local function dir(value)
  if type(value) ~= "string" then
    return value
  end
  local parsed = name.parse(value)
  if not parsed or parsed:is_empty() then
    return refuse(value, "is not a directory name")
  end
  return parsed
end

local checks = { dns = domain, ip = ip, email = email, uri = domain, dir = dir }

-- an empty domain is every name of its type: only who writes the type means that
local function is_all(item)
  return item.value == "" and item.type ~= "ip" and item.type ~= "dir"
end

local function checked(item)
  if type(item) ~= "table" or type(item.type) ~= "string" or (item.value == nil and item.der == nil) then
    options.misuse "bad option 'name_constraints' (lists of texts or of { type =, value = } expected)"
  end
  local check = checks[item.type]
  if not check or is_all(item) then
    return item
  elseif item.type ~= "dir" and type(item.value) ~= "string" then
    options.misuse("bad option 'name_constraints' (text as value of type '%s' expected)", item.type)
  end
  local value, err = check(item.value)
  return value and { type = item.type, value = value }, err
end

local function type_of(text)
  if text:find "=" then
    return "dir"
  elseif text:find "@" then
    return "email"
  end
  return (text:find "/" or core.bytes.address(text) or host.is_octal(text)) and "ip" or "dns"
end

local function of(text)
  if text:find "://" then
    return refuse(text, "is a URI; use { type = \"uri\", value = HOST } to constrain the hosts of URIs")
  elseif text == "" then
    return refuse(text, "is empty; use { type = \"dns\", value = \"\" } for every name of that type")
  end
  return checked { type = type_of(text), value = text }
end

--- Subtrees of name constraints, from texts (`example.org`, `.example.org`, `10.0.0.0/8`, `@example.org`, `O=Example`)
--- or `{ type =, value = }`.
---@param list (string|table)[]?
---@return table[]|false|nil trees false where there are none
---@return lacre.error? err bad_name, saying which and why
function subtree.list(list)
  local trees = {}
  for i, item in ipairs(list or {}) do
    local base, err = (type(item) == "string" and of or checked)(item)
    if not base then
      return nil, err
    end
    trees[i] = { base = base, minimum = 0 }
  end
  return #trees > 0 and trees
end

return subtree
