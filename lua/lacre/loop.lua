--- loop: many connections in one thread.
--
-- Each task is a coroutine. Where a connection would block, its task yields and the others go on;
-- the loop itself waits in one poll(2). Only what tools and tests need: it is no framework.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"
local wait = require "lacre.wait"

local unpack = table.unpack or unpack -- luacheck: ignore

local loop = {}

local ready = {} -- tasks to resume, in order: { task, n, values ... }
local waiting = {} -- tasks that wait for a descriptor, a time or a task
local live = 0 -- tasks that have not ended
local current -- the task that runs now
local depth = 0 -- loop.run inside loop.run is refused
local stopping = false

---@class lacre.task
local Task = {}
Task.__index = Task
Task.__name = "lacre.task"

local function pack(...)
  return { n = select("#", ...), ... }
end

local function make_ready(task, ...)
  waiting[task] = nil
  task.fd, task.deadline = nil, nil
  ready[#ready + 1] = { task, pack(...) }
end

--- Called with the error of a task that nobody joins; by default a line on stderr.
---@param message string
function loop.on_error(message)
  io.stderr:write("lacre: error in a task: ", message, "\n")
end

local function finish(task, ok, ...)
  live = live - 1
  task.done, task.ok, task.results = true, ok, pack(...)
  for _, joiner in ipairs(task.joiners) do
    make_ready(joiner, true)
  end
  if not ok and #task.joiners == 0 and not task.main then
    loop.on_error(tostring((...)))
  end
end

local function after_resume(task, ok, ...)
  if not ok then
    local message = ...
    finish(task, false, lacre_error.is(message) and message or tostring(message))
  elseif coroutine.status(task.thread) == "dead" then
    finish(task, true, ...)
  end
end

local function resume(task, values)
  local outer = current
  current = task
  after_resume(task, coroutine.resume(task.thread, unpack(values, 1, values.n)))
  current = outer
end

--- Starts a task. It runs as soon as the one that calls waits.
---@param fn function
---@return lacre.task
function loop.spawn(fn, ...)
  local task = setmetatable({ thread = coroutine.create(fn), joiners = {}, done = false }, Task)
  live = live + 1
  make_ready(task, ...)
  return task
end

local function suspend(fd, events, seconds)
  local task = current
  if task.canceled then
    return lacre_error.fail("read", "canceled", "the task was canceled")
  end
  task.fd, task.events = fd, events
  task.deadline = seconds and time.monotonic() + seconds
  waiting[task] = true
  return coroutine.yield()
end

--- Whether the caller runs inside a task.
---@return boolean
function loop.running()
  return current ~= nil
end

--- Seconds of the loop's clock; only differences mean something.
loop.now = time.monotonic

local function must_run(name)
  if not current then
    error(("loop.%s is called outside of loop.run"):format(name), 3)
  end
end

--- Lets the other tasks run for some time.
---@param seconds number
---@return true? done
---@return lacre.error? err canceled
function loop.sleep(seconds)
  must_run "sleep"
  local _, why = suspend(nil, nil, math.max(0, seconds))
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
---@return any ... what its function returned, or nil and the error it raised
function Task:join(seconds)
  must_run "join"
  if not self.done then
    self.joiners[#self.joiners + 1] = current
    local done, why = suspend(nil, nil, seconds)
    if not done then
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
  if waiting[self] then
    make_ready(self, lacre_error.fail("read", "canceled", "the task was canceled"))
  end
  return true
end

---@return "running"|"done"|"failed"
function Task:status()
  return not self.done and "running" or self.ok and "done" or "failed"
end

local function run_ready()
  local batch = ready
  ready = {}
  for _, entry in ipairs(batch) do
    if not entry[1].done then
      resume(entry[1], entry[2])
    end
  end
end

-- what poll is asked: the descriptors, whose they are, and the time to the next deadline
local function next_wait()
  local set, owners, soonest = {}, {}, nil
  for task in pairs(waiting) do
    if task.fd then
      set[#set + 1], set[#set + 2] = task.fd, task.events
      owners[#owners + 1] = task
    end
    if task.deadline and (not soonest or task.deadline < soonest) then
      soonest = task.deadline
    end
  end
  return set, owners, soonest and math.max(0, soonest - time.monotonic())
end

local function expire()
  local now, late = time.monotonic(), {}
  for task in pairs(waiting) do
    if task.deadline and task.deadline <= now then
      late[#late + 1] = task
    end
  end
  for _, task in ipairs(late) do
    make_ready(task, nil, "timeout")
  end
end

local function poll_once()
  local set, owners, seconds = next_wait()
  if #ready > 0 then
    seconds = 0
  end
  local found = lacre_error.assert(core.poller.poll(set, seconds))
  for i = 1, #found, 2 do
    local task = owners[found[i]]
    if waiting[task] then
      make_ready(task, found[i + 1])
    end
  end
  expire()
end

local function turn()
  run_ready()
  if live > 0 and not stopping and (#ready > 0 or next(waiting)) then
    poll_once()
  end
end

local function drive(main)
  while live > 0 and not stopping and not (main and main.done) do
    if #ready == 0 and not next(waiting) then
      error("every task waits for another", 0)
    end
    turn()
  end
end

local function forget_all()
  ready, waiting, live, stopping, depth = {}, {}, 0, false, 0
  wait.scheduler = nil
end

--- Runs a function as a task, and everything it spawns, until the function ends. Tasks that still
--- run then are dropped. Without a function it runs until every spawned task has ended.
---@param fn? function
---@return any ... what the function returned; its error is raised
function loop.run(fn, ...)
  if depth > 0 then
    error("loop.run is called inside of loop.run", 2)
  end
  depth = 1
  wait.scheduler = function(fd, events, seconds)
    return current ~= nil and suspend(fd, events, seconds)
  end
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
    return lacre_error.fail("read", "timeout", "not done within %g s", seconds)
  end
  return unpack(results, 1, results.n)
end

local function forward(thread, ok, ...)
  if ok and coroutine.status(thread) == "suspended" then
    return forward(thread, coroutine.resume(thread, coroutine.yield(...)))
  end
  return ok, ...
end

-- PUC 5.1 cannot yield across pcall: there the function runs as a coroutine whose yields are passed on
local function pcall_51(fn, ...)
  local thread = coroutine.create(fn)
  return forward(thread, coroutine.resume(thread, ...))
end

--- pcall that may be yielded across on every Lua.
---@type fun(fn: function, ...: any): boolean, any
loop.pcall = _VERSION == "Lua 5.1" and not rawget(_G, "jit") and pcall_51 or pcall

return loop
