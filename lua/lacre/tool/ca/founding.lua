--- tool.ca.founding: what making a root and making an intermediate have in common.

local later = require "lacre.later"
local options = require "lacre.options"

local key = later "lacre.key"

local founding = {}

--- The password that seals a new key: false where none is wanted.
---@param set table
---@return string|false|nil password
---@return lacre.error? err password_required
function founding.password(set)
  if set.no_password then
    return false
  elseif type(set.password) == "function" then
    return set.password(set.dir)
  elseif set.password == nil then
    options.misuse "missing option 'password' (the CA's key is encrypted unless no_password = true)"
  end
  return set.password
end

--- Name constraints of the rows `permit` and `exclude`.
---@param set table
---@return table?
function founding.constraints(set)
  if #set.permit == 0 and #set.exclude == 0 then
    return nil
  end
  return { permitted = #set.permit > 0 and set.permit or nil, excluded = #set.exclude > 0 and set.exclude or nil }
end

--- The subject of a CA: what was said, or what its directory is called.
---@param set table
---@param kind string "Root CA"
---@return any subject as `cert.create` takes it
function founding.subject(set, kind)
  local base = set.dir:gsub("/+$", ""):match "[^/]*$"
  return set.subject or { CN = set.name or ("%s %s"):format(base, kind) }
end

--- The key of a CA that is made.
---@param set table
---@return lacre.key? key
---@return lacre.error? err unsupported
function founding.key(set)
  if key.is(set.key) then
    return set.key
  end
  return key.generate(set.key)
end

return founding
