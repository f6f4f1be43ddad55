--- tcp: plain sockets, with the same reads, waits and time limits as TLS connections.
--
-- They exist for what comes before TLS (STARTTLS, proxies), for engines driven by hand, and for tests.

local dial = require "lacre.net.dial"
local door = require "lacre.net.door"
local options = require "lacre.options"
local stream = require "lacre.net.stream"
local time = require "lacre.time"
local wait = require "lacre.wait"

local tcp = {}

---@class lacre.tcp: lacre.stream
local Socket = stream.inherit {}
Socket.__index = Socket
Socket.__name = "lacre.tcp"
Socket.io_timeout = 60

--- The methods of plain sockets, for `lacre.wrap` to add to.
tcp.methods = Socket

local events_of = stream.events_of

--- Wraps a core socket.
---@return lacre.tcp
---@package
function tcp.wrap(socket, io_timeout, waiter)
  return setmetatable({ socket = socket, io_timeout = io_timeout, wait = waiter }, Socket)
end

--- Whether a value is a plain socket.
---@param value any
---@return boolean
function tcp.is(value)
  return type(value) == "table" and getmetatable(value) == Socket
end

--- Connects without TLS.
---@param host string
---@param port integer
---@param given? table timeout connect_timeout io_timeout family happy_eyeballs bind nodelay keepalive resolver
---@return lacre.tcp? socket
---@return lacre.error? err host_not_found, connection_refused, connect_timeout ...
function tcp.connect(host, port, given)
  options.argument("connect", 1, host, "string")
  options.argument("connect", 2, port, "number")
  local set = options.check(dial.schema, given, "tcp.connect")
  local socket, err = dial.connect(host, port, set, time.monotonic() + set.timeout)
  if not socket then
    return nil, err
  end
  return tcp.wrap(socket, set.io_timeout, set.wait)
end

local MOST = 16384

--- Up to `max` bytes, as soon as there are any, past the buffer: `receive` is what users call.
---@param max integer
---@param deadline? number monotonic
---@return string? bytes
---@return lacre.error? err closed at the end; timeout
---@package
function Socket:fill(max, deadline)
  while true do
    local bytes, why = self.socket:receive(max < MOST and max or MOST)
    if bytes or not events_of[why] then
      return bytes, why
    end
    deadline = deadline or stream.deadline_of(self)
    local ready, err = stream.await(self.socket, why, deadline, "timeout", "read", self.wait)
    if not ready then
      return nil, err
    end
  end
end

--- Sends everything.
---@param ... string|number
---@return lacre.tcp? self
---@return lacre.error? err
---@return integer? sent bytes that were sent before the error
function Socket:write(...)
  local bytes, at, deadline = stream.joined(...), 1, nil
  while at <= #bytes do
    local count, why = self.socket:send(bytes, at)
    if count then
      at = at + count
    elseif not events_of[why] then
      return nil, why, at - 1
    else
      deadline = deadline or stream.deadline_of(self)
      local ready, err = stream.await(self.socket, why, deadline, "timeout", "write", self.wait)
      if not ready then
        return nil, err, at - 1
      end
    end
  end
  return self
end

--- Says that nothing more will be sent.
---@return true
function Socket:shutdown()
  return self.socket:shutdown()
end

--- Closes it; always succeeds.
---@return true
function Socket:close()
  wait.forget(self.socket:fd())
  return self.socket:close()
end

Socket.__close = Socket.close

function Socket:__tostring()
  local address, port = self.socket:peer()
  return address and ("lacre.tcp: %s port %d"):format(address, port) or "lacre.tcp: closed"
end

--- The address of this end.
---@return string? address
---@return integer|lacre.error|nil port or err closed
function Socket:address()
  return stream.place(self.socket, "address")
end

--- The address of the other end.
---@return string? address
---@return integer|lacre.error|nil port or err closed
function Socket:peer_address()
  return stream.place(self.socket, "peer")
end

--- Whether it is open.
---@return boolean
function Socket:is_open()
  return self.socket:fd() >= 0
end

--- The file descriptor, for `select` and event loops, under the names they use: `getfd` and `pollfd`.
---@return integer fd -1 once closed
function Socket:getfd()
  return self.socket:fd()
end

Socket.pollfd = Socket.getfd

--- The events to wait for: readable.
---@return string
function Socket:events() -- luacheck: no self
  return "r"
end

--- Whether a read succeeds without the descriptor being readable.
---@return boolean
function Socket:dirty()
  return self.buffer ~= false
end

-- listening --

---@class lacre.tcp_listener
local Listener = {}
Listener.__index = Listener
Listener.__name = "lacre.tcp_listener"

--- Listens without TLS.
---@param given table host port backlog reuse_port v6only io_timeout fd
---@return lacre.tcp_listener?
---@return lacre.error? err
function tcp.listen(given)
  local set = options.check(door.schema, given, "tcp.listen")
  local socket, err = door.bind(set)
  if not socket then
    return nil, err
  end
  return setmetatable({ socket = socket, set = set }, Listener)
end

--- Accepts the next connection.
---@param seconds? number|string nil waits for ever
---@return lacre.tcp?
---@return lacre.error? err timeout, closed, too_many_files
function Listener:accept(seconds)
  local socket, err = door.accept(self.socket, seconds, self.set.wait)
  if not socket then
    return nil, err
  end
  return tcp.wrap(socket, self.set.io_timeout, self.set.wait)
end

--- The address it listens on.
---@return string? address
---@return integer|lacre.error|nil port or err closed
function Listener:address()
  return stream.place(self.socket, "address")
end

Listener.close = Socket.close
Listener.__close = Socket.close
Listener.getfd, Listener.pollfd, Listener.events = Socket.getfd, Socket.getfd, Socket.events

return tcp
