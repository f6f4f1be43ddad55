--- wait: the one place that decides how to block.
--
-- Every operation that cannot go on asks `wait.ready(fd, events, seconds)`. Inside a task of
-- `lacre.loop` that yields; elsewhere it is a plain poll(2). Nothing else in lacre waits.

local core = require "lacre.core"
local time = require "lacre.time"

local wait = {
  --- Set by a scheduler: like `wait.ready`, or returns false when the caller is none of its tasks.
  ---@type (fun(fd: integer, events: string, seconds: number?): string|false|nil, string?)?
  scheduler = nil,
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
  return block(fd, events, seconds)
end

return wait
