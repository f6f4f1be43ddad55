--- health.outcome: the result of one target, put together from what was found of it.

local diagnosis = require "lacre.health.diagnosis"
local findings = require "lacre.health.findings"
local target = require "lacre.net.target"

local outcome = {}

local NOTHING = { chain = {}, verify = {} } -- where there was no handshake

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

local function soonest_end(chain, soonest)
  for i = 2, #chain do
    local last = chain[i]:not_after()
    soonest = last and (not soonest or last < soonest) and last or soonest
  end
  return soonest
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
  local problems, notes = out:sorted()
  local reasons = outcome.codes(problems)
  local found = facts or NOTHING
  local leaf = found.chain[1]
  local last = leaf and leaf:not_after()
  return {
    target = row.set.label or (row.host and shown(row)) or row.text, text = row.text,
    host = row.host, port = row.port, server_name = row.name or row.host, starttls = row.starttls,
    file = row.file, line = row.line, group = row.group, err = not facts and err or nil,
    grade = findings.grade(problems), reason = reasons[1], reasons = reasons, problems = problems, notes = notes,
    -- what was found
    version = found.version, cipher = found.cipher, key_exchange = found.group, hybrid_group = found.hybrid_group,
    sigalg = found.sigalg, alpn = found.alpn, address = found.address, client_cert = found.client_cert,
    chain = facts and found.chain, verified_chain = found.verified_chain, cert = leaf, pins = found.pins,
    verified = found.verify.ok, staple = found.staple, staple_state = found.staple_state, timing = found.timing,
    not_after = last, soonest_not_after = soonest_end(found.chain, last), days_left = last and (last - now) / 86400,
  }
end

return outcome
