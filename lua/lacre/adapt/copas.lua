--- adapt.copas: connections whose coroutines wait in copas, for the handshake too.
--
-- What copas waits for it learns from the errors of sockets. Until version 2 it knew only "timeout", and took it that
-- who reads waits to read and who writes to write: there the handshake is waited for here, by its own means.

local luasocket = require "lacre.adapt.luasocket"

-- what copas takes for a socket that is ready the second time it is asked
local function probe(wrapped)
  local asked = false
  local function answer()
    if asked then
      return "ready"
    end
    asked = true
    return nil, "timeout", 0
  end
  local function close() -- copas closes what a coroutine waited for when it fails
    return wrapped:close()
  end
  local function getfd()
    return wrapped:getfd()
  end
  local function dirty()
    return false
  end
  return { receive = answer, send = answer, close = close, getfd = getfd, dirty = dirty }
end

local function simplified(why)
  return (why == "wantread" or why == "wantwrite") and "timeout" or why
end

local Old = {}

function Old:receive(...)
  local begun, why = self:dohandshake()
  if not begun then
    return nil, why, ""
  end
  local data, err, partial = self.wrapped:receive(...)
  return data, simplified(err), partial
end

function Old:send(...)
  local begun, why = self:dohandshake()
  if not begun then
    return nil, why, 0
  end
  local sent, err, last = self.wrapped:send(...)
  return sent, simplified(err), last
end

function Old:dohandshake()
  while true do
    local done, why = self.wrapped:dohandshake()
    if why == "wantread" then
      self.copas.receive(probe(self.wrapped))
    elseif why == "wantwrite" then
      self.copas.send(probe(self.wrapped), "")
    else
      return done, why
    end
  end
end

function Old.__index(self, name)
  return Old[name] or function(_, ...)
    return self.wrapped[name](self.wrapped, ...)
  end
end

function Old:__tostring()
  return tostring(self.wrapped)
end

--- Wraps a connection.
---@param conn lacre.conn
---@return table
return function(conn)
  local copas, wrapped = require "copas", luasocket(conn)
  if not copas._VERSION:find "^Copas 1%." then
    return copas.wrap(wrapped)
  end
  wrapped:settimeout(0)
  return copas.wrap(setmetatable({ wrapped = wrapped, copas = copas }, Old))
end
