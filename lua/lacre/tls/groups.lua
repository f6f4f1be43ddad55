--- tls.groups: key exchange groups, by their names and numbers (RFC 8446 section 4.2.7).
--
-- OpenSSL before 3.3 refuses a whole list for one group it has not, so each is asked for by itself.

local core = require "lacre.core"
local merged = require "lacre.merged"

local groups = {}

-- what OpenSSL 3.0 to 4.0 call them; any case is taken
local group_names = {
  "X25519", "X448", "P-256", "P-384", "P-521", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
  "MLKEM512", "MLKEM768", "MLKEM1024", "ffdhe2048", "ffdhe3072", "ffdhe4096",
}

--- Every group that is known, by its usual name.
groups.names = group_names

local group_aliases = { prime256v1 = "P-256", secp256r1 = "P-256", secp384r1 = "P-384", secp521r1 = "P-521" }

-- IANA's registry of groups, as far as anybody offers them
local groups_by_number = {
  [0x0017] = "P-256", [0x0018] = "P-384", [0x0019] = "P-521", [0x001d] = "X25519", [0x001e] = "X448",
  [0x0100] = "ffdhe2048", [0x0101] = "ffdhe3072", [0x0102] = "ffdhe4096", [0x0200] = "MLKEM512", [0x0201] = "MLKEM768",
  [0x0202] = "MLKEM1024", [0x11eb] = "SecP256r1MLKEM768", [0x11ec] = "X25519MLKEM768", [0x11ed] = "SecP384r1MLKEM1024",
}

--- The groups that anybody offers, by number.
---@return table<integer, string>
function groups.by_number()
  return merged(groups_by_number)
end

--- The name of a group by its number.
---@param number integer
---@return string?
function groups.name_of(number)
  return groups_by_number[number]
end

local canonical_groups = {}
for _, name in ipairs(group_names) do
  canonical_groups[name:lower()] = name
end
for alias, name in pairs(group_aliases) do
  canonical_groups[alias] = name
end

--- The usual name of a group: "P-256" of "secp256r1".
---@param name string
---@return string
function groups.usual(name)
  return canonical_groups[name:lower()] or name
end

local available = {}

local function is_available(name)
  if available[name] == nil then
    available[name] = assert(core.context.new "client"):groups(name) and true or false
  end
  return available[name]
end

--- Some groups by their usual names; `?name` is left out where this build has it not.
---@param names string[]
---@return string[]? list
---@return string? culprit
---@return "unknown"|"unavailable"|nil why
function groups.list(names)
  local list = {}
  for _, given in ipairs(names) do
    local optional, bare = tostring(given):match "^(%??)(.+)$"
    local name = bare and canonical_groups[bare:lower()]
    if not name then
      return nil, given, "unknown"
    elseif is_available(name) then
      list[#list + 1] = name
    elseif optional == "" then
      return nil, given, "unavailable"
    end
  end
  return list
end

-- curves of RFC 8422 and RFC 7027 that nobody offers any more, or never did
local odd_names = {
  "secp224r1", "secp192r1", "secp256k1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
  "brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13", "secp224k1", "secp192k1", "secp160r1",
  "secp160r2", "secp160k1", "sect571r1", "sect571k1", "sect409r1", "sect409k1", "sect283r1", "sect283k1", "sect239k1",
  "sect233r1", "sect233k1", "sect193r2", "sect193r1", "sect163r2", "sect163r1", "sect163k1",
}

local odd

--- The curves this build has that usual clients do not offer, by OpenSSL's names.
---@return string[]
function groups.odd()
  if not odd then
    odd = {}
    local ctx = assert(core.context.new "client")
    for _, name in ipairs(odd_names) do
      odd[#odd + 1] = ctx:groups(name) and name or nil
    end
  end
  return odd
end

--- Whether this build has one of them.
---@param name string
---@return boolean
function groups.has_odd(name)
  for _, one in ipairs(groups.odd()) do
    if one == name then
      return true
    end
  end
  return false
end

return groups
