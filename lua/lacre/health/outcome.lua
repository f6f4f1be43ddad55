--- health.outcome: the result of one target, put together from what was found of it.

local diagnosis = require "lacre.health.diagnosis"
local findings = require "lacre.health.findings"
local target = require "lacre.net.target"

local outcome = {}

--- The codes of some problems.
---@param problems lacre.problem[]
---@return string[]
function outcome.codes(problems)
  local list = {}
  for i, problem in ipairs(problems) do
    list[i] = problem.code
  end
  return list
end

local function soonest_end(facts)
  local soonest
  for _, cert in ipairs(facts.chain) do
    local last = cert:not_after()
    soonest = last and (not soonest or last < soonest) and last or soonest
  end
  return soonest
end

local copied = {
  "version", "cipher", "sigalg", "alpn", "address", "client_cert", "chain", "verified_chain", "cert", "pins",
    "timing", "staple",
  "staple_state", "hybrid_group",
}

local function describe(result, facts, now)
  for _, name in ipairs(copied) do
    result[name] = facts[name]
  end
  result.key_exchange = facts.group
  result.verified = facts.verify.ok
  local leaf = facts.chain[1]
  if leaf then
    result.not_after, result.soonest_not_after = leaf:not_after(), soonest_end(facts)
    result.days_left = leaf:not_after() and (leaf:not_after() - now) / 86400
  end
end

-- as it would be written in a list: where an address of a name is meant, which one
local function shown(row)
  local name, address = row.name or row.host, row.set.ip or row.host
  return (name ~= address and name .. "@" or "") .. target.format(address, row.port)
end

--- The result of a target, from what was found of it.
---@param row lacre.target_row
---@param set table
---@param out lacre.findings
---@param facts? table
---@param err? lacre.error
---@param now? number
---@return table
function outcome.conclude(row, set, out, facts, err, now)
  diagnosis.expect(out, row.set.expect or set.expect)
  local result = {
    target = row.set.label or (row.host and shown(row)) or row.text, text = row.text,
    host = row.host, port = row.port, server_name = row.name or row.host, starttls = row.starttls,
    file = row.file, line = row.line, group = row.group, err = not facts and err or nil,
  }
  result.problems, result.notes = out:sorted()
  result.grade = findings.grade(result.problems)
  result.reasons = outcome.codes(result.problems)
  result.reason = result.reasons[1]
  if facts then
    describe(result, facts, now)
  end
  return result
end

return outcome
