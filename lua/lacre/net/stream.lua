--- net.stream: time limits, and reading, the same for plain sockets and TLS connections.

local lacre_error = require "lacre.error"
local options = require "lacre.options"
local reader = require "lacre.net.reader"
local time = require "lacre.time"
local wait = require "lacre.wait"

local fail = lacre_error.fail
local by, monotonic = wait.by, time.monotonic

local stream = {}

---@class lacre.stream: lacre.reader
local Stream = { deadline = false }
for name, value in pairs(reader) do
  Stream[name] = value
end

stream.methods = Stream

local events_of = { want_read = "r", want_write = "w" }

--- What a step of the core waits for, or nil when it failed.
stream.events_of = events_of

--- A duration that was given as an argument; raises what is none.
---@param value number|string
---@param what string
---@return number seconds
function stream.seconds(value, what)
  local seconds, err = time.duration(value)
  if not seconds then
    options.misuse("bad argument #1 to '%s' (%s)", what, err.message)
  end
  return seconds
end

local function ask(waiter, fd, events, deadline)
  if waiter then
    return waiter(fd, events, deadline and deadline - monotonic())
  end
  return by(fd, events, deadline)
end

local function failure(why, stage, code)
  if lacre_error.is(why) then
    return nil, why
  end
  return fail(stage, code, code == "timeout" and "the time limit was reached" or "no answer in time")
end

--- Waits for what a step wants, until a deadline.
---@param socket any core socket
---@param want "want_read"|"want_write"
---@param deadline? number monotonic
---@param code string the error when time runs out
---@param stage string
---@param waiter? fun(fd: integer, events: string, seconds: number?): string?, any instead of `wait.by`
---@return true? ready
---@return lacre.error? err
function stream.await(socket, want, deadline, code, stage, waiter)
  if deadline and deadline <= monotonic() then
    return failure("timeout", stage, code)
  end
  local ready, why = ask(waiter, socket:fd(), events_of[want], deadline)
  if ready then
    return true
  end
  return failure(why, stage, code)
end

--- An end of a socket: "address", its own, or "peer".
---@param socket any core socket
---@param which "address"|"peer"
---@return string? address
---@return integer|lacre.error|nil port or err closed
function stream.place(socket, which)
  if socket:fd() < 0 then
    return fail("read", "closed", "the socket is closed")
  end
  return socket[which](socket)
end

--- When an operation that begins now has to end, or nil.
---@return number? monotonic
function stream.deadline_of(self)
  local deadline = self.io_timeout and monotonic() + self.io_timeout or nil
  if self.deadline and (not deadline or self.deadline < deadline) then
    return self.deadline
  end
  return deadline
end

--- The same for readers.
---@package
Stream.time_limit = stream.deadline_of

--- Limits of what `read` buffers: `line` (8192) and `all` (64 MiB), in bytes.
---@param given { line?: integer, all?: integer }
function Stream:set_limits(given)
  local set = options.check({ line = { type = "integer" }, all = { type = "integer" } }, given, "set_limits")
  self.limits = { line = set.line or self.limits.line, all = set.all or self.limits.all }
end

--- A time limit for each read and write; false for none.
---@param seconds number|string|false
function Stream:set_timeout(seconds)
  self.io_timeout = seconds and stream.seconds(seconds, "set_timeout")
end

--- A point in time after which every operation fails with `timeout`; nil for none.
---@param instant? number of `lacre.loop.now`
function Stream:set_deadline(instant)
  if instant ~= nil and type(instant) ~= "number" then
    options.misuse("bad argument #1 to 'set_deadline' (number expected, got %s)", type(instant))
  end
  self.deadline = instant or false
end

--- Seconds to the deadline, or nil.
---@return number?
function Stream:timeout()
  return self.deadline and math.max(0, self.deadline - time.monotonic()) or nil
end

--- Strings and numbers as one string: TLS costs a record what it costs a byte.
---@return string
function stream.joined(first, ...)
  if select("#", ...) == 0 and type(first) == "string" then
    return first
  end
  local parts = { first, ... }
  for i = 1, select("#", ...) + 1 do
    local kind = type(parts[i])
    if kind ~= "string" and kind ~= "number" then
      options.misuse("bad argument #%d to 'write' (string expected, got %s)", i, kind)
    end
  end
  return table.concat(parts)
end

--- Adds the methods to a class.
---@param class table
---@return table class
function stream.inherit(class)
  for name, value in pairs(Stream) do
    class[name] = value
  end
  return class
end

return stream
