--- wait: the one place that decides how to block.
--
-- Every operation that cannot go on asks `wait.by(fd, events, deadline)`. Inside a task of
-- `lacre.loop`, or of an event loop that an adaptor made known, that yields; elsewhere it is a plain
-- poll(2). Nothing else in lacre waits.

local core = require "lacre.core"
local time = require "lacre.time"

local wait = {
  --- Set while lacre.loop runs: like `wait.by`, or returns false when the caller is no task of it.
  ---@type (fun(fd: integer, events: string, deadline: number?): string|false|nil, string?)?
  scheduler = nil,
  --- Set by an adaptor for a foreign event loop: the same with seconds.
  ---@type (fun(fd: integer, events: string, seconds: number?): string|false|nil, string?)?
  adaptor = nil,
  --- Called before a descriptor is closed, so that whoever waits for it is told.
  ---@type fun(fd: integer)?
  closing = nil,
  --- The same, of an adaptor.
  adaptor_closing = nil,
}

local poll = core.poller.wait
local monotonic = time.monotonic

-- poll(2) ends early when a signal comes: the time that is left is waited again
local function block(fd, events, deadline)
  repeat
    local seconds = deadline and deadline - monotonic()
    local ready = poll(fd, events, seconds)
    if ready then
      return ready
    end
  until seconds and seconds <= 0
  return nil, "timeout"
end

--- Waits until a descriptor is ready, or a deadline has come; one that is ready is told also past it.
---@param fd integer
---@param events "r"|"w"|"rw"
---@param deadline? number monotonic; nil waits for ever
---@return string? events those that are ready
---@return string|lacre.error? why "timeout", or an error such as `canceled`
function wait.by(fd, events, deadline)
  local scheduler = wait.scheduler
  if scheduler then
    local ready, why = scheduler(fd, events, deadline)
    if ready ~= false then
      return ready, why
    end
  end
  local adaptor = wait.adaptor
  if adaptor then
    local ready, why = adaptor(fd, events, deadline and math.max(0, deadline - monotonic()))
    if ready ~= false then
      return ready, why
    end
  end
  return block(fd, events, deadline)
end

--- The same with a time to wait.
---@param fd integer
---@param events "r"|"w"|"rw"
---@param seconds? number nil waits for ever
---@return string? events
---@return string|lacre.error? why
function wait.ready(fd, events, seconds)
  return wait.by(fd, events, seconds and monotonic() + seconds)
end

--- Tells whoever waits for a descriptor that it is about to be closed.
---@param fd integer
function wait.forget(fd)
  if fd < 0 then
    return
  end
  if wait.closing then
    wait.closing(fd)
  end
  if wait.adaptor_closing then
    wait.adaptor_closing(fd)
  end
end

return wait
