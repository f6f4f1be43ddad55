--- loop: many connections in one thread.
--
-- Each task is a coroutine. Where a connection would block, its task yields and the others go on;
-- the loop itself waits in one call of the system (epoll, kqueue, poll), which costs what is ready
-- and not what waits. Only what tools and tests need: it is no framework.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"
local timers = require "lacre.timers"
local wait = require "lacre.wait"

local unpack = table.unpack or unpack -- luacheck: ignore
local fail = lacre_error.fail
local monotonic = time.monotonic
local resume, yield, running = coroutine.resume, coroutine.yield, coroutine.running

local loop = {}

---@class lacre.task
local Task = {}
Task.__index = Task
Task.__name = "lacre.task"

local ready, first, last = {}, 1, 0 -- a queue of tasks to resume
local readers, writers = {}, {} -- by descriptor: the task that waits for it
local awaited = 0 -- how many tasks wait for a descriptor
local live = 0 -- tasks that have not ended
local current -- the task that runs now
local belongs = setmetatable({}, { __mode = "k" }) -- thread -> its task
local poller -- of the loop that runs
local stopping = false
local signal_handlers, signal_task = {}, nil

local function pack(...)
  return { n = select("#", ...), ... }
end

local function enqueue(task)
  last = last + 1
  ready[last] = task
end

-- a task waits for a descriptor no longer
local function release(task)
  local fd = task.fd
  if not fd then
    return
  end
  task.fd = nil
  awaited = awaited - 1
  if readers[fd] == task then
    readers[fd] = nil
  end
  if writers[fd] == task then
    writers[fd] = nil
  end
end

-- its wait ends with these results
local function wake(task, a, b)
  release(task)
  task.waits, task.deadline = false, nil
  task.a, task.b = a, b
  enqueue(task)
end

--- Called with the error of a task that nobody joins; by default a line on stderr.
---@param message string
function loop.on_error(message)
  io.stderr:write("lacre: error in a task: ", message, "\n")
end

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
    loop.on_error(tostring((...)))
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

--- Starts a task. It runs as soon as the one that calls waits.
---@param fn function
---@return lacre.task
function loop.spawn(fn, ...)
  local thread = coroutine.create(fn)
  local task = setmetatable({ thread = thread, args = pack(...), waits = false }, Task)
  belongs[thread] = task
  live = live + 1
  enqueue(task)
  return task
end

local function canceled()
  return fail("read", "canceled", "the task was canceled")
end

local function occupied(fd, events)
  local both = events == "rw"
  return (both or events == "r") and readers[fd] or (both or events == "w") and writers[fd]
end

-- what is watched is the union of what a reader and a writer wait for
local function watch(fd)
  return poller:watch(fd, readers[fd] and (writers[fd] and "rw" or "r") or "w")
end

local function await(task, fd, events)
  if occupied(fd, events) then
    error(("two tasks wait for descriptor %d"):format(fd), 0)
  end
  task.fd, awaited = fd, awaited + 1
  if events ~= "w" then
    readers[fd] = task
  end
  if events ~= "r" then
    writers[fd] = task
  end
  local watched, err = watch(fd)
  if not watched then
    release(task)
  end
  return watched, err
end

-- gives way until somebody wakes the task; `reason` is what it waits for
local function suspend(reason, seconds)
  local task = current
  task.waits = reason
  if seconds then
    task.deadline = monotonic() + seconds
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
    return canceled()
  end
  local watched, err = await(task, fd, events)
  if watched then
    return suspend(true, seconds)
  elseif err then
    return nil, err
  end
  return events -- a file: it never blocks
end

-- whoever waits for a descriptor that is closed now finds that out
local function closing(fd)
  local reader, writer = readers[fd], writers[fd]
  if reader then
    wake(reader, "r")
  end
  if writer and writer ~= reader then
    wake(writer, "w")
  end
end

--- Whether the caller runs inside a task.
---@return boolean
function loop.running()
  return current ~= nil and belongs[running()] == current
end

