--- adapt.ngx: a connection over a cosocket of OpenResty's.
--
-- The cosocket is connected and waits in its own way, with its own time limits; lacre's engine verifies, and the
-- request that waits holds up no other.

local fail = require("lacre.error").fail
local wrap = require "lacre.wrap"

local Stream = {}
Stream.__index = Stream

-- nil and an error of lacre's: `pump` takes anything else for the end of the stream
local function failed(why, stage)
  if why == "timeout" then
    return fail(stage, "timeout", "the cosocket timed out")
  elseif why == "closed" then
    return nil, why
  end
  return fail(stage, "io_error", "the cosocket failed: %s", tostring(why))
end

function Stream:read(max)
  local bytes, why = self.cosocket:receiveany(max)
  if bytes then
    return bytes
  end
  return failed(why, "read")
end

function Stream:write(bytes)
  local sent, why = self.cosocket:send(bytes)
  if sent then
    return true
  end
  return failed(why, "write")
end

function Stream:close()
  return self.cosocket:close()
end

--- TLS over a cosocket.
---@param cosocket table of `ngx.socket.tcp()`, connected and without TLS; or of `ngx.req.socket(true)`
---@param given table as `lacre.wrap`; a client unless `role` or `context` says otherwise
---@return lacre.conn?
---@return lacre.error?
return function(cosocket, given)
  return wrap.wrap(setmetatable({ cosocket = cosocket }, Stream), wrap.of_client(given))
end
