--- net.dial: from a host name to a connected socket.
--
-- Names are resolved off the main thread, addresses of both families interleaved, and each next one
-- is tried when the one before has not answered within a moment (RFC 8305): a dead address costs a
-- quarter of a second, not a timeout.

local addresses = require "lacre.net.addresses"
local attempt = require "lacre.net.attempt"
local later = require "lacre.later"
local stream = require "lacre.net.stream"
local target = require "lacre.net.target"
local time = require "lacre.time"
local wait = require "lacre.wait"

local race = later "lacre.net.race"

local monotonic = time.monotonic

local dial = {}

--- Options of everything that connects.
dial.schema = {
  timeout = { type = "duration", default = 30 },
  connect_timeout = { type = "duration", default = 10 },
  io_timeout = { type = "limit", default = 60 },
  family = { type = "string", values = { "any", "ipv4", "ipv6" }, default = "any" },
  happy_eyeballs = { type = { "boolean", "duration" }, default = true },
  bind = { type = "string" },
  nodelay = { type = "boolean", default = true },
  keepalive = { type = "boolean", default = true },
  resolver = { type = "function" },
  wait = { type = "function" },
}

--- The addresses of a host; see `lacre.net.addresses`.
dial.resolve = addresses.of

local function connect_one(row, place, set, deadline)
  local socket, err = attempt.begin(row.address, place, set)
  if not socket then
    return nil, attempt.failed(err, place, row.address)
  end
  local limit = math.min(monotonic() + set.connect_timeout, deadline)
  local done
  done, err = stream.await(socket, "want_write", limit, "connect_timeout", "connect", set.wait)
  if done then
    done, err = socket:connected()
  end
  if not done then
    wait.forget(socket:fd())
    socket:close()
    return nil, attempt.failed(err, place, row.address)
  end
  return socket, row.address
end

-- where pollers do not nest
local function connect_in_turn(rows, place, set, deadline)
  local socket, result
  for _, row in ipairs(rows) do
    socket, result = connect_one(row, place, set, deadline)
    if socket then
      break
    end
  end
  return socket, result
end

local function connect_any(rows, place, set, deadline)
  local socket, address = race.run(rows, place, set, deadline)
  if socket == false then
    return connect_in_turn(rows, place, set, deadline)
  end
  return socket, address
end

--- Connects to a host, by whichever of its addresses answers first.
---@param host string
---@param port integer
---@param set table checked options of `dial.schema`, and `rows` where they are known already
---@param deadline number monotonic
---@return any? socket of the core
---@return lacre.error|string err or the address that answered
function dial.connect(host, port, set, deadline)
  local place = { host = host, port = port }
  target.expect_port(port)
  local rows, err = set.rows, nil
  if not rows then
    rows, err = addresses.of(host, port, set, deadline)
  end
  if not rows then
    return nil, attempt.failed(err, place)
  end
  local socket, address
  if #rows == 1 then
    socket, address = connect_one(rows[1], place, set, deadline)
  else
    socket, address = connect_any(addresses.interleave(rows), place, set, deadline)
  end
  if socket then
    socket:options(set.nodelay, set.keepalive)
  end
  return socket, address
end

return dial
