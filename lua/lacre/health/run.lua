--- health.run: what one run of the health check consists of: the list, the survey, what is written, what is
--- remembered; once, or again and again.

local file = require "lacre.file"
local formats = require "lacre.report.formats"
local health_outputs = require "lacre.health.outputs"
local interrupt = require "lacre.health.interrupt"
local json = require "lacre.report.json"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local memoir = require "lacre.health.memoir"
local record = require "lacre.report.record"
local settle = require "lacre.health.settings"
local survey = require "lacre.health.survey"
local targets = require "lacre.health.targets"

local fail = lacre_error.fail

local health_run = {}

-- a file that happens to be called as a host is here is not its list
local function is_list(value)
  if type(value) ~= "string" then
    return false
  end
  return value == "-" or value:find "^%.?%.?/" ~= nil or value:find "%.txt$" ~= nil and file.stat(value) ~= nil
end

--- The targets: of arguments and files; a path alone (./hosts, hosts.txt), or - for standard input, is a file of them.
---@param set table
---@return lacre.target_row[]?
---@return lacre.error? err
function health_run.gather(set)
  local list, files = set.targets, set.file
  if type(list) == "table" and #list == 1 and #(files or {}) == 0 and is_list(list[1]) then
    list, files = nil, { list[1] }
  end
  local all, err = targets.gather(list, files)
  if not all then
    return nil, err
  elseif #all == 0 and not set.serve then
    return fail("config", "bad_name", "no targets: give some, or a file of them with -f")
  elseif set.shard then
    local index, count = set.shard:match "^(%d+)/(%d+)$"
    index, count = tonumber(index), tonumber(count)
    if not index or index < 1 or index > count then
      return fail("config", "bad_name", "not a shard: %s (write 2/8)", set.shard)
    end
    return targets.shard(all, { index = index, count = count })
  end
  return all
end

local function streams(set)
  return set.format == "jsonl" and set.on_data ~= nil
end

-- nil and the reason where a text could not be put out; what else a function of the caller's returns means nothing
local function put(tell, text)
  local done, err = tell(text)
  if done == nil and err then
    return nil, err
  end
  return true
end

local function stream(result, set)
  local text, err = json.encode(record.of(result), true)
  if not text then
    return nil, err
  end
  return put(set.on_data, text .. "\n")
end

local function announcer(set, round)
  return function(result, done, total)
    if streams(set) and not round.err and (result.grade ~= "pass" or not set.problems_only) then
      round.err = select(2, stream(result, set))
    end
    round.done, round.total = done, total
    if set.on_count then
      set.on_count(done, total)
    end
  end
end

local TICK = 0.25

-- who waits sees the count as it is, also while nothing comes
local function tick(set, round)
  while loop.sleep(TICK) and round.done < round.total do
    set.on_count(round.done, round.total)
  end
end

local function remembered(set)
  local path = set.baseline or set.state
  if not path or (path == set.state and not file.stat(path)) then
    return nil
  end
  return memoir.load(path)
end

local function render(form, results, set, changes_only)
  return formats.render(form, results, {
    style = set.style, problems_only = set.problems_only, fail_on = set.fail_on, changes_only = changes_only,
  })
end

-- what cannot be saved is printed all the same; a monitor reads one answer alone
local function salvage(results, set)
  if set.on_data and set.format ~= "nagios" and not set.watch and not streams(set) then
    set.on_data(render(set.format, results, set))
  end
end

local function once(list, set, outputs, before)
  local round = { done = 0, total = #list }
  local ticker = set.on_count and loop.spawn(tick, set, round)
  local ok, results = loop.pcall(survey.run, list, set, announcer(set, round))
  if ticker then
    ticker:cancel()
  end
  if not ok then
    error(results, 0)
  end
  if round.err then
    return nil, round.err
  elseif before then
    memoir.compare(results, before)
  end
  results.records = (set.state or set.watch) and memoir.of(results, before) or nil
  local done, err = true, nil
  if not (results.interrupted and set.watch) then -- half a round is no news
    done, err = health_outputs.write(results, outputs, set)
  end
  if done and set.state and not results.interrupted then
    done, err = memoir.save(set.state, results.records)
  end
  results.set = set
  if not done then
    salvage(results, set)
    return nil, err
  end
  return results
end

-- the first round whole, of the others what changed; where a table is what was asked for, the rounds are it
local function tell_round(results, set, is_first)
  local tell = set.format == "table" and set.on_data or set.on_event
  if not tell or streams(set) then
    return true
  end
  results.is_told = tell == set.on_data
  return put(tell, render("table", results, set, not is_first))
end

-- false where somebody interrupted it
local function pause(set)
  local slept = false
  local sleeper = loop.spawn(function()
    slept = loop.sleep(set.watch) == true
  end)
  set.interrupt:ends(function()
    sleeper:cancel()
  end)
  sleeper:join()
  return slept and not set.interrupt.asked
end

-- again and again, telling what changed; ends with Ctrl-C, and what is known then is the last whole round
local function watch(list, set, outputs, results)
  local told, err = tell_round(results, set, true)
  while told and not results.interrupted do
    local latest = results
    if pause(set) then
      latest, err = once(list, set, outputs, results.records)
    end
    if not latest then
      return nil, err
    elseif latest == results or latest.interrupted then
      results.interrupted = true
      return results
    end
    results = latest
    told, err = tell_round(results, set)
  end
  return told and results or nil, err
end

--- Whether the settings of the run make sense of themselves, before any target is begun: what is trusted, who
--- we are, lists of our own. Those of single lines are told with their targets.
---@param list lacre.target_row[]
---@param set table
---@return true?
---@return lacre.error? err trust_unavailable, file_not_found, key_mismatch ...
function health_run.check(list, set)
  for _, row in ipairs(list) do
    if not row.error and not (row.set.ca or row.set.trust) then
      local bare = { text = row.text, host = row.host, port = row.port, set = {} }
      local mine, err = settle(bare, set, { contexts = {}, kept = {} })
      return mine and true, err
    end
  end
  return true
end

local function rounds(list, set, outputs, before)
  local results, err = once(list, set, outputs, before)
  if results and set.watch then
    return watch(list, set, outputs, results)
  end
  return results, err
end

--- Examines the list as the settings say, inside of a loop.
---@param list lacre.target_row[]
---@param set table
---@param outputs table[]
---@return lacre.survey?
---@return lacre.error? err
function health_run.examine(list, set, outputs)
  local before, err = remembered(set)
  if err then
    return nil, err
  end
  set.interrupt = interrupt.open()
  local ok, results, why = loop.pcall(rounds, list, set, outputs, before)
  set.interrupt:close()
  if not ok then
    error(results, 0)
  end
  return results, why
end

return health_run
