--- ca.audit: whether the directory of a CA is consistent, and its repair.

local books = require "lacre.ca.books"
local findings = require "lacre.ca.findings"
local mutex = require "lacre.ca.mutex"
local record = require "lacre.ca.record"
local repair = require "lacre.ca.repair"
local survey = require "lacre.ca.survey"

local audit = {}

local function counts_of(found)
  local counts = { valid = 0, revoked = 0, expired = 0 }
  for _, one in ipairs(found.records) do
    local status = record.status(one)
    counts[status] = counts[status] + 1
  end
  return counts
end

local function look(parts, given)
  local found, err = survey.of(parts)
  if not found then
    return nil, err
  end
  return found, findings.of(found, given)
end

local function result_of(found, list)
  local ok = true
  for _, finding in ipairs(list) do
    ok = ok and finding.level ~= "error"
  end
  return {
    ok = ok, findings = list, certificates = counts_of(found), key = found.key_state,
    log_entries = #found.entries, log_head = found.chain.hash,
  }
end

-- one who may only read looks without the lock
local function look_alone(parts, given)
  local lock, err = mutex.take(parts.paths.lock, given.lock_timeout, given.on_wait)
  if not lock and err.code == "locked" then
    return nil, err
  end
  local found, list = look(parts, given)
  if lock then
    lock:close()
  end
  return found, list
end

local function mend(parts, given)
  local kept = books.open(parts.paths, given)
  local before
  local done, err = kept:transact(function()
    local found, list = look(parts, given)
    if not found then
      return nil, list
    end
    before = list
    return repair.run(kept, found, list)
  end)
  return done and before, err
end

local function same(a, b)
  return a.rule == b.rule and a.serial == b.serial and a.text == b.text
end

-- what was there before and is no longer
local function repaired(before, after)
  local gone = {}
  for _, old in ipairs(before) do
    local still = false
    for _, new in ipairs(after) do
      still = still or same(old, new)
    end
    if not still then
      gone[#gone + 1] = old
    end
  end
  return gone
end

--- Checks a directory: every certificate against the index and back, signatures, numbers, dates, modes,
--- the log from its first line. With `repair`, mends what can be mended and checks again.
---@param parts table from lacre.ca.folder
---@param given { repair?: boolean, expect?: string, lock_timeout: number, on_wait?: function } `expect` is a hash
--- that an earlier check told as `log_head`: it must still be in the log
---@return { ok: boolean, findings: lacre.ca.finding[], repaired: lacre.ca.finding[], log_head: string }? result
---@return lacre.error? err
function audit.check(parts, given)
  local found, before = look_alone(parts, given)
  if not found then
    return nil, before
  elseif not given.repair then
    local result = result_of(found, before)
    result.repaired = {}
    return result
  end
  local done, err = mend(parts, given)
  if not done then
    return nil, err
  end
  local again, list = look_alone(parts, given)
  if not again then
    return nil, list
  end
  local result = result_of(again, list)
  result.repaired = repaired(before, list)
  return result
end

return audit
