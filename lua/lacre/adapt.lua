--- adapt: lacre inside of other event loops.
--
-- An adaptor tells `lacre.wait` how to block: it answers false where its loop does not run the caller,
-- and the plain way is taken. Nothing else of lacre knows that there are other loops.

local wait = require "lacre.wait"

local adapt = {}

--- A connection in the shape of LuaSocket's.
---@param conn lacre.conn
---@return table
function adapt.luasocket(conn)
  return require "lacre.adapt.luasocket"(conn)
end

--- The same, wrapped by copas.
---@param conn lacre.conn
---@return table
function adapt.copas(conn)
  return require "copas".wrap(adapt.luasocket(conn))
end

--- A connection over a cosocket of OpenResty's, which is connected and without TLS.
---@param cosocket table
---@param given? table as `lacre.wrap`; a client unless `role` or `context` says otherwise
---@return lacre.conn?
---@return lacre.error?
function adapt.ngx(cosocket, given)
  return require "lacre.adapt.ngx"(cosocket, given)
end

-- "timeout" as `lacre.wait` says it
local function ready_or_timeout(ready, events)
  if ready then
    return events
  end
  return nil, "timeout"
end

--- Waits by cqueues wherever one of its coroutines calls.
function adapt.cqueues()
  local cqueues = require "cqueues"
  wait.adaptor_closing = cqueues.cancel -- it remembers descriptors
  wait.adaptor = function(fd, events, seconds)
    local _, is_coroutine = cqueues.running()
    if not is_coroutine then
      return false
    end
    local object = { pollfd = fd, events = events, timeout = seconds }
    return ready_or_timeout(cqueues.poll(object, seconds) == object, events)
  end
end

local function poll_by(uv, thread, fd, events, seconds)
  local watch, timer = uv.new_poll(fd), seconds and uv.new_timer()
  local ended = false
  local function wake(ready)
    if ended then
      return
    end
    ended = true
    watch:stop()
    watch:close()
    if timer then
      timer:stop()
      timer:close()
    end
    assert(coroutine.resume(thread, ready))
  end
  watch:start(events, function()
    wake(true)
  end)
  if timer then
    timer:start(math.ceil(seconds * 1000), 0, function()
      wake(false)
    end)
  end
  return coroutine.yield()
end

--- Waits by libuv wherever a coroutine calls that is not one of lacre.loop's.
---@param uv? table the module; `require "luv"` by default
function adapt.luv(uv)
  uv = uv or require "luv"
  wait.adaptor_closing = nil
  wait.adaptor = function(fd, events, seconds)
    local thread, is_main = coroutine.running()
    if not thread or is_main then
      return false
    end
    return ready_or_timeout(poll_by(uv, thread, fd, events, seconds), events)
  end
end

--- Waits plainly again.
function adapt.none()
  wait.adaptor, wait.adaptor_closing = nil, nil
end

return adapt
