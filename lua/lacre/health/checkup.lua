--- health.checkup: one target from its line to its result. Nothing that happens to it raises.

local capabilities = require "lacre.health.capabilities"
local chain_rules = require "lacre.health.diagnosis.chain"
local diagnosis = require "lacre.health.diagnosis"
local dial = require "lacre.net.dial"
local findings = require "lacre.health.findings"
local inquiry = require "lacre.health.inquiry"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local outcome = require "lacre.health.outcome"
local probe = require "lacre.health.probe"
local revocation = require "lacre.health.revocation"
local settle = require "lacre.health.settings"
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"

local checkup = {}

local monotonic = time.monotonic

-- talking -------------------------------------------------------------------------------------

local function place_of(row, address)
  return { host = address or row.set.ip or row.host, port = row.port, starttls = row.starttls }
end

local function contact(row, mine, address, context, deadline)
  return probe.contact(place_of(row, address), {
    context = context or mine.context, timeout = mine.timeout, connect_timeout = mine.connect_timeout,
    deadline = deadline or mine.deadline,
    sni = mine.sni, family = mine.family, server_name = mine.server_name, has_identity = mine.has_identity,
  })
end

local transient = {
  connection_reset = true, dns_failure = true, host_unreachable = true, network_unreachable = true,
}

-- trying again helps against passing troubles only, and after a moment
local function contact_patiently(row, mine, set, address)
  local facts, err
  local attempts = 0
  repeat
    attempts = attempts + 1
    facts, err = contact(row, mine, address)
    local again = not facts and transient[err.code] and attempts <= set.retries
    if again then
      again = loop.sleep(math.min(0.1 * 2 ^ attempts, math.max(0, mine.deadline - monotonic())))
    end
  until not again or monotonic() >= mine.deadline
  return facts, err, attempts
end

local function has(list, wanted)
  for _, item in ipairs(list or {}) do
    if item == wanted then
      return true
    end
  end
  return false
end

local function look_deeper(facts, row, mine, set, address)
  local function ask(question)
    return inquiry.ask(place_of(row, address), inquiry.terms(mine, facts.timing, facts.address), question)
  end
  if set.probe_old and facts.version >= "1.2" then
    facts.old, facts.old_error = ask "old"
  end
  if (set.deep or has(mine.require, "pq")) and not (facts.group or ""):find "MLKEM" then
    local answer, err = ask "hybrid"
    facts.hybrid_group, facts.hybrid_error = inquiry.group_of(answer), err
  end
end

-- the one requirement that takes a request, and so a connection that verifies
local function look_for_hsts(facts, row, mine, address)
  if has(mine.require, "hsts") and facts.verified_chain and not row.starttls then
    facts.hsts, facts.hsts_error = capabilities.hsts(place_of(row, address), {
      timeout = mine.timeout, deadline = mine.deadline, server_name = mine.server_name, trust = mine.trust,
      rows = { { address = facts.address, family = "any" } },
    })
  end
end

-- a server that refused us is asked otherwise
local function ask_again(row, mine, address, err)
  if not inquiry.is_worthwhile(err) then
    return nil
  end
  local terms = inquiry.terms(mine, { handshake = monotonic() - mine.deadline + mine.timeout }, err.address)
  return inquiry.again(place_of(row, address), terms, function(group, deadline)
    return (contact(row, mine, address, mine.context_with(group), deadline))
  end)
end

local function examine(row, mine, set, address)
  local facts, err, attempts = contact_patiently(row, mine, set, address)
  local answers
  if not facts then
    facts, answers = ask_again(row, mine, address, err)
  end
  local out
  if facts then
    look_deeper(facts, row, mine, set, address)
    look_for_hsts(facts, row, mine, address)
    out = diagnosis.of_facts(facts, mine)
    if facts.verified_chain and revocation.check(out, facts.verified_chain, facts.staple_state, mine) then
      out:drop "REVOCATION_UNCHECKED"
    end
  else
    out = diagnosis.of_error(err, answers)
  end
  return out, facts, err, attempts
end

-- results -------------------------------------------------------------------------------------

