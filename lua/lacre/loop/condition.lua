--- loop.condition: what only other tasks can bring about, and how they tell.

local options = require "lacre.options"
local scheduler = require "lacre.loop.scheduler"

local suspend, canceled = scheduler.suspend, scheduler.canceled

local condition = {}

---@class lacre.condition
local Condition = {}
Condition.__index = Condition

--- Something to wait for that only other tasks can bring about.
---@return lacre.condition
function condition.new()
  return setmetatable({ waiters = {} }, Condition)
end

--- Waits until somebody notifies.
---@param seconds? number
---@return true?
---@return string|lacre.error? why "timeout", or canceled
function Condition:wait(seconds)
  if not scheduler.running() then
    options.misuse "a condition is waited for outside of a task"
  elseif scheduler.current().canceled then
    return canceled()
  end
  self.waiters[#self.waiters + 1] = scheduler.current()
  return suspend(self, seconds)
end

--- Wakes everybody who waits.
function Condition:notify()
  local waiters = self.waiters
  self.waiters = {}
  for _, task in ipairs(waiters) do
    if task.waits == self then
      scheduler.wake(task, true)
    end
  end
end

return condition
