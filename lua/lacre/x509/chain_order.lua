--- x509.chain_order: certificates that lie together: which is the leaf, who issued whom, what is missing.

local chain_order = {}

local function issuer_of(cert, list, used)
  for i, candidate in ipairs(list) do
    if not used[i] and candidate ~= cert and cert:is_issued_by(candidate) then
      return i
    end
  end
end

-- the first that issued none of the others; the first of all where they go in a circle
local function leaf_of(list)
  for i, cert in ipairs(list) do
    local issues = false
    for j, other in ipairs(list) do
      issues = issues or (i ~= j and other ~= cert and not cert:is_self_issued() and other:is_issued_by(cert))
    end
    if not issues and not (cert:is_ca() and #list > 1) then
      return i
    end
  end
  return 1
end

local LIMIT = 64 -- beyond it nobody sends a chain, and looking for issuers takes its time

--- How a list of certificates hangs together. `order` are places, leaf first; `unused` those that do not
--- belong; `missing` is the issuer that would come next, and `urls` where it may be had.
---@param list lacre.cert[]
---@return { order: integer[], unused: integer[], in_order: boolean, complete: boolean, missing?: string,
---  urls: string[] }
function chain_order.of(list)
  local shown = list
  if #list > LIMIT then
    shown = {}
    for i = 1, LIMIT do
      shown[i] = list[i]
    end
  end
  local at, used, order = leaf_of(shown), {}, {}
  while at do
    order[#order + 1], used[at] = at, true
    at = not shown[at]:is_self_signed() and issuer_of(shown[at], shown, used) or nil
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
  local top = shown[order[#order]]
  local complete = top:is_self_signed()
  return {
    order = order, unused = unused, in_order = in_order, complete = complete,
    missing = not complete and tostring(top:issuer()) or nil, urls = not complete and top:issuer_urls() or {},
  }
end

return chain_order
