--- store.purpose: what OpenSSL 3.0 does not ask of a certificate that signs code or answers about revocation.

local purpose = {}

local needed = {
  code_signing = { usage = "code_signing", is_chained = true },
  ocsp = { usage = "ocsp_signing" }, -- RFC 6960 section 4.2.2.2; what those above may sign is not asked
}

-- RFC 5280 section 4.2.1.3: who signs, and may sign nothing but certificates, signs nothing of these
local function may_sign(cert)
  local usage = cert:key_usage()
  return not usage or usage.digital_signature or usage.content_commitment or false
end

-- a CA that is limited to other purposes lends none that it has not
local function allows(cert, usage)
  local set = cert:extended_key_usage()
  return not set or set[usage] or set.any_extended_key_usage or false
end

--- The place of the first certificate of a path that may not be used so; 0 is the leaf.
---@param chain lacre.cert[] leaf first, the anchor last
---@param wanted string
---@return integer? depth nil where all may
function purpose.lacking(chain, wanted)
  local rule, leaf = needed[wanted], chain[1]
  if not rule then
    return nil
  elseif not (leaf:extended_key_usage() or {})[rule.usage] or not may_sign(leaf) then
    return 0
  end
  for i = 2, rule.is_chained and #chain - 1 or 1 do
    if not allows(chain[i], rule.usage) then
      return i - 1
    end
  end
end

return purpose
