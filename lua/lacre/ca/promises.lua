--- ca.promises: what a CA has told the world already, in its last revocation lists and in its log.
--
-- Whoever edits index.txt by hand can take a line out of it, and cannot take back what was said: a
-- certificate that was revoked stays on the lists until it has expired, and numbers never go back.

local history = require "lacre.ca.history"
local index = require "lacre.ca.index"
local log = require "lacre.ca.log"
local record = require "lacre.ca.record"
local time = require "lacre.time"

local promises = {}

local function later(a, b)
  if not a or not b then
    return a or b
  end
  return (#a > #b or #a == #b and a > b) and a or b
end

--- The highest number that was given to a list.
---@param lists lacre.crl[]
---@param entries lacre.ca.entry[]
---@return string? hex
function promises.number(lists, entries)
  local highest
  for _, list in ipairs(lists) do
    local number = list:number()
    highest = later(highest, number and record.serial(number))
  end
  for _, entry in ipairs(entries) do
    local number = entry.event == "crl" and type(entry.number) == "string"
    highest = later(highest, number and record.serial(entry.number) or nil)
  end
  return highest
end

--- The later of two numbers in hexadecimal.
promises.later = later

-- everything that was said to be revoked, and not taken back
local function said(given)
  local all = {}
  for old in given.crl and given.crl:revoked() or function() end do
    local serial = record.serial(old.serial)
    local fate = given.fates[serial]
    if not (fate and fate.released) then
      all[serial] = { serial = serial, time = old.time, reason = old.reason or "unspecified" }
    end
  end
  for serial, fate in pairs(given.fates) do
    local at = fate.at and index.instant(fate.at) or all[serial] and all[serial].time
    if fate.revoked then
      all[serial] = { serial = serial, time = at or time.now(), reason = fate.reason or "unspecified" }
    end
  end
  return all
end

--- What the log or a list says that was revoked because others have its key.
---@param fates table<string, lacre.ca.fate>
---@param crl? lacre.crl
---@return table<string, { serial: string }>
function promises.compromised(fates, crl)
  local all = {}
  for serial, one in pairs(said { fates = fates, crl = crl }) do
    all[serial] = record.is_compromised { revoked_at = one.time, reason = one.reason } and one or nil
  end
  return all
end

--- What was revoked, has not expired, and is revoked no longer in the index.
---@param given { records: lacre.ca.record[], crl?: lacre.crl, fates: table<string, lacre.ca.fate>,
--- ends: fun(serial: string): number? } `ends` tells when a certificate ends that has no record
---@return table<string, { serial: string, time: number, reason: string }>
function promises.lost(given)
  local all, now = said(given), time.now()
  for _, one in ipairs(given.records) do
    if one.revoked_at or one.not_after < now then
      all[one.serial] = nil
    end
  end
  for serial in pairs(all) do
    local ends = given.ends(serial)
    if ends and ends < now then
      all[serial] = nil
    end
  end
  return all
end

--- What the log says of revocations and lists.
---@param text string
---@return table<string, lacre.ca.fate> fates
---@return lacre.ca.entry[] entries
function promises.logged(text)
  local entries = log.revocations(text)
  return history.of(entries), entries
end

return promises
