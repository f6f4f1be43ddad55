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

--- Called in the thread of a task with what its function returned.
---@type fun(task: lacre.task, ok: true, ...: any)
threads.on_end = nil

local function rest()
  if #idle == MOST_IDLE then
    return
  end
  idle[#idle + 1] = running()
  return run(yield())
end

local function ended(...)
  threads.on_end(belongs[running()], true, ...)
  return rest()
end

local function arguments(task)
  local args = task.a
  task.a, task.b = false, false
  return unpack(args, 1, args.n)
end

-- few registers, for they lie below whatever the task calls: its stack grows by doubling
function run(task)
  return ended(task.b(arguments(task)))
end

--- Calls the function of a task, `task.b`, in a thread, which becomes `task.thread`, with the arguments in `task.a`, as
--- far as it goes.
---@param task lacre.task
---@return boolean ok false: it raised
---@return any why
function threads.begin(task)
  local thread = table.remove(idle) or coroutine.create(run)
  belongs[thread], task.thread = task, thread
  return resume(thread, task)
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
