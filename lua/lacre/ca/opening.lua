--- ca.opening: what is in the directory of a CA, ours or another program's.

local certificate = require "lacre.cert.read"
local fail = require("lacre.error").fail
local file = require "lacre.file"
local key = require "lacre.key"
local layout = require "lacre.ca.layout"
local policy = require "lacre.ca.policy"

local opening = {}

-- one that is broken keeps nothing from being revoked, listed or answered
local function policy_of(paths)
  local text, err = file.read(paths.policy)
  if not text then
    return err.code == "file_not_found" and policy.new {} or policy.broken(err)
  end
  local found
  found, err = policy.parse(text, paths.policy)
  return found or policy.broken(err)
end

-- everything above the CA's own certificate, and above a renewed one where a process died before that was in place
local function above_of(paths, cert)
  local certs, err = certificate.load_all(paths.chain)
  if not certs then
    return err.code == "file_not_found" and {} or nil, err
  end
  local above = {}
  for _, one in ipairs(certs) do
    if one:pin() ~= cert:pin() then
      above[#above + 1] = one
    end
  end
  return above
end

local function key_of(paths, cert, password)
  local private, err = key.load(paths.key, { password = password })
  if not private then
    return nil, err
  elseif not private:matches(cert) then
    return fail("load", "key_mismatch", "%s does not belong to %s", paths.key, paths.cert)
  end
  return private
end

--- What is in a directory: its certificate, those above, its key where it is wanted, its policy.
---@param directory string
---@param given { key: boolean, password?: string|fun(what: string): string, mending?: boolean }
---@return { paths: lacre.ca.layout, cert: lacre.cert, above: lacre.cert[], key?: lacre.key, policy: table }? parts
---@return lacre.error? err ca_not_found key_mismatch password_required bad_password ...
function opening.open(directory, given)
  local paths, err = layout.find(directory, given.mending)
  if not paths then
    return nil, err
  end
  local parts = { paths = paths }
  parts.cert, err = certificate.load(paths.cert)
  if parts.cert then
    parts.above, err = above_of(paths, parts.cert)
  end
  parts.policy = parts.above and policy_of(paths)
  if parts.policy and given.key then
    parts.key, err = key_of(paths, parts.cert, given.password)
  end
  if not parts.policy or given.key and not parts.key then
    return nil, err
  end
  return parts
end

return opening
