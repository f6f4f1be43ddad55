--- crl.reasons: why a certificate was revoked.

local time = require "lacre.time"

local reasons = {}

-- RFC 5280 section 5.3.1; 7 is not used
local names = {
  [0] = "unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded",
  "cessation_of_operation", "certificate_hold", nil, "remove_from_crl", "privilege_withdrawn", "aa_compromise",
}

--- The numbers of the reasons.
---@type table<string, integer>
reasons.numbers = {}
for i = 0, 10 do
  if names[i] then
    reasons.numbers[names[i]] = i
  end
end

--- The name of a reason's number.
---@param number integer?
---@return string?
function reasons.name(number)
  return number and (names[number] or tostring(number))
end

--- That something was revoked, when, and why: "CN=x was revoked on 2026-01-01 (key compromise)".
---@param what string
---@param instant? number
---@param why? string the name of a reason
---@return string
function reasons.sentence(what, instant, why)
  return ("%s was revoked%s%s"):format(what, instant and " on " .. time.format(instant, "date") or "",
    why and " (" .. why:gsub("_", " ") .. ")" or "")
end

return reasons