local function compare_addresses(out, seen)
  local first, differ = nil, false
  for _, one in ipairs(seen) do
    local leaf = one.facts and one.facts.chain[1]
    differ = differ or (first and leaf and leaf ~= first)
    first = first or leaf
  end
  if differ then
    out:add("ADDRESSES_DIFFER", ("%d addresses do not serve the same certificate"):format(#seen))
  end
end

-- what is wrong at the other addresses is wrong with the target
local function gather_reasons(worst, seen)
  for _, one in ipairs(seen) do
    for _, problem in ipairs(one ~= worst and one.problems or {}) do
      if not worst.out:find(problem.code) then
        local place = problem.message:find(one.address, 1, true) and "" or (" (at %s)"):format(one.address)
        worst.out:add(problem.code, problem.message .. place,
          { severity = problem.severity, depth = problem.depth, address = one.address })
      end
    end
  end
end

-- the time for one target, and never more than is left for the whole run
local function deadline_of(mine, shared)
  return math.min(monotonic() + mine.timeout, shared.deadline or math.huge)
end

-- every address behind a name; the worst of them speaks for the target, with the reasons of all
local function examine_all(row, mine, set, shared)
  local addresses, err = dial.resolve(row.set.ip or row.host, row.port, { family = mine.family or "any" },
    mine.deadline)
  if not addresses then
    return diagnosis.of_error(err), nil, err, 1
  end
  local seen, worst = {}, nil
  local rank = { pass = 3, warn = 2, fail = 1 }
  for i, address in ipairs(addresses) do
    mine.deadline = deadline_of(mine, shared) -- a silent one does not take the time of the others
    local out, facts, why, attempts = examine(row, mine, set, address.address)
    local problems = out:sorted()
    local grade = findings.grade(problems)
    seen[i] = {
      address = address.address, out = out, facts = facts, err = why, grade = grade, attempts = attempts,
      problems = problems, reasons = outcome.codes(problems),
    }
    worst = (not worst or rank[grade] < rank[worst.grade]) and seen[i] or worst
  end
  gather_reasons(worst, seen)
  compare_addresses(worst.out, seen)
  return worst.out, worst.facts, worst.err, worst.attempts, seen
end

local function addresses_of(seen)
  local list = {}
  for i, one in ipairs(seen or {}) do
    list[i] = {
      address = one.address, grade = one.grade, reasons = one.reasons,
      pin = one.facts and one.facts.chain[1] and one.facts.pins[1] or nil,
    }
  end
  return seen and list or nil
end

local LENT = { "cert", "chain", "pins", "not_after", "soonest_not_after", "days_left" }

-- the certificate of another address is told where the worst one gave none: when it ends is asked all the same
local function lend(result, row, seen, now)
  local lent
  for _, one in ipairs(seen) do
    if one.facts and one.facts.chain[1] then
      local other = outcome.conclude(row, {}, findings.new(), one.facts, nil, now)
      local last, least = other.soonest_not_after, lent and lent.soonest_not_after
      lent = (not lent or last and last < (least or math.huge)) and other or lent
    end
  end
  for _, name in ipairs(lent and LENT or {}) do
    result[name] = lent[name]
  end
end

local function run(row, set, shared)
  if row.error then
    return outcome.conclude(row, set, diagnosis.of_error(row.error), nil, row.error)
  end
  local mine, err = settle(row, set, shared)
  if not mine then
    local out = findings.new()
    local hint = rawget(err, "hint")
    out:add("TARGET_INVALID", err.message .. (hint and (" (%s)"):format(hint) or ""), { error = err.code })
    return outcome.conclude(row, set, out, nil, err)
  end
  mine.deadline = deadline_of(mine, shared)
  local began = monotonic()
  local look = set.all_addresses and examine_all or examine
  local out, facts, why, attempts, seen = look(row, mine, set, set.all_addresses and shared or nil)
  local result = outcome.conclude(row, set, out, facts, why, mine.now)
  if seen and not facts then
    lend(result, row, seen, mine.now)
  end
  if result.cert then
    local lifetime = chain_rules.lifetime_of(result.cert)
    result.due = threshold.seconds(mine.warn, lifetime)
    result.fatal = mine.fail and threshold.seconds(mine.fail, lifetime)
  end
  result.seconds, result.attempts, result.addresses = monotonic() - began, attempts, addresses_of(seen)
  return result
end

--- Examines one target.
---@param row lacre.target_row
---@param set table the settings of the run
---@param shared { contexts: table, kept: table, deadline?: number } what the targets of a run share
---@return table result target, grade, reason, reasons, problems, notes, version, cipher, cert, days_left, err ...
function checkup.run(row, set, shared)
  local ok, result = loop.pcall(run, row, set, shared)
  if ok then
    return result
  end
  local out = findings.new()
  out:add("INTERNAL", tostring(result))
  return outcome.conclude(row, { expect = nil }, out, nil, select(2, lacre_error.fail("config", "internal_error",
    "%s", tostring(result))))
end

checkup.conclude = outcome.conclude

return checkup
