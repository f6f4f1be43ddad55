--- x509.chain_order: certificates that lie together: which is the leaf, who issued whom, what is missing.

local chain_order = {}

local MOST = 2000 -- signatures that are looked at, whatever a file holds

-- places by the name of their subject, and by that of their issuer
local function index_of(list)
  local index = { list = list, subjects = {}, issuers = {}, left = MOST }
  for i, cert in ipairs(list) do
    for places, bytes in pairs { [index.subjects] = cert:subject():der(), [index.issuers] = cert:issuer():der() } do
      places[bytes] = places[bytes] or {}
      table.insert(places[bytes], i)
    end
  end
  return index
end

local function is_issued(index, cert, candidate)
  index.left = index.left - 1
  return index.left >= 0 and candidate ~= cert and cert:is_issued_by(candidate)
end

local function issuer_of(index, cert, used)
  for _, i in ipairs(index.subjects[cert:issuer():der()] or {}) do
    if not used[i] and is_issued(index, cert, index.list[i]) then
      return i
    end
  end
end

local function issues(index, cert)
  for _, i in ipairs(not cert:is_self_issued() and index.issuers[cert:subject():der()] or {}) do
    if is_issued(index, index.list[i], cert) then
      return true
    end
  end
  return false
end

-- the first that issued none of the others; the first of all where they go in a circle
local function leaf_of(index)
  for i, cert in ipairs(index.list) do
    if not (cert:is_ca() and #index.list > 1) and not issues(index, cert) then
      return i
    end
  end
  return 1
end

--- How a list of certificates hangs together. `order` are places, leaf first; `unused` those that do not
--- belong; `missing` is the issuer that would come next, and `urls` where it may be had.
---@param list lacre.cert[]
---@param leaf? integer the place of the leaf, where that is known
---@return { order: integer[], unused: integer[], in_order: boolean, complete: boolean, missing?: string,
---  urls: string[] }
function chain_order.of(list, leaf)
  local index = index_of(list)
  local at, used, order = leaf or leaf_of(index), {}, {}
  while at do
    order[#order + 1], used[at] = at, true
    at = not list[at]:is_self_signed() and issuer_of(index, list[at], used) or nil
  end
  local unused, in_order = {}, true
  for i = 1, #list do
    if not used[i] then
      unused[#unused + 1] = i
    end
  end
  for i, place in ipairs(order) do
    in_order = in_order and i == place
  end
  local top = list[order[#order]]
  local complete = top:is_self_signed()
  return {
    order = order, unused = unused, in_order = in_order, complete = complete,
    missing = not complete and tostring(top:issuer()) or nil, urls = not complete and top:issuer_urls() or {},
  }
end

return chain_order
