--- lint.faults: what may be wrong with certificates and requests alike, for the rules of both: each function says what
--- is the case, or nil.

local weakness = require "lacre.x509.weakness"

local faults = {}

--- A key that nobody can read, or that is too weak.
---@param facts table
---@return string?
function faults.of_key(facts)
  if not facts.key then
    return "its key cannot be read: " .. facts.key_error
  end
  return weakness(facts.key, "its")
end

--- A signature with a broken digest.
---@param object lacre.cert|lacre.csr
---@return string?
function faults.of_signature(object)
  local algorithm = object:signature_algorithm()
  local is_weak = algorithm:lower():find "sha1" or algorithm:lower():find "md[245]"
  return is_weak and ("it is signed with %s"):format(algorithm) or nil
end

--- The first extension that does not hold what its type asks for.
---@param facts table
---@return string?
function faults.of_extensions(facts)
  for _, one in ipairs(facts.list) do
    if one.malformed then
      return ("%s: %s"):format(one.name or one.oid, one.malformed)
    end
  end
end

return faults
