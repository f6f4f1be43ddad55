--- ca.findings_of_lists: what is wrong with the numbers, the revocations and the revocation list of a CA.

local file = require "lacre.file"
local index = require "lacre.ca.index"
local promises = require "lacre.ca.promises"
local record = require "lacre.ca.record"
local time = require "lacre.time"

local rules = {}

local function number_in(path)
  local text = file.read(path)
  return text and record.serial(text), text
end

function rules.numbers(found, report)
  for _, what in ipairs { "serial", "crlnumber" } do
    local number, text = number_in(found.paths[what])
    if text and not number then
      report("error", found.paths[what] .. " contains no number", { fix = what == "crlnumber" and "number" or nil })
    end
  end
  local number, text = number_in(found.paths.crlnumber)
  local last = found.last_number
  if last and not text then
    report("error", ("crlnumber is missing, but CRL %s was already published"):format(last), { fix = "number" })
  elseif last and number and promises.later(number, last) == last then
    report("error", ("crlnumber is %s, but CRL %s was already published"):format(number, last), { fix = "number" })
  end
end

-- what the index says of a revocation, against the log
function rules.revocations(found, report)
  local now = time.now()
  for _, one in ipairs(found.records) do
    local fate, about = found.fates[one.serial], { serial = one.serial, fix = "index" }
    local at = fate and fate.at and index.instant(fate.at)
    if not one.revoked_at or not (fate and fate.revoked) then
      at = nil
    elseif one.reason ~= (fate.reason or "unspecified") then
      report("error", ("the index says %s, but the log says %s"):format(one.reason, fate.reason), about)
    elseif at and at ~= one.revoked_at then
      report("error", ("the index says it was revoked %s, but the log says %s"):format(time.format(one.revoked_at),
        time.format(at)), about)
    end
    if one.revoked_at and one.revoked_at > now + 300 and at ~= one.revoked_at then
      report("error", "its revocation date is in the future: " .. time.format(one.revoked_at), { serial = one.serial })
    end
  end
end

-- keys that others have, where another program revoked or somebody removed a line
function rules.lost_keys(found, report)
  local text = file.read(found.paths.compromised)
  for serial, cert in pairs(text and found.certs or {}) do
    local fate, one = found.fates[serial] or {}, found.by_serial[serial]
    local said = record.is_compromised { revoked_at = fate.revoked and 0 or nil, reason = fate.reason }
    local lost = said or one and record.is_compromised(one)
    if lost and not text:find(serial .. " " .. cert:pin() .. "\n", 1, true) then
      report("warning", "its key was compromised, but is not in compromised.txt",
        { serial = serial, fix = "lost_keys" })
    end
  end
end

-- a delta speaks for the full list it builds on
local function is_listed(found, serial)
  local delta = found.delta
  local builds_on = delta and delta:is_delta() and delta:base_number() == found.crl:number()
  return found.crl:find(serial) or builds_on and delta:find(serial)
end

local function check_entries(found, report)
  for old in found.crl:revoked() do
    local serial = record.serial(old.serial)
    local one = found.by_serial[serial]
    if found.lost[serial] and not (found.fates[serial] and found.fates[serial].revoked) then
      report("error", "the last CRL says it is revoked, but the index does not",
        { serial = serial, fix = "index" })
    elseif one and one.revoked_at and (old.reason or "unspecified") ~= one.reason then
      report("warning", ("the last CRL says %s, but the index says %s"):format(old.reason or "unspecified",
        one.reason), { serial = serial })
    elseif one and one.revoked_at and old.time ~= one.revoked_at then
      report("warning", ("the last CRL says it was revoked %s, but the index says %s"):format(
        time.format(old.time), time.format(one.revoked_at)), { serial = serial })
    end
  end
end

function rules.crl(found, report)
  if not found.crl then
    if file.stat(found.paths.crl) then
      report("error", ("%s is not a CRL: %s"):format(found.paths.crl, tostring(found.crl_error)))
    elseif found.last_number then
      report("warning", ("CRL %s was made, but is missing"):format(found.last_number))
    end
    return
  elseif not found.crl:verify(found.cert) then
    return report("error", "the CRL is not signed by this CA")
  elseif found.crl:is_expired() then
    report("warning", ("the CRL expired %s"):format(time.format(found.crl:next_update())))
  end
  check_entries(found, report)
  for _, one in ipairs(found.records) do
    if one.revoked_at and one.not_after > time.now() and not is_listed(found, one.serial) then
      report("warning", "it is revoked, but not on the last CRL", { serial = one.serial })
    end
  end
end

return rules