--- Seconds of the loop's clock; only differences mean something.
loop.now = monotonic

local function must_run(name)
  if not loop.running() then
    options.misuse("loop.%s is called outside of a task", name)
  end
end

--- Lets the other tasks run for some time.
---@param seconds number
---@return true? done
---@return lacre.error? err canceled
function loop.sleep(seconds)
  must_run "sleep"
  if current.canceled then
    return canceled()
  end
  local _, why = suspend(true, math.max(0, seconds))
  if why == "timeout" then
    return true
  end
  return nil, why
end

--- Waits for a descriptor, or an object with `pollfd` and `events`.
---@param object integer|table
---@param events? string "r", "w" or "rw"
---@param seconds? number
---@return string? events
---@return string|lacre.error? why "timeout" or an error
function loop.wait(object, events, seconds)
  if type(object) == "number" then
    return wait.ready(object, events or "r", seconds)
  end
  return wait.ready(object:pollfd(), events or object:events(), seconds or object:timeout())
end

--- Waits for the end of a task.
---@param seconds? number
---@return any ... what its function returned, or nil and the error it raised, or nil and `timeout`
function Task:join(seconds)
  must_run "join"
  if not self.done then
    self.joiners = self.joiners or {}
    table.insert(self.joiners, current)
    local done, why = suspend(self, seconds)
    if why == "timeout" then
      return fail("read", "timeout", "the task did not end in time")
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
    wake(self, canceled())
  end
  return true
end

---@return "running"|"done"|"failed"
function Task:status()
  return not self.done and "running" or self.ok and "done" or "failed"
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

local function dispatch(fd, events)
  local reader, writer = readers[fd], writers[fd]
  if reader and events ~= "w" then
    wake(reader, events)
  end
  if writer and writer ~= reader and events ~= "r" then
    wake(writer, events)
  end
  if readers[fd] or writers[fd] then
    watch(fd) -- the other half still waits
  end
end

local found = {}

local function poll_once()
  local soonest = timers.next()
  local seconds = first <= last and 0 or soonest and math.max(0, soonest - monotonic())
  local count = lacre_error.assert(poller:wait(seconds, found))
  for i = 1, count, 2 do
    dispatch(found[i], found[i + 1])
  end
  if soonest then
    timers.expire(monotonic(), expire)
  end
end

local function drive(main)
  while live > 0 and not stopping and not (main and main.done) do
    run_ready()
    if live > 0 and not stopping and not (main and main.done) then
      if first > last and awaited == 0 and not timers.next() then
        error("every task waits for another", 0)
      end
      poll_once()
    end
  end
end

local function open_poller()
  poller = lacre_error.assert(core.poller.new())
  wait.scheduler, wait.closing = wait_ready, closing
end

local function forget_all()
  poller:close()
  ready, first, last, readers, writers, awaited = {}, 1, 0, {}, {}, 0
  live, stopping, poller, current, signal_task = 0, false, nil, nil, nil
  wait.scheduler, wait.closing = nil, nil
  -- tasks that the main one did not wait for are the collector's, also where keys are not weak enough (5.1)
  for thread in pairs(belongs) do
    belongs[thread] = nil
  end
  timers.clear()
end

-- conditions --------------------------------------------------------------------------------

---@class lacre.condition
local Condition = {}
Condition.__index = Condition

--- Something to wait for that only other tasks can bring about.
---@return lacre.condition
function loop.condition()
  return setmetatable({ waiters = {} }, Condition)
end

