--- loop.task: what is asked of a task, by others and of itself: its end, its results, to end early.

local lacre_error = require "lacre.error"
local options = require "lacre.options"
local scheduler = require "lacre.loop.scheduler"

local unpack = table.unpack or unpack -- luacheck: ignore
local fail = lacre_error.fail
local suspend, canceled = scheduler.suspend, scheduler.canceled

local task = {}

local Task = scheduler.Task

--- Raises outside of tasks.
---@param name string the function that was called
function task.must_run(name)
  if not scheduler.running() then
    options.misuse("loop.%s was called outside a task", name)
  end
end

--- Waits for the end of a task.
---@param seconds? number
---@return any ... what its function returned, or nil and the error it raised, or nil and `timeout`
function Task:join(seconds)
  task.must_run "join"
  options.argument("join", 1, seconds or 0, "number")
  if not self.done then
    self.joiners = self.joiners or {}
    table.insert(self.joiners, scheduler.current())
    local done, why = suspend(self, seconds)
    if why == "timeout" then
      return fail("read", "timeout", "the task did not finish in time")
    elseif not done then
      return nil, why
    end
  end
  if self.ok then
    return unpack(self.results, 1, self.results.n)
  end
  return nil, self.results[1]
end

--- Ends a task at its next wait, which returns the error `canceled`.
---@return boolean canceled false when it had ended already
function Task:cancel()
  if self.done then
    return false
  end
  self.canceled = true
  if self.waits then
    scheduler.wake(self, canceled())
  end
  return true
end

--- What became of a task.
---@return "running"|"done"|"failed"
function Task:status()
  return not self.done and "running" or self.ok and "done" or "failed"
end

return task
