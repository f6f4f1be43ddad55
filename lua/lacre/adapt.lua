--- adapt: lacre inside other event loops.
--
-- An adaptor tells `lacre.wait` how to block: it answers false where its loop does not run the caller,
-- and the plain way is taken. Nothing else of lacre knows that there are other loops.

local wait = require "lacre.wait"

local adapt = {}

--- A connection with the methods of a LuaSocket object.
---@param conn lacre.conn
---@return table
function adapt.luasocket(conn)
  return require "lacre.adapt.luasocket"(conn)
end

--- The same, wrapped by copas: its coroutines wait in it, for the handshake too.
---@param conn lacre.conn
---@return table
function adapt.copas(conn)
  return require "lacre.adapt.copas"(conn)
end

--- A connection over an OpenResty cosocket that is connected, without TLS.
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

--- Makes calls in cqueues coroutines wait in cqueues.
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

--- Makes calls in coroutines, other than those of lacre.loop, wait in libuv.
---@param uv? table the module; `require "luv"` by default
function adapt.luv(uv)
  local watches = require "lacre.adapt.luv"(uv or require "luv")
  wait.adaptor_closing = function(fd)
    watches:closing(fd)
  end
  wait.adaptor = function(fd, events, seconds)
    local thread, is_main = coroutine.running()
    if not thread or is_main then
      return false
    end
    return ready_or_timeout(watches:wait(fd, events, seconds), events)
  end
end

--- Makes calls block again.
function adapt.none()
  wait.adaptor, wait.adaptor_closing = nil, nil
end

return adapt
