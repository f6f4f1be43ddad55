--- tcp: plain sockets, with the same waits and time limits as TLS connections.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"
local wait = require "lacre.wait"

local fail = lacre_error.fail
local net = core.net

local tcp = {}

---@class lacre.tcp
local Socket = {}
Socket.__index = Socket
Socket.__name = "lacre.tcp"

local events_of = { want_read = "r", want_write = "w" }

--- Waits for what a step wants, until a deadline.
---@param socket any core socket
---@param want "want_read"|"want_write"
---@param deadline? number monotonic
---@param code string the error when time runs out
---@param stage string
---@return true? ready
---@return lacre.error? err
function tcp.await(socket, want, deadline, code, stage)
  local seconds = deadline and deadline - time.monotonic()
  local ready, why
  if not seconds or seconds > 0 then
    ready, why = wait.ready(socket:fd(), events_of[want], seconds)
  end
  if ready then
    return true
  elseif lacre_error.is(why) then
    return nil, why
  end
  return fail(stage, code, "no answer in time")
end

local function annotated(err, host, port, address)
  return lacre_error.annotate(err, { host = host, port = port, address = address })
end

local function resolve(set, host, port)
  if set.resolver then
    return set.resolver(host, port, set.family)
  end
  return core.resolver.resolve(host, set.family)
end

local function split_bind(bind)
  if not bind then
    return nil
  end
  local address, port = bind:match "^%[(.-)%]:?(%d*)$"
  if not address then
    address, port = bind:match "^([^:]+):?(%d*)$"
  end
  return address or bind, tonumber(port) or 0
end

local function dial_one(set, address, port, deadline)
  local socket, err = net.connect(address, port, split_bind(set.bind))
  if not socket then
    return nil, err
  end
  local limit = time.monotonic() + set.connect_timeout
  local ready
  ready, err = tcp.await(socket, "want_write", math.min(limit, deadline), "connect_timeout", "connect")
  if ready then
    ready, err = socket:connected()
  end
  if not ready then
    socket:close()
    return nil, err
  end
  socket:options(set.nodelay, set.keepalive)
  return socket
end

--- Connects the core's socket: resolves, then tries one address after the other.
---@param host string
---@param port integer
---@param set table checked options: connect_timeout, family, bind, nodelay, keepalive, resolver
---@param deadline number monotonic
---@return any? socket core socket
---@return lacre.error|string err or the address that answered
function tcp.dial(host, port, set, deadline)
  local addresses, err = resolve(set, host, port)
  if not addresses then
    return nil, annotated(err, host, port)
  end
  for _, row in ipairs(addresses) do
    local socket
    socket, err = dial_one(set, row.address, port, deadline)
    if socket then
      return socket, row.address
    end
    err.message = ("%s (%s): %s"):format(host, row.address, err.message:match "[^:]*$":gsub("^ ", ""))
    annotated(err, host, port, row.address)
  end
  return nil, err or annotated(select(2, fail("resolve", "host_not_found", "%s has no address", host)), host, port)
end

--- Options of every connect; `lacre.conn` takes them too.
tcp.schema = {
  timeout = { type = "duration", default = 30 },
  connect_timeout = { type = "duration", default = 10 },
  io_timeout = {
    type = function(value)
      if value == false then
        return false
      end
      local seconds, err = time.duration(value)
      return seconds, err and err.message
    end,
    default = 60,
  },
  family = { type = "string", values = { "any", "ipv4", "ipv6" }, default = "any" },
  bind = { type = "string" },
  nodelay = { type = "boolean", default = true },
  keepalive = { type = "boolean", default = true },
  resolver = { type = "function" },
}

--- Wraps a core socket.
---@return lacre.tcp
function tcp.wrap(socket, io_timeout)
  return setmetatable({ socket = socket, io_timeout = io_timeout }, Socket)
end

--- Connects without TLS: for STARTTLS, engines driven by hand, and tests.
---@param host string
---@param port integer
---@param given? table timeout, connect_timeout, io_timeout, family, bind, nodelay, keepalive, resolver
---@return lacre.tcp? socket
---@return lacre.error? err host_not_found, connection_refused, connect_timeout ...
function tcp.connect(host, port, given)
  local set = options.check(tcp.schema, given, "tcp.connect")
  local socket, err = tcp.dial(host, port, set, time.monotonic() + set.timeout)
  if not socket then
    return nil, err
  end
  return tcp.wrap(socket, set.io_timeout)
end

local function deadline_of(self)
  return self.deadline or self.io_timeout and time.monotonic() + self.io_timeout or nil
end

--- Up to `max` bytes, as soon as there are any.
---@param max? integer 16384 at most
---@return string? bytes
---@return lacre.error? err closed at the end; timeout
function Socket:receive(max)
  local deadline
  while true do
    local bytes, why = self.socket:receive(max or 16384)
    if bytes or not events_of[why] then
      return bytes, why
    end
    deadline = deadline or deadline_of(self)
    local ready, err = tcp.await(self.socket, why, deadline, "timeout", "read")
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
  local bytes, at, deadline = table.concat { ... }, 1, nil
  while at <= #bytes do
    local count, why = self.socket:send(bytes, at)
    if count then
      at = at + count
    elseif not events_of[why] then
      return nil, why, at - 1
    else
      deadline = deadline or deadline_of(self)
      local ready, err = tcp.await(self.socket, why, deadline, "timeout", "write")
      if not ready then
        return nil, err, at - 1
      end
    end
  end
  return self
end

--- A time limit for each read and write; false for none.
---@param seconds number|string|false
function Socket:set_timeout(seconds)
  self.io_timeout = seconds and lacre_error.assert(time.duration(seconds))
end

--- Says that nothing more will be sent.
function Socket:shutdown()
  return self.socket:shutdown()
end

--- Closes it; always succeeds.
---@return true
function Socket:close()
  return self.socket:close()
end

Socket.__close = Socket.close
Socket.__gc = Socket.close

function Socket:__tostring()
  local address, port = self.socket:peer()
  return address and ("lacre.tcp: %s port %d"):format(address, port) or "lacre.tcp: closed"
end

---@return string? address, integer? port of this end
function Socket:address()
  return self.socket:address()
end

---@return string? address, integer? port of the other end
function Socket:peer_address()
  return self.socket:peer()
end

---@return integer fd -1 once closed
function Socket:getfd()
  return self.socket:fd()
end

return tcp
