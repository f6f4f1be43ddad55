--- crl.scope: whether a revocation list speaks of a certificate at all, RFC 5280 section 6.3.3 (b).
--
-- A CA may have several lists, each for a part of what it issued. All are signed alike, and come over plain HTTP:
-- a list of another part, served in place of the right one, says nothing, and must not pass for "not revoked".

local scope = {}

local function uris(names)
  local found = {}
  for _, one in ipairs(names or {}) do
    if one.type == "uri" then
      found[one.value] = true
    end
  end
  return found
end

-- whether the certificate names one of the places that the list says it stands at
local function shares_place(place, cert)
  local wanted = uris(place.full_name)
  local points = cert:extension "crl_distribution_points"
  for _, point in ipairs(points and points.value or {}) do
    for uri in pairs(uris(point.name and point.name.full_name)) do
      if wanted[uri] then
        return true
      end
    end
  end
  return false
end

--- Whether the list says of every revocation of a certificate. Lists of some reasons only, and of several issuers,
--- never do.
---@param list lacre.crl
---@param cert lacre.cert
---@return boolean
function scope.covers(list, cert)
  local extension = list:extension "issuing_distribution_point"
  if not extension then
    return true
  end
  local point = extension.value
  if not point or point.only_reasons or point.indirect or point.only_attribute_certs then
    return false
  elseif cert:is_ca() and point.only_user_certs or not cert:is_ca() and point.only_ca_certs then
    return false
  end
  return not point.name or shares_place(point.name, cert)
end

--- The identifier of a critical extension that is not known here; such a list must not be used.
---@param list lacre.crl
---@return string? oid
function scope.unknown(list)
  for one in list:extensions() do
    if one.critical and not one.name then
      return one.oid
    end
  end
end

return scope
