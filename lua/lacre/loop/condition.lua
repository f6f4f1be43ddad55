--- loop.condition: what only other tasks can bring about, and how they tell.

local options = require "lacre.options"
local scheduler = require "lacre.loop.scheduler"

local suspend, canceled = scheduler.suspend, scheduler.canceled

local condition = {}

---@class lacre.condition
local Condition = {}
Condition.__index = Condition

--- A condition that tasks can wait for and other tasks signal.
---@return lacre.condition
function condition.new()
  return setmetatable({ waiters = {} }, Condition)
end

-- who waits no longer is not kept
local function leave(waiters, task)
  for i = #waiters, 1, -1 do
    if waiters[i] == task then
      table.remove(waiters, i)
    end
  end
end

--- Waits until somebody notifies.
---@param seconds? number
---@return true?
---@return string|lacre.error? why "timeout", or canceled
function Condition:wait(seconds)
  if not scheduler.running() then
    options.misuse "condition:wait was called outside a task"
  elseif scheduler.current().canceled then
    return canceled()
  end
  local me = scheduler.current()
  self.waiters[#self.waiters + 1] = me
  local done, why = suspend(self, seconds)
  if not done then
    leave(self.waiters, me)
  end
  return done, why
end

--- Wakes everybody who waits.
function Condition:notify()
  local waiters = self.waiters
  if not waiters[1] then
    return
  end
  self.waiters = {}
  for _, task in ipairs(waiters) do
    if task.waits == self then
      scheduler.wake(task, true)
    end
  end
end

return condition
