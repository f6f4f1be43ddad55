--- health.memoir: what was found last time, so that changes are told: certificate, issuer, key, grade.

local cells = require "lacre.report.cells"
local core = require "lacre.core"
local file = require "lacre.file"
local json = require "lacre.report.json"
local lacre_error = require "lacre.error"
local plain = require "lacre.plain"
local time = require "lacre.time"

local memoir = {}

local fail = lacre_error.fail

-- a server that did not answer has the certificate it had: whether it is another one is seen when it is back
local function record_of(result, before)
  local leaf, last = result.cert, before or {}
  if not leaf then
    return {
      grade = result.grade, reasons = result.reasons,
      sha256 = last.sha256, pin = last.pin, issuer = last.issuer, not_after = last.not_after,
    }
  end
  return {
    grade = result.grade, reasons = result.reasons,
    sha256 = core.bytes.hex(core.bytes.digest("sha256", leaf:to_der())),
    pin = leaf:pin(), issuer = tostring(leaf:issuer()), not_after = leaf:not_after(),
  }
end

local function certificate_change(result, before, now)
  if not before.sha256 or not now.sha256 or before.sha256 == now.sha256 then
    return nil
  end
  local renewed = before.issuer == now.issuer and (now.not_after or 0) > (before.not_after or 0)
  result.notes[#result.notes + 1] = renewed and {
    code = "RENEWED", severity = "info", message = ("renewed until %s"):format(time.format(now.not_after, "date")),
  } or nil
  return renewed and "certificate renewed until " .. time.format(now.not_after, "date") or "another certificate"
end

local function grade_change(result, before)
  local now, past = table.concat(result.reasons, " "), before.reasons and table.concat(before.reasons, " ")
  if before.grade ~= result.grade then
    return ("%s, was %s%s"):format(cells.verdict(result.grade), cells.verdict(before.grade),
      result.reason and " (" .. result.reason .. ")" or "")
  elseif result.grade ~= "pass" and past and now ~= past then
    return ("%s for %s, was for %s"):format(cells.verdict(result.grade), now, past)
  end
end

--- What changed since a record was made, in words; nothing where nothing did.
---@param result table
---@param before table
---@return string[]
function memoir.changes(result, before)
  local now, list = record_of(result), {}
  list[#list + 1] = grade_change(result, before)
  list[#list + 1] = certificate_change(result, before, now)
  if before.issuer and now.issuer and before.issuer ~= now.issuer then
    list[#list + 1] = ("issuer %s, was %s"):format(now.issuer, before.issuer)
  end
  if before.pin and now.pin and before.pin ~= now.pin then
    list[#list + 1] = ("key %s, was %s"):format(now.pin, before.pin)
  end
  return list
end

-- each result with its name in a state; that of a target that is listed twice has its place behind it
local function named(results)
  local times, list = {}, {}
  for i, result in ipairs(results) do
    local target = plain.text(result.target)
    times[target] = (times[target] or 0) + 1
    list[i] = { result, times[target] == 1 and target or ("%s (%d)"):format(target, times[target]) }
  end
  return list
end

--- Tells each result what changed (`result.changes`), and the whole which targets are gone (`results.gone`).
---@param results lacre.survey
---@param before table<string, table> of `memoir.load` or `memoir.of`
function memoir.compare(results, before)
  local seen = {}
  for _, pair in ipairs(named(results)) do
    local result, name = pair[1], pair[2]
    seen[name] = true
    result.changes = before[name] and memoir.changes(result, before[name]) or { "new" }
  end
  results.gone = {}
  for target in pairs(before) do
    if not seen[target] and not results.interrupted then -- then nobody knows
      table.insert(results.gone, target)
    end
  end
  table.sort(results.gone)
end

--- The records of some results, by target.
---@param results lacre.survey
---@param before? table<string, table> those of the time before
---@return table<string, table>
function memoir.of(results, before)
  local records = {}
  for _, pair in ipairs(named(results)) do
    records[pair[2]] = record_of(pair[1], before and before[pair[2]])
  end
  return records
end

local kinds = { sha256 = "string", pin = "string", issuer = "string", not_after = "number", reasons = "table" }
local grades = { pass = true, warn = true, fail = true }

local function is_record(record)
  if type(record) ~= "table" or not grades[record.grade] then
    return false
  end
  for name, kind in pairs(kinds) do
    if record[name] ~= nil and type(record[name]) ~= kind then
      return false
    end
  end
  for _, reason in ipairs(record.reasons or {}) do
    if type(reason) ~= "string" then
      return false
    end
  end
  return true
end

local function is_state(whole)
  local is_sane = type(whole) == "table" and whole.v == 1 and type(whole.targets) == "table"
  for name, record in pairs(is_sane and whole.targets or {}) do
    is_sane = is_sane and type(name) == "string" and is_record(record)
  end
  return is_sane
end

--- Reads records that `save` wrote.
---@param path string
---@return table<string, table>?
---@return lacre.error? err file_not_found, bad_pem ...
function memoir.load(path)
  local text, err = file.read(path)
  if not text then
    return nil, err
  end
  local whole
  whole, err = json.decode(text)
  if not whole then
    return nil, lacre_error.annotate(err, { path = path })
  elseif not is_state(whole) then
    return fail("load", "bad_state", "%s is not a state file of lacre health", path)
  end
  return whole.targets
end

--- Writes records, atomically.
---@param path string
---@param records table<string, table> of `memoir.of`
---@return true?
---@return lacre.error? err
function memoir.save(path, records)
  local text, err = json.encode { v = 1, targets = records }
  if not text then
    return nil, err
  end
  return file.write(path, text .. "\n", { overwrite = true })
end

return memoir
