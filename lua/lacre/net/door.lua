--- net.door: a listening socket of the core, and who comes in.

local addresses = require "lacre.net.addresses"
local core = require "lacre.core"
local environment = require "lacre.environment"
local fail = require("lacre.error").fail
local options = require "lacre.options"
local stream = require "lacre.net.stream"
local time = require "lacre.time"

local net = core.net

local door = {}

local function descriptor(value)
  if value == "systemd" or (type(value) == "number" and value >= 0) then
    return value
  end
  return nil, 'a descriptor, or "systemd", expected'
end

--- Options of everything that listens.
door.schema = {
  host = { type = "string", default = "127.0.0.1" },
  port = { type = "integer" },
  fd = { type = descriptor },
  backlog = { type = options.at_least(1), default = 128 },
  reuse_port = { type = "boolean", default = false },
  v6only = { type = "boolean", default = false },
  io_timeout = { type = "limit", default = 60 },
  wait = { type = "function" },
}

local MOST_WAITING = 65535

local function listen_at(set, address)
  return net.listen(address, set.port, math.min(set.backlog, MOST_WAITING), set.reuse_port, set.v6only)
end

-- "*" is every address, of both families where the machine has both
local function listen_any(set)
  local socket, err = listen_at(set, "::")
  if not socket and err.code == "address_unavailable" then
    socket, err = listen_at(set, "0.0.0.0")
  end
  return socket, err
end

-- a socket unit with Accept=yes hands over connections instead
local function adopt(given)
  local fd, err, socket = given, nil, nil
  if fd == "systemd" then
    fd, err = environment.listening()
  end
  if fd then
    socket, err = net.adopt(fd, false)
  end
  if socket and not socket:listens() then
    local _, why = fail("config", "unsupported", "descriptor %d is not a listening socket", fd)
    why.hint = given == "systemd" and "the socket unit needs ListenStream= and Accept=no" or nil
    return nil, why
  end
  return socket, err
end

--- Binds the core's socket.
---@param set table checked options of `door.schema`
---@return any? socket
---@return lacre.error? err address_in_use, permission_denied, address_unavailable, host_not_found
function door.bind(set)
  if set.fd then
    return adopt(set.fd)
  elseif not set.port then
    options.misuse("missing option 'port' to 'listen'")
  elseif set.port < 0 or set.port > 65535 then
    options.misuse("bad option 'port' to 'listen' (0 to 65535 expected)")
  elseif set.host == "*" then
    return listen_any(set)
  end
  local host = set.host:match "^%[(.*)%]$" or set.host
  local rows = core.resolver.numeric(host)
  local err
  if not rows then
    rows, err = addresses.of(host, set.port, { family = "any" }, time.monotonic() + 10)
  end
  if not rows then
    return nil, err
  end
  return listen_at(set, rows[1].address)
end

--- The next connection of a listening socket of the core.
---@param socket any
---@param seconds? number|string nil waits for ever
---@param waiter? function as in `stream.await`
---@return any? socket
---@return lacre.error|string err or the address it comes from
---@return integer? port
function door.accept(socket, seconds, waiter)
  local deadline = seconds and time.monotonic() + stream.seconds(seconds, "accept") or nil
  while true do
    local accepted, address, port = socket:accept()
    if accepted then
      return accepted, address, port
    elseif address ~= "want_read" then
      return nil, address
    end
    local ready, err = stream.await(socket, "want_read", deadline, "timeout", "read", waiter)
    if not ready then
      return nil, err
    end
  end
end

return door