--- Waits until somebody notifies.
---@param seconds? number
---@return true?
---@return string|lacre.error? why "timeout", or canceled
function Condition:wait(seconds)
  must_run "condition"
  if current.canceled then
    return canceled()
  end
  self.waiters[#self.waiters + 1] = current
  return suspend(self, seconds)
end

--- Wakes everybody who waits.
function Condition:notify()
  local waiters = self.waiters
  self.waiters = {}
  for _, task in ipairs(waiters) do
    if task.waits == self then
      wake(task, true)
    end
  end
end

-- signals -----------------------------------------------------------------------------------


-- runs beside the others and keeps no loop alive
local function watch_signals()
  while next(signal_handlers) do
    local name = core.signals.take()
    local handler = name and signal_handlers[name]
    if handler then
      loop.spawn(handler, name)
    elseif not name then
      wait.ready(core.signals.fd(), "r")
    end
  end
  signal_task = nil
end

local function start_watching()
  if next(signal_handlers) and poller and not signal_task then
    signal_task = loop.spawn(watch_signals)
    signal_task.is_daemon = true
    live = live - 1
  end
end

--- Calls a function, as a task, whenever a signal comes while a loop runs; nil stops that.
---@param name "INT"|"TERM"|"HUP"|"USR1"|"USR2"|"CHLD"|"QUIT"|"WINCH"
---@param fn? fun(name: string)
function loop.on_signal(name, fn)
  if fn == nil then
    core.signals.forget(name)
  else
    lacre_error.assert(core.signals.watch(name))
  end
  signal_handlers[name] = fn
  start_watching()
end

--- Runs a function as a task, and everything it spawns, until the function ends. Tasks that still
--- run then are dropped. Without a function it runs until every spawned task has ended.
---@param fn? function
---@return any ... what the function returned; its error is raised
function loop.run(fn, ...)
  if poller then
    options.misuse "loop.run is called inside of loop.run"
  end
  open_poller()
  start_watching()
  local main = fn and loop.spawn(fn, ...)
  if main then
    main.main = true
  end
  local ok, why = pcall(drive, main)
  forget_all()
  if not ok then
    error(why, 0)
  elseif main and main.done and not main.ok then
    error(main.results[1], 0)
  elseif main and main.done then
    return unpack(main.results, 1, main.results.n)
  end
end

--- Ends the loop after the current turn.
function loop.stop()
  stopping = true
end

--- Runs a function over a list, some at once.
---@param list any[]
---@param fn fun(item: any, index: integer): any
---@param given? { concurrency?: integer } 16 by default
---@return any[] results in the order of the list; an error becomes `{ err = ... }`
function loop.map(list, fn, given)
  must_run "map"
  local set = options.check({ concurrency = { type = "integer", default = 16 } }, given, "loop.map")
  local results, at, workers = {}, 0, {}
  local function work()
    while at < #list do
      at = at + 1
      local index = at
      local ok, value, err = loop.pcall(fn, list[index], index)
      if not ok then
        err, value = value, nil
      end
      results[index] = value == nil and { err = err } or value
    end
  end
  for i = 1, math.min(set.concurrency, #list) do
    workers[i] = loop.spawn(work)
  end
  for _, worker in ipairs(workers) do
    worker:join()
  end
  return results
end

--- Runs a function and cancels it after some time.
---@param seconds number
---@param fn function
---@return any ... what it returned, or nil and an error `timeout`
function loop.with_timeout(seconds, fn, ...)
  must_run "with_timeout"
  local task = loop.spawn(fn, ...)
  local results = pack(task:join(seconds))
  if not task.done then
    task:cancel()
    return fail("read", "timeout", "not done within %g s", seconds)
  end
  return unpack(results, 1, results.n)
end

local function forward(thread, ok, ...)
  if ok and coroutine.status(thread) == "suspended" then
    return forward(thread, resume(thread, yield(...)))
  end
  return ok, ...
end

local function forget(thread, ...)
  belongs[thread] = nil
  return ...
end

-- PUC 5.1 cannot yield across pcall: there the function runs as a coroutine whose yields are passed on
local function pcall_51(fn, ...)
  local outer, thread = running(), coroutine.create(fn)
  if not outer then
    return pcall(fn, ...)
  end
  belongs[thread] = belongs[outer]
  return forget(thread, forward(thread, resume(thread, ...)))
end

--- pcall that may be yielded across on every Lua.
---@type fun(fn: function, ...: any): boolean, any
loop.pcall = _VERSION == "Lua 5.1" and not rawget(_G, "jit") and pcall_51 or pcall

return loop
