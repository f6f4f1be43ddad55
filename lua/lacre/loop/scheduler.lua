--- loop.scheduler: tasks that take turns, and the one call of the system in which all of them wait.
--
-- Each task is a coroutine. Where it would block it yields, and says what for; whoever brings that
-- about wakes it. What the rest of lacre sees of this is `lacre.loop`, and through it `lacre.wait`.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"
local threads = require "lacre.loop.threads"
local timers = require "lacre.loop.timers"
local wait = require "lacre.wait"
local watched = require "lacre.loop.watched"

local fail = lacre_error.fail
local belongs, runs = threads.belongs, threads.runs
local monotonic, release, abandon, times = time.monotonic, watched.release, watched.abandon, timers.times
local resume, yield, running = coroutine.resume, coroutine.yield, coroutine.running

local scheduler = {}

---@class lacre.task
local Task = {}
Task.__index = Task
Task.__name = "lacre.task"

--- The methods of tasks, for `lacre.loop` to complete.
scheduler.Task = Task

local ready, count = {}, 0 -- tasks to resume in the next turn
local spare = {} -- the list of the last turn, to be filled again
local live = 0 -- tasks that have not ended
local current -- the task that runs now
local poller -- of the loop that runs
local stopping = false

local NOTHING = { n = 0 }

local function pack(...)
  local n = select("#", ...)
  return n > 0 and { n = n, ... } or NOTHING
end

-- its wait ends with these results
local function wake(task, a, b)
  if task.fd then
    release(task)
  end
  task.waits, task.deadline, task.a, task.b = false, false, a, b
  if task ~= current then -- it goes on already where 5.1 did not let it wait
    count = count + 1
    ready[count] = task
  end
end

--- Ends the wait of a task with some results.
---@param task lacre.task
scheduler.wake = wake

--- Called with the error of a task that nobody joins.
---@type fun(message: string)
scheduler.on_error = nil

local function tell_joiners(task)
  for _, joiner in ipairs(task.joiners) do
    if joiner.waits == task then
      wake(joiner, true)
    end
  end
end

local function finish(task, ok, ...)
  if not task.is_daemon then
    live = live - 1
  end
  abandon(task)
  task.done, task.ok, task.results = true, ok, pack(...)
  belongs[task.thread], task.thread = nil, false
  if task.joiners then
    tell_joiners(task)
  elseif not ok and not task.main then
    scheduler.on_error(tostring((...)))
  end
  stopping = stopping or task.main
end

--- Starts a task.
---@param fn function
---@return lacre.task
function scheduler.spawn(fn, ...)
  options.argument("spawn", 1, fn, "function")
  -- all fields of its life at once, for a table that grows is made anew; and eight at most, for more take twice the
  -- room
  local task = setmetatable({
    thread = false, waits = false, deadline = false, entry = false, fd = false, a = pack(...), b = fn,
  }, Task)
  live, count = live + 1, count + 1
  ready[count] = task
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
  return runs(current)
end

--- Whether a loop runs.
---@return boolean
function scheduler.is_open()
  return poller ~= nil
end

local function pause(task, reason, deadline)
  task.waits = reason
  if deadline then
    task.deadline = deadline == deadline and deadline or 0
    timers.set(task, task.deadline)
  end
  return yield()
end

--- Gives way until somebody wakes the task.
---@param reason any what it waits for
---@param seconds? number
---@return any ... what it is woken with; nil and "timeout"
function scheduler.suspend(reason, seconds)
  abandon(current)
  return pause(current, reason, seconds and monotonic() + seconds)
end

-- the scheduler of `wait`: false where the caller is none of the loop's tasks
local function wait_by(fd, events, deadline)
  local task = current
  if not task or belongs[running()] ~= task then
    return false
  elseif task.canceled then
    return scheduler.canceled()
  elseif task.waits then
    abandon(task)
  end
  local done, err = watched.await(task, fd, events)
  if done then
    return pause(task, events, deadline)
  elseif err then
    return nil, err
  end
  return events -- a file: it never blocks
end

threads.on_end = finish

local function run_ready()
  local batch, size = ready, count
  ready, count = spare, 0
  for i = 1, size do
    local task, ok, why = batch[i]
    batch[i], current = nil, task
    if task.thread then
      ok, why = resume(task.thread, task.a, task.b)
    else
      ok, why = threads.begin(task)
    end
    if not ok then
      finish(task, false, lacre_error.is(why) and why or tostring(why))
    end
  end
  current, spare = nil, batch
end

local function expire(task)
  if task.waits then
    wake(task, nil, "timeout")
  end
end

local found = {}

-- waits for what comes first, but not where somebody can go on
local function poll_once()
  local soonest, busy = times[1], count > 0
  if not busy and not soonest and watched.is_empty() then
    error("deadlock: every task waits for another", 0)
  end
  local size, now = poller:wait(busy and 0 or soonest, found)
  if not size then
    lacre_error.assert(nil, now)
  end
  watched.dispatch(found, size)
  if soonest and soonest <= now then
    timers.expire(now, expire)
  end
end

--- Lets tasks take turns until the one with the field `main` ends, or all have.
function scheduler.drive()
  while live > 0 and not stopping do
    poll_once()
    run_ready()
    if count > 0 then
      run_ready() -- those whom these have spawned or woken, before the next look at what is ready
    end
  end
end

--- Opens what tasks wait in.
function scheduler.open()
  poller, stopping = lacre_error.assert(core.poller.new()), false
  watched.begin(poller, wake)
  wait.scheduler, wait.closing = wait_by, watched.closing
end

--- Closes it, and forgets every task.
function scheduler.close()
  poller:close()
  ready, spare, count = {}, {}, 0
  live, stopping, poller, current = 0, false, nil, nil
  wait.scheduler, wait.closing = nil, nil
  threads.clear()
  watched.clear()
  timers.clear()
end

--- Ends `drive` after the current turn.
function scheduler.stop()
  stopping = true
end

return scheduler
