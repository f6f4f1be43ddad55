--- health: the TLS of many hosts at once: PASS, WARN or FAIL, and every reason.

local file = require "lacre.file"
local formats = require "lacre.report.formats"
local health_codes = require "lacre.health_codes"
local json = require "lacre.report.json"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local memoir = require "lacre.memoir"
local record = require "lacre.report.record"
local rows = require "lacre.health_options"
local selftest = require "lacre.selftest"
local survey = require "lacre.survey"
local targets = require "lacre.targets"
local toolkit = require "lacre.toolkit"

local fail = lacre_error.fail

local health = {
  name = "health",
  summary = "judge the TLS of many hosts: PASS, WARN or FAIL, with every reason",
  description = rows.description,
  examples = rows.examples,
  argument = { name = "targets", type = "any", many = true, optional = true, value = "TARGET",
    help = rows.target_help },
  options = rows.options,
}

local function outputs_of(set)
  local list = {}
  for _, text in ipairs(set.output or {}) do
    local format, path = text:match "^(%l+):(.+)$"
    format = format or text
    if not formats.has(format) then
      return fail("config", "unsupported", "no output is called %s; known are %s", format, table.concat(formats.names,
        " "))
    end
    list[#list + 1] = { format = format, path = path }
  end
  return list
end

local function is_file(value)
  return type(value) == "string" and file.stat(value) ~= nil
end

-- Lua may give the name of a file instead of a list
local function gather(set)
  local list, files = set.targets, set.file
  if type(list) == "table" and #list == 1 and #(files or {}) == 0 and is_file(list[1]) then
    list, files = nil, { list[1] }
  end
  local all, err = targets.gather(list, files)
  if not all then
    return nil, err
  elseif set.shard then
    local index, count = set.shard:match "^(%d+)/(%d+)$"
    index, count = tonumber(index), tonumber(count)
    if not index or index < 1 or index > count then
      return fail("config", "bad_name", "not a shard: %s (write 2/8)", set.shard)
    end
    return targets.shard(all, { index = index, count = count })
  elseif #all == 0 then
    return fail("config", "bad_name", "there is no target: name some, or a file of them with -f")
  end
  return all
end

local function streamer(set)
  if set.format ~= "jsonl" or not set.on_data then
    return nil
  end
  return function(result)
    if result.grade ~= "pass" or not set.problems_only then
      set.on_data(json.encode(record.of(result), true) .. "\n")
    end
  end
end

local function announcer(set)
  local stream = streamer(set)
  return function(result, done, total)
    if stream then
      stream(result)
    end
    if set.on_count then
      set.on_count(done, total)
    end
  end
end

local function write_outputs(results, outputs, set)
  for _, output in ipairs(outputs) do
    local text, err = formats.render(output.format, results, set)
    local done
    if text and output.path then
      done, err = file.write(output.path, text, { overwrite = true, mode = "0644" })
    elseif text then
      done, err = (set.on_data or tostring)(text)
    end
    if not done then
      return nil, err
    end
  end
  return true
end

local function remembered(set)
  local path = set.baseline or set.state
  if not path or (path == set.state and not file.stat(path)) then
    return nil
  end
  return memoir.load(path)
end

local function once(list, set, outputs, before)
  local results = survey.run(list, set, announcer(set))
  if before then
    memoir.compare(results, before)
  end
  local done, err = write_outputs(results, outputs, set)
  if done and set.state and not results.interrupted then
    done, err = memoir.save(set.state, results)
  end
  results.set = set
  return done and results or nil, err
end

-- again and again, telling what changed; ends with Ctrl-C
local function watch(list, set, outputs, results)
  while not results.interrupted do
    local before = memoir.of(results)
    local slept = false
    local sleeper = loop.spawn(function()
      slept = loop.sleep(set.watch) == true
    end)
    loop.on_signal("INT", function()
      sleeper:cancel()
    end)
    sleeper:join()
    if not slept then
      results.interrupted = true
      return results
    end
    local err
    results, err = once(list, set, outputs, before)
    if not results then
      return nil, err
    elseif set.on_event then
      set.on_event(formats.render("table", results, { problems_only = true }))
    end
  end
  return results
end

local function examine(list, set, outputs)
  local before, err = remembered(set)
  if err then
    return nil, err
  end
  local results
  results, err = once(list, set, outputs, before)
  if results and set.watch then
    return watch(list, set, outputs, results)
  end
  return results, err
end

local function in_loop(fn, ...)
  if loop.running() then
    return fn(...)
  end
  return loop.run(fn, ...)
end

local function explain(code)
  local row = health_codes.by_code[code:upper()]
  if not row then
    return fail("config", "bad_name", "no reason is called %s", code)
  end
  return { explained = row }
end

--- Judges every target.
---@param set table see `health.options`
---@return lacre.survey? results in the order of the targets, with `worst`, `counts`, `seconds`
---@return lacre.error? err what kept the run from happening: file_not_found, trust_unavailable ...
function health.run(set)
  if set.explain then
    return explain(set.explain)
  elseif set.selftest then
    return in_loop(selftest.run, set)
  end
  local outputs, err = outputs_of(set)
  local list, prepared
  if outputs then
    list, err = gather(set)
  end
  if list then
    prepared, err = rows.prepare(set)
  end
  if not prepared then
    return nil, err
  end
  return in_loop(examine, list, prepared, outputs)
end

local function explained_text(row)
  return ("%s (%s)\n%s%s"):format(row.code, row.severity:upper(), row.meaning,
    row.error and "\nIn the library this is the error " .. row.error .. "." or "")
end

--- For people; nothing where it was put out on the way.
---@param results table
---@param style lacre.style
---@return string?
function health.text(results, style)
  if results.explained then
    return explained_text(results.explained)
  elseif results.selftest then
    return selftest.text(results, style)
  end
  local set = results.set
  if set.format == "jsonl" and set.on_data then
    return nil
  end
  return (lacre_error.assert(formats.render(set.format, results, {
    style = style, problems_only = set.problems_only, fail_on = set.fail_on,
  })))
end

--- Plain data.
function health.to_table(results)
  if results.explained then
    return results.explained
  elseif results.selftest then
    return selftest.to_table(results)
  end
  return record.all(results)
end

local exit_codes = { pass = 0, warn = 1, fail = 2 }
local INTERRUPTED = 130

--- The exit code: 0 PASS, 1 WARN, 2 FAIL, as plugins of Nagios have it.
---@return integer|boolean
function health.failed(results)
  if results.explained then
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

--- What could not run at all exits with 3.
health.trouble = 3

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
