--- wait: the one place that decides how to block.
--
-- Every operation that cannot go on asks `wait.ready(fd, events, seconds)`. Inside a task of
-- `lacre.loop`, or of an event loop that an adaptor made known, that yields; elsewhere it is a plain
-- poll(2). Nothing else in lacre waits.

local core = require "lacre.core"
local time = require "lacre.time"

local wait = {
  --- Set while lacre.loop runs: like `wait.ready`, or returns false when the caller is no task of it.
  ---@type (fun(fd: integer, events: string, seconds: number?): string|false|nil, string?)?
  scheduler = nil,
  --- Set by an adaptor for a foreign event loop; the same contract.
  adaptor = nil,
  --- Called before a descriptor is closed, so that whoever waits for it is told.
  ---@type fun(fd: integer)?
  closing = nil,
  --- The same, of an adaptor.
  adaptor_closing = nil,
}

local poll = core.poller.wait

-- poll(2) ends early when a signal comes: the time that is left is waited again
local function block(fd, events, seconds)
  local deadline = seconds and time.monotonic() + seconds
  repeat
    local ready = poll(fd, events, seconds)
    if ready then
      return ready
    end
    seconds = deadline and deadline - time.monotonic()
  until seconds and seconds <= 0
  return nil, "timeout"
end

--- Waits until a descriptor is ready.
---@param fd integer
---@param events "r"|"w"|"rw"
---@param seconds? number nil waits for ever
---@return string? events those that are ready
---@return string|lacre.error? why "timeout", or an error such as `canceled`
function wait.ready(fd, events, seconds)
  local scheduler = wait.scheduler
  if scheduler then
    local ready, why = scheduler(fd, events, seconds)
    if ready ~= false then
      return ready, why
    end
  end
  local adaptor = wait.adaptor
  if adaptor then
    local ready, why = adaptor(fd, events, seconds)
    if ready ~= false then
      return ready, why
    end
  end
  return block(fd, events, seconds)
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
