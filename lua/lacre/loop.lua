--- loop: many connections in one thread.
--
-- Each task is a coroutine. Where a connection would block, its task yields and the others go on;
-- the loop itself waits in one call of the system (epoll, kqueue, poll), which costs what is ready
-- and not what waits. Only what tools and tests need: it is no framework.

local condition = require "lacre.loop.condition"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local protected = require "lacre.loop.protected"
local scheduler = require "lacre.loop.scheduler"
local task = require "lacre.loop.task"
local time = require "lacre.time"
local traps = require "lacre.loop.traps"
local wait = require "lacre.wait"

local unpack = table.unpack or unpack -- luacheck: ignore
local fail = lacre_error.fail
local suspend, canceled = scheduler.suspend, scheduler.canceled
local must_run = task.must_run

local loop = {}

local function pack(...)
  return { n = select("#", ...), ... }
end

--- Called with the error of a task that nobody joins; by default a line on stderr.
---@param message string
function loop.on_error(message)
  io.stderr:write("lacre: error in a task: ", message, "\n")
end

function scheduler.on_error(message)
  loop.on_error(message)
end

--- Starts a task. It runs as soon as the caller waits.
---@param fn function
---@param ... any its arguments
---@return lacre.task
loop.spawn = scheduler.spawn

--- Whether the caller runs inside a task.
---@return boolean
loop.running = scheduler.running

--- The loop's monotonic clock, in seconds; only differences are meaningful.
loop.now = time.monotonic

--- Sleeps; other tasks run meanwhile.
---@param seconds number
---@return true? done
---@return lacre.error? err canceled
function loop.sleep(seconds)
  must_run "sleep"
  options.argument("sleep", 1, seconds, "number")
  if scheduler.current().canceled then
    return canceled()
  end
  local _, why = suspend(true, seconds > 0 and seconds or 0)
  if why == "timeout" then
    return true
  end
  return nil, why
end

--- Calls a function inside the running loop, or starts a loop for it.
---@param fn function
---@param ... any its arguments
---@return any ... what it returned
function loop.enter(fn, ...)
  if loop.running() then
    return fn(...)
  end
  return loop.run(fn, ...)
end

local kinds_of_events = { r = true, w = true, rw = true }

local function can_be_polled(object)
  local kind = type(object)
  return (kind == "table" or kind == "userdata") and io.type(object) == nil and object.pollfd ~= nil
end

--- Waits for a descriptor, or an object with `pollfd` and `events`.
---@param object integer|table
---@param events? string "r", "w" or "rw"
---@param seconds? number
---@return string? events
---@return string|lacre.error? why "timeout" or an error
function loop.wait(object, events, seconds)
  local fd = object
  if type(object) ~= "number" then
    options.expect("wait", 1, can_be_polled(object), "descriptor, or object with pollfd", object)
    fd, events, seconds = object:pollfd(), events or object:events(), seconds or object:timeout()
  end
  events = events or "r"
  options.expect("wait", 2, kinds_of_events[events], "r, w or rw", events)
  if fd < 0 then
    return fail("read", "closed", "the descriptor is closed")
  end
  return wait.ready(fd, events, seconds)
end

--- A condition that tasks can wait for and other tasks signal.
---@return lacre.condition
loop.condition = condition.new

--- Calls a function, as a task, on each signal while a loop runs; nil removes it.
---@param name "INT"|"TERM"|"HUP"|"USR1"|"USR2"|"CHLD"|"QUIT"|"WINCH"
---@param fn? fun(name: string)
loop.on_signal = traps.set

local function drive()
  traps.begin()
  scheduler.drive()
end

--- Runs a function as a task, and everything it spawns, until the function ends. Tasks that still
--- run then are dropped. Without a function it runs until every spawned task has ended.
---@param fn? function
---@param ... any its arguments
---@return any ... what the function returned; its error is raised
function loop.run(fn, ...)
  if scheduler.is_open() then
    options.misuse "loop.run was called inside loop.run"
  elseif fn ~= nil then
    options.argument("run", 1, fn, "function")
  end
  scheduler.open()
  local main = fn and loop.spawn(fn, ...)
  if main then
    main.main = true
  end
  local ok, why = pcall(drive)
  scheduler.close()
  traps.finish()
  if not ok then
    error(why, 0)
  elseif main and main.done and not main.ok then
    error(main.results[1], 0)
  elseif main and main.done then
    return unpack(main.results, 1, main.results.n)
  end
end

--- Ends the loop after the current turn.
loop.stop = scheduler.stop

local map_schema = { concurrency = { type = options.at_least(1), default = 16 } }

--- Runs a function over a list, several items at a time.
---@param list any[]
---@param fn fun(item: any, index: integer): any
---@param given? { concurrency?: integer } 16 by default
---@return any[] results in the order of the list; an error becomes `{ err = ... }`
function loop.map(list, fn, given)
  must_run "map"
  options.argument("map", 1, list, "table")
  options.argument("map", 2, fn, "function")
  local set = options.check(map_schema, given, "loop.map")
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

--- Runs a function, and cancels it after a time limit.
---@param seconds number
---@param fn function
---@param ... any its arguments
---@return any ... what it returned, or nil and an error `timeout`
function loop.with_timeout(seconds, fn, ...)
  must_run "with_timeout"
  options.argument("with_timeout", 1, seconds, "number")
  local started = loop.spawn(fn, ...)
  local results = pack(started:join(seconds))
  if not started.done then
    started:cancel()
    return fail("read", "timeout", "not done within %g s", seconds)
  end
  return unpack(results, 1, results.n)
end

--- Like pcall, but the function may wait on every Lua version.
---@param fn function
---@param ... any its arguments
---@return boolean ok
---@return any ... what it returned, or the error it raised
loop.pcall = protected.call

return loop
