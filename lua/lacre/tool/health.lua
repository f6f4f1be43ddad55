--- tool.health: the TLS of many hosts at once: PASS, WARN or FAIL, and every reason.

local health_codes = require "lacre.health.codes"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local rows = require "lacre.health.options"
local toolkit = require "lacre.toolkit"

local file = later "lacre.file"
local formats = later "lacre.report.formats"
local health_outputs = later "lacre.health.outputs"
local health_run = later "lacre.health.run"
local loop = later "lacre.loop"
local record = later "lacre.report.record"
local selftest = later "lacre.health.selftest"
local serving = later "lacre.health.serving"

local fail = lacre_error.fail

local health = {
  name = "health",
  summary = "check the TLS of many hosts: PASS, WARN or FAIL, with every reason",
  description = rows.description,
  examples = rows.examples,
  argument = { name = "targets", type = rows.texts, many = true, optional = true, value = "TARGET",
    help = rows.target_help },
  options = rows.options,
  headings = {
    { "Targets", "file", "shard", "all_addresses", "family" },
    { "Verdict", "warn", "fail", "min_tls", "require", "expect", "trust", "cert", "key", "pin", "ocsp", "crl",
      "crl_cache", "at", "no_old", "deep" },
    { "Pace", "timeout", "connect_timeout", "deadline", "concurrency", "retries" },
    { "Results", "format", "output", "problems_only", "fail_on", "json", "color", "quiet" },
    { "What changed", "baseline", "state", "watch" },
    { "Exporter", "serve", "interval", "cache" },
  },
  exits = {
    { 0, "PASS" }, { 1, "WARN" }, { 2, "FAIL, or a wrong verdict of --selftest" },
    { 3, "could not run: wrong usage, unreadable files" }, { 130, "interrupted" },
  },
}

local function explain(code)
  local row = health_codes.by_code[code:upper()]
  if not row then
    local _, err = fail("config", "bad_name", "unknown reason: %s", code)
    return nil, lacre_error.annotate(err, { hint = "docs/reasons.md lists all reasons" })
  end
  return { explained = row }
end

local hints = {
  bad_name = "see lacre health --help for the targets it takes",
  bad_time = "write 30d, 12h or 45m; for --at also 2027-01-31",
  unsupported = "see lacre health --help for the formats",
}

local function with_hint(err)
  return lacre_error.annotate(err, { hint = hints[err.code] })
end

--- Judges every target.
---@param set table see `health.options`
---@return lacre.survey? results in the order of the targets, with `worst`, `counts`, `seconds`
---@return lacre.error? err what kept the run from happening: file_not_found, trust_unavailable ...
function health.run(set)
  if set.explain then
    return explain(set.explain)
  elseif set.selftest and (set.targets or set.file) then
    return lacre_error.fail("config", "unsupported", "selftest checks the servers of the zoo, and takes no targets")
  elseif set.selftest then
    return loop.enter(selftest.run, set)
  end
  local outputs, err = health_outputs.parse(set)
  local list, prepared
  if outputs then
    list, err = health_run.gather(set)
  end
  if list then
    prepared, err = rows.prepare(set)
  end
  local sane
  if prepared then
    sane, err = health_run.check(list, prepared)
  end
  if not sane then
    return nil, with_hint(err)
  elseif set.serve then
    return loop.enter(serving.run, list, prepared)
  end
  return loop.enter(health_run.examine, list, prepared, outputs)
end

local function explained_text(row)
  return ("%s (%s)\n%s%s"):format(row.code, row.severity:upper(), row.meaning,
    row.error and "\nThe library's error code is " .. row.error .. "." or "")
end

--- For people; nothing where it was put out on the way.
---@param results table
---@param style lacre.style
---@return string?
function health.text(results, style)
  if results.served then
    return nil
  elseif results.explained then
    return explained_text(results.explained)
  elseif results.selftest then
    return selftest.text(results, style)
  end
  local set = results.set
  if results.is_told or set.format == "jsonl" and set.on_data then
    return nil
  end
  return (lacre_error.assert(formats.render(set.format, results, {
    style = style, problems_only = set.problems_only, fail_on = set.fail_on,
  })))
end

--- Plain data.
function health.to_table(results)
  if results.served then
    return results
  elseif results.explained then
    return results.explained
  elseif results.selftest then
    return selftest.to_table(results)
  end
  return record.all(formats.shown(results, results.set))
end

local exit_codes = { pass = 0, warn = 1, fail = 2 }
local INTERRUPTED = 130

--- The exit code: 0 PASS, 1 WARN, 2 FAIL, as plugins of Nagios have it.
---@return integer|boolean
function health.failed(results)
  if results.explained or results.served then
    return false
  elseif results.selftest then
    return results.wrong > 0 and 2 or false
  elseif results.interrupted then
    return INTERRUPTED
  end
  local code, fail_on = exit_codes[results.worst] or 0, results.set.fail_on
  if fail_on == "never" or (fail_on == "fail" and code == 1) then
    return 0
  elseif fail_on == "warn" and code == 1 then
    return 2
  end
  return code
end

--- What could not run at all exits with 3, which is UNKNOWN to a monitor.
health.trouble = 3

--- What a monitor is told where the check could not run.
---@param set table
---@param err lacre.error
---@return string?
function health.lament(set, err)
  return set.format == "nagios" and "TLS UNKNOWN: " .. tostring(err):gsub("[|%c]", " ") or nil
end

--- Results as metrics, for the textfile collector.
---@param results lacre.survey
---@return string
function health.prometheus(results)
  return (formats.render("prometheus", results))
end

--- Writes metrics to a file, atomically.
---@param path string
---@param results lacre.survey
---@return true?
---@return lacre.error?
function health.write_prometheus(path, results)
  return file.write(path, health.prometheus(results), { overwrite = true, mode = "0644" })
end

return toolkit.define(health)
