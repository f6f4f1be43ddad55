--- tool.ca.check: whether the directory of a CA is consistent; and its repair.

local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"

local ca = later "lacre.ca"

local check = {
  name = "check",
  summary = "check the CA's directory, and repair it",
  description = "Checks every certificate against the index and the index against the certificates, signatures, "
    .. "serial and CRL numbers, dates, file modes, and the log from its first line. Keep the hash of the log's last "
    .. "line somewhere else: with --expect it proves later that nothing before that line was changed.",
  examples = {
    { "lacre ca check ca", "exit code 1 if something is wrong" },
    { "lacre ca check ca --repair", "recover from a crash, using the log and the certificates" },
    { "lacre ca check ca --expect 30c10996...", "the log must still contain that line" },
  },
  argument = parts.row.dir,
  options = parts.rows(
    { name = "repair", type = "boolean", default = false, help = "repair what can be repaired" },
    { name = "expect", value = "HASH", help = "hash of a line that the log must contain" },
    { name = "try_key", type = "boolean", default = false, help = "also check that the CA's key can be opened" },
    { name = "password", type = "password", prompt = "try_key", help = "the CA's key" },
    "lock_timeout", "on_event"
  ),
  exits = { { 1, "something is wrong in the directory" } },
}

--- Checks.
---@param set table
---@return table? result `ok`, `findings`, `repaired`, `certificates`, `log_head`
---@return lacre.error? err ca_not_found locked log_corrupt ...
function check.run(set)
  return ca.check(set.dir, {
    repair = set.repair, expect = set.expect, password = set.try_key and set.password or nil,
    lock_timeout = set.lock_timeout,
    on_wait = function(path)
      parts.event(set, "waiting for %s, locked by another process", path)
    end,
  })
end

function check.failed(result)
  return not result.ok
end

local function line(word, finding)
  return ("%s  %s%s"):format(word, finding.text, finding.serial and " (serial " .. finding.serial .. ")" or "")
end

function check.text(result, style)
  local lines = {}
  for _, finding in ipairs(result.repaired) do
    lines[#lines + 1] = line(style.good "repaired", finding)
  end
  for _, finding in ipairs(result.findings) do
    local colour = finding.level == "error" and style.bad or style.warn
    lines[#lines + 1] = line(colour(finding.level), finding)
  end
  local counts = result.certificates
  lines[#lines + 1] = ("%s  %d valid, %d revoked, %d expired; %d lines of log, the last %s"):format(
    result.ok and style.good "ok" or style.bad "not ok", counts.valid, counts.revoked, counts.expired,
    result.log_entries, result.log_head)
  if result.key == "sealed" then
    lines[#lines + 1] = "the key is encrypted and was not tested: use --try-key"
  end
  return table.concat(lines, "\n")
end

function check.to_table(result)
  return result
end

return check
