--- health.findings: what is wrong with one target, all of it: reasons by stable code, each once.

local codes = require "lacre.health.codes"
local reasons = require "lacre.crl.reasons"
local subject_of = require("lacre.x509.shown").subject
local time = require "lacre.time"

local findings = {}

---@class lacre.problem
---@field code string a row of `lacre.health_codes`
---@field severity "fail"|"warn"|"info"
---@field message string
---@field depth? integer place in the chain, 0 is the leaf

---@class lacre.findings
local Findings = {}
Findings.__index = Findings

local rank = { fail = 1, warn = 2, info = 3 }

--- An empty list.
---@return lacre.findings
function findings.new()
  return setmetatable({ list = {} }, Findings)
end

-- of the same certificate, or requirement
local function is_known(list, problem)
  for _, one in ipairs(list) do
    if one.code == problem.code and one.depth == problem.depth and one.requirement == problem.requirement
      and one.expected_code == problem.expected_code then
      return true
    end
  end
  return false
end

--- Adds a reason, unless this one is known of the same certificate, or requirement. `severity` may be told otherwise.
---@param code string
---@param message string
---@param fields? table
function Findings:add(code, message, fields)
  local row = codes.by_code[code] or error("no such reason: " .. tostring(code))
  local problem = { code = code, severity = row.severity, message = message }
  if fields then
    for name, value in pairs(fields) do
      problem[name] = value
    end
  end
  if not is_known(self.list, problem) then
    self.list[#self.list + 1] = problem
  end
  return problem
end

--- Adds that a certificate was revoked.
---@param cert lacre.cert
---@param depth integer
---@param instant? number
---@param reason? string by the names of RFC 5280
function Findings:revoked(cert, depth, instant, reason)
  self:add("REVOKED", reasons.sentence(subject_of(cert) or "the certificate", instant, reason),
    { depth = depth, revoked_at = instant and time.format(instant), revocation_reason = reason })
end

--- Whether a reason is among them.
---@param code string
---@return lacre.problem?
function Findings:find(code)
  for _, problem in ipairs(self.list) do
    if problem.code == code then
      return problem
    end
  end
end

--- Takes a reason back.
---@param code string
function Findings:drop(code)
  for i = #self.list, 1, -1 do
    if self.list[i].code == code then
      table.remove(self.list, i)
    end
  end
end

local function before(a, b)
  if rank[a.severity] ~= rank[b.severity] then
    return rank[a.severity] < rank[b.severity]
  elseif a.code ~= b.code then
    return codes.by_code[a.code].place < codes.by_code[b.code].place
  end
  return (a.depth or 0) < (b.depth or 0)
end

--- In their order: the worst first, and of these the one to mend first.
---@return lacre.problem[] problems those that decide
---@return lacre.problem[] notes those that do not
function Findings:sorted()
  table.sort(self.list, before)
  local problems, notes = {}, {}
  for _, problem in ipairs(self.list) do
    local list = problem.severity == "info" and notes or problems
    list[#list + 1] = problem
  end
  return problems, notes
end

--- The grade that some problems amount to.
---@param problems lacre.problem[]
---@return "pass"|"warn"|"fail"
function findings.grade(problems)
  local worst = 3
  for _, problem in ipairs(problems) do
    worst = math.min(worst, rank[problem.severity])
  end
  return worst == 1 and "fail" or worst == 2 and "warn" or "pass"
end

return findings
