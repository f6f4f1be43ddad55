--- ocsp.told: an OCSP response for people.

local plain = require "lacre.plain"
local reasons = require "lacre.crl.reasons"
local time = require "lacre.time"

-- one of the certificates it speaks of
local function add_single(lines, one)
  local revoked = one.status.revoked
  lines[#lines + 1] = ("  serial:      %s %s"):format(one.id.serial, (next(one.status)))
  if revoked then
    local reason = reasons.name(revoked.reason)
    lines[#lines + 1] = ("  revoked:     %s%s"):format(time.format(revoked.time), reason and ", " .. reason or "")
  end
  lines[#lines + 1] = ("  updated:     %s"):format(time.format(one.this_update))
  lines[#lines + 1] = one.next_update and ("  next:        %s"):format(time.format(one.next_update)) or nil
end

--- What a response says, line by line.
---@param response lacre.ocsp_response
---@return string
return function(response)
  local refusal, who = response:refusal(), response:responder()
  local lines = { "OCSP response" .. (refusal and ": " .. refusal or "") }
  for _, one in ipairs(response.data and response.data.responses or {}) do
    add_single(lines, one)
  end
  if who then
    local text = who.key_id and "key id " .. who.key_id or tostring(who.name)
    lines[#lines + 1] = "  responder:   " .. plain.printable(text)
    lines[#lines + 1] = "  signature:   " .. response:signature_algorithm()
  end
  return table.concat(lines, "\n") .. "\n"
end
