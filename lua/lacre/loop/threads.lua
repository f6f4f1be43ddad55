--- loop.threads: the coroutines that tasks run in.
--
-- One whose task has ended waits for the next task, and holds nothing meanwhile: a new one, and the stack that it
-- grows, would cost more.

local resume, yield, running = coroutine.resume, coroutine.yield, coroutine.running
local unpack = table.unpack or unpack -- luacheck: ignore

local threads = {}

local MOST_IDLE = 16
local belongs = setmetatable({}, { __mode = "k" }) -- thread -> its task
local idle = {}
local run

--- The task of a thread: where one calls another across pcall, both are the task's.
---@type table<thread, lacre.task>
threads.belongs = belongs

local function rest()
  if #idle == MOST_IDLE then
    return
  end
  idle[#idle + 1] = running()
  return run(yield())
end

function run(on_end, task, ...)
  on_end(task, true, task.fn(...))
  return rest()
end

--- Calls the function of a task in a thread, which becomes `task.thread`, with `task.args`, as far as it goes.
---@param task lacre.task
---@param on_end fun(task: lacre.task, ok: true, ...: any) called in the thread with what the function returned
---@return boolean ok false: it raised
---@return any why
function threads.begin(task, on_end)
  local thread, args = table.remove(idle) or coroutine.create(run), task.args
  belongs[thread], task.thread, task.args = task, thread, false
  return resume(thread, on_end, task, unpack(args, 1, args.n))
end

--- Whether the caller runs in a thread of a task, and not in a coroutine of its own below one.
---@param task? lacre.task
---@return boolean
function threads.runs(task)
  return task ~= nil and belongs[running()] == task
end

--- Forgets everything.
function threads.clear()
  idle = {}
  -- tasks that nobody waited for are the collector's, also where keys are not weak enough (5.1)
  for thread in pairs(belongs) do
    belongs[thread] = nil
  end
end

return threads
