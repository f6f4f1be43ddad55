--- ca.mutex: waiting for the lock of a directory.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local time = require "lacre.time"

local fail = lacre_error.fail

local mutex = {}

local function pause(seconds)
  if loop.running() then
    return loop.sleep(seconds)
  end
  local poller, err = core.poller.new()
  if not poller then
    return nil, err
  end
  poller:wait(time.monotonic() + seconds, {})
  poller:close()
  return true
end

--- Takes the lock, waiting for it if need be; other tasks go on meanwhile.
---@param path string
---@param patience number seconds
---@param on_wait? fun(path: string) called once, when somebody else holds it
---@return table? lock
---@return lacre.error? err locked, permission_denied ...
function mutex.take(path, patience, on_wait)
  local deadline, delay = time.monotonic() + patience, 0.001
  while true do
    local lock, err = core.lock.take(path)
    if lock then
      return lock
    elseif err.code ~= "locked" then
      return nil, lacre_error.annotate(err, { path = path })
    end
    local left = deadline - time.monotonic()
    if left <= 0 then
      return fail("save", "locked", "%s: held by another process for %s", path, time.humanize(patience))
    elseif on_wait and delay > 0.05 then
      on_wait(path)
      on_wait = nil
    end
    local done
    done, err = pause(math.min(delay, left))
    if not done then
      return nil, err
    end
    delay = math.min(delay * 1.5, 0.1)
  end
end

return mutex
