--- loop.scheduler: tasks that take turns, and the one call of the system in which all of them wait.
--
-- Each task is a coroutine. Where it would block it yields, and says what for; whoever brings that
-- about wakes it. What the rest of lacre sees of this is `lacre.loop`, and through it `lacre.wait`.

local core = require "lacre.core"
local create_thread = require "lacre.loop.thread"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"
local timers = require "lacre.loop.timers"
local wait = require "lacre.wait"
local watched = require "lacre.loop.watched"

local unpack = table.unpack or unpack -- luacheck: ignore
local fail = lacre_error.fail
local monotonic = time.monotonic
local resume, yield, running = coroutine.resume, coroutine.yield, coroutine.running

local scheduler = {}

---@class lacre.task
local Task = {}
Task.__index = Task
Task.__name = "lacre.task"

--- The methods of tasks, for `lacre.loop` to complete.
scheduler.Task = Task

local ready, first, last = {}, 1, 0 -- a queue of tasks to resume
local live = 0 -- tasks that have not ended
local current -- the task that runs now
local belongs = setmetatable({}, { __mode = "k" }) -- thread -> its task
local poller -- of the loop that runs
local stopping = false

--- The thread a task's coroutine stands for: where one calls another across pcall, both are the task's.
scheduler.belongs = belongs

local function pack(...)
  return { n = select("#", ...), ... }
end

local function enqueue(task)
  last = last + 1
  ready[last] = task
end

-- its wait ends with these results
local function wake(task, a, b)
  watched.release(task)
  task.waits, task.deadline = false, nil
  task.a, task.b = a, b
  enqueue(task)
end

--- Ends the wait of a task with some results.
---@param task lacre.task
scheduler.wake = wake

--- Called with the error of a task that nobody joins.
---@type fun(message: string)
scheduler.on_error = nil

local function finish(task, ok, ...)
  if not task.is_daemon then
    live = live - 1
  end
  task.done, task.ok, task.results = true, ok, pack(...)
  belongs[task.thread], task.thread = nil, nil
  for _, joiner in ipairs(task.joiners or {}) do
    if joiner.waits == task then
      wake(joiner, true)
    end
  end
  if not ok and not task.joiners and not task.main then
    scheduler.on_error(tostring((...)))
  end
end

local function after_resume(task, ok, ...)
  current = nil
  if not ok then
    local message = ...
    finish(task, false, lacre_error.is(message) and message or tostring(message))
  elseif coroutine.status(task.thread) == "dead" then
    finish(task, true, ...)
  end
end

local function step(task)
  current = task
  local args = task.args
  if args then
    task.args = nil
    return after_resume(task, resume(task.thread, unpack(args, 1, args.n)))
  end
  local a, b = task.a, task.b
  task.a, task.b = nil, nil
  return after_resume(task, resume(task.thread, a, b))
end

--- Starts a task.
---@param fn function
---@return lacre.task
function scheduler.spawn(fn, ...)
  options.argument("spawn", 1, fn, "function")
  local thread = create_thread(fn)
  local task = setmetatable({ thread = thread, args = pack(...), waits = false }, Task)
  belongs[thread] = task
  live = live + 1
  enqueue(task)
  return task
end

--- Lets a task go on beside the others and keep no loop alive.
---@param task lacre.task
function scheduler.make_daemon(task)
  task.is_daemon = true
  live = live - 1
end

--- What the waits of a canceled task return.
---@return nil
---@return lacre.error err canceled
function scheduler.canceled()
  return fail("read", "canceled", "the task was canceled")
end

--- The task that runs now, or nil.
---@return lacre.task?
function scheduler.current()
  return current
end

--- Whether the caller runs inside a task, and not in a coroutine of its own below one.
---@return boolean
function scheduler.running()
  return current ~= nil and belongs[running()] == current
end

--- Whether a loop runs.
---@return boolean
function scheduler.is_open()
  return poller ~= nil
end

--- Gives way until somebody wakes the task.
---@param reason any what it waits for
---@param seconds? number
---@return any ... what it is woken with; nil and "timeout"
function scheduler.suspend(reason, seconds)
  local task = current
  task.waits = reason
  if seconds then
    task.deadline = monotonic() + (seconds == seconds and seconds or 0)
    timers.set(task, task.deadline)
  end
  return yield()
end

-- the scheduler of `wait`: false where the caller is none of the loop's tasks
local function wait_ready(fd, events, seconds)
  local task = current
  if not task or belongs[running()] ~= task then
    return false
  elseif task.canceled then
    return scheduler.canceled()
  end
  local done, err = watched.await(task, fd, events)
  if done then
    return scheduler.suspend(true, seconds)
  elseif err then
    return nil, err
  end
  return events -- a file: it never blocks
end

local function run_ready()
  local stop = last
  while first <= stop do
    local task = ready[first]
    ready[first] = nil
    first = first + 1
    step(task)
  end
  if first > last then
    first, last = 1, 0
  end
end

local function expire(task)
  if task.waits then
    wake(task, nil, "timeout")
  end
end

local found = {}

local function poll_once()
  local soonest = timers.next()
  local seconds = first <= last and 0 or soonest and math.max(0, soonest - monotonic())
  watched.dispatch(found, lacre_error.assert(poller:wait(seconds, found)))
  if soonest then
    timers.expire(monotonic(), expire)
  end
end

--- Lets tasks take turns until one of them ends, or all have.
---@param main? lacre.task
function scheduler.drive(main)
  while live > 0 and not stopping and not (main and main.done) do
    run_ready()
    if live > 0 and not stopping and not (main and main.done) then
      if first > last and watched.count() == 0 and not timers.next() then
        error("deadlock: every task waits for another", 0)
      end
      poll_once()
    end
  end
end

--- Opens what tasks wait in.
function scheduler.open()
  poller, stopping = lacre_error.assert(core.poller.new()), false
  watched.begin(poller, wake)
  wait.scheduler, wait.closing = wait_ready, watched.closing
end

--- Closes it, and forgets every task.
function scheduler.close()
  poller:close()
  ready, first, last = {}, 1, 0
  live, stopping, poller, current = 0, false, nil, nil
  wait.scheduler, wait.closing = nil, nil
  -- tasks that the main one did not wait for are the collector's, also where keys are not weak enough (5.1)
  for thread in pairs(belongs) do
    belongs[thread] = nil
  end
  watched.clear()
  timers.clear()
end

--- Ends `drive` after the current turn.
function scheduler.stop()
  stopping = true
end

return scheduler
