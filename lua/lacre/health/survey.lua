--- health.survey: many targets at once, in one thread, each with one result.
--
-- So many in flight as is allowed, results in the order of the list, and whatever happens (a silent host,
-- a fault of ours, Ctrl-C, the end of the time) every target that was begun has its result.

local checkup = require "lacre.health.checkup"
local diagnosis = require "lacre.health.diagnosis"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local time = require "lacre.time"

local survey = {}

local rank = { pass = 1, warn = 2, fail = 3 }

---@class lacre.survey: table results in the order of the targets
---@field worst "pass"|"warn"|"fail"|nil nil where there was no target
---@field counts { pass: integer, warn: integer, fail: integer }
---@field started number
---@field seconds number
---@field interrupted boolean
---@field total integer targets in the list; more than there are results where it was interrupted

local function summary(results, started, began)
  results.counts = { pass = 0, warn = 0, fail = 0 }
  for _, result in ipairs(results) do
    local grade = result.grade
    results.counts[grade] = results.counts[grade] + 1
    results.worst = rank[grade] > (rank[results.worst] or 0) and grade or results.worst
    local last = result.not_after
    if last and (not results.earliest or last < results.earliest.not_after) then
      results.earliest = { target = result.target, not_after = last }
    end
  end
  results.started, results.seconds = started, time.monotonic() - began
  return results
end

-- a target whose turn never came
local function unexamined(row, set)
  local _, err = lacre_error.fail("connect", "timeout", "the deadline passed before it was checked")
  return checkup.conclude(row, set, diagnosis.of_error(err), nil, err)
end

local function work(self)
  while self.next <= #self.rows and not self.stopped do
    local index = self.next
    self.next = index + 1
    local set = self.set
    local late = self.deadline and time.monotonic() >= self.deadline
    local result = late and unexamined(self.rows[index], set) or checkup.run(self.rows[index], set, self.shared)
    if not self.stopped then
      self.found[index], self.done = result, self.done + 1
      self.on_result(result, self.done, #self.rows)
    end
  end
end

local function stopper(self, workers)
  return function()
    self.stopped = true
    for _, worker in ipairs(workers) do
      worker:cancel()
    end
  end
end

-- what a function of the caller's raises ends the run, and is the caller's
local function join(workers, stop)
  local raised
  for _, worker in ipairs(workers) do
    local _, why = worker:join()
    if why ~= nil and raised == nil then
      raised = why
      stop()
    end
  end
  if raised ~= nil then
    error(raised, 0)
  end
end

local function gather(self)
  local results = {}
  for index = 1, #self.rows do
    results[#results + 1] = self.found[index]
  end
  results.interrupted, results.total = self.stopped, #self.rows
  return results
end

--- Examines every row, inside of a loop.
---@param rows lacre.target_row[]
---@param set table concurrency, deadline (seconds for the whole run), interrupt (of `lacre.health.interrupt`: what
--- may end it), and those of `lacre.checkup`
---@param on_result? fun(result: table, done: integer, total: integer)
---@return lacre.survey
function survey.run(rows, set, on_result)
  local began, started = time.monotonic(), time.now()
  local deadline = set.deadline and began + set.deadline
  local self = {
    rows = rows, set = set, next = 1, done = 0, found = {}, stopped = false, deadline = deadline,
    shared = { contexts = {}, kept = {}, deadline = deadline }, on_result = on_result or function() end,
  }
  local workers = {}
  for i = 1, math.min(set.concurrency, #rows) do
    workers[i] = loop.spawn(work, self)
  end
  local stop = stopper(self, workers)
  if set.interrupt then
    set.interrupt:ends(stop)
  end
  join(workers, stop)
  return summary(gather(self), started, began)
end

return survey
