--- net.dial: from a host name to a connected socket.
--
-- Names are resolved off the main thread, addresses of both families interleaved, and each next one
-- is tried when the one before has not answered within a moment (RFC 8305): a dead address costs a
-- quarter of a second, not a timeout.

local addresses = require "lacre.net.addresses"
local core = require "lacre.core"
local lacre_error = require "lacre.error"
local stream = require "lacre.net.stream"
local target = require "lacre.net.target"
local time = require "lacre.time"
local wait = require "lacre.wait"

local fail = lacre_error.fail
local net = core.net
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

-- the socket that failed later knows its address no more, and who is forbidden to connect did not mean to listen
local function annotated(err, place, address)
  if address then
    err.message = err.message:gsub("^connect: ", (target.format(address, place.port):gsub("%%", "%%%%")) .. ": ")
  end
  if err.code == "permission_denied" then
    err.hint = "check firewall and routing rules, and the sandbox of this process"
  end
  return lacre_error.annotate(err, { host = place.host, port = place.port, address = address })
end

local function timed_out(place, address)
  local _, err = fail("connect", "connect_timeout", "%s (%s) did not answer in time", place.host, address)
  return annotated(err, place, address)
end

-- a race of connection attempts; `poller` tells which of them got somewhere
local function start_next(race)
  local row = race.rows[race.next]
  race.next = race.next + 1
  local socket, err = net.connect(row.address, race.place.port, split_bind(race.set.bind))
  if socket then
    local watched
    watched, err = race.poller:watch(socket:fd(), "w")
    if watched then
      race.pending[socket:fd()] = {
        socket = socket, address = row.address, limit = monotonic() + race.set.connect_timeout,
      }
      race.started = monotonic()
      return
    end
    socket:close()
  end
  race.err = annotated(err, race.place, row.address)
end

local function drop(race, fd, err)
  local attempt = race.pending[fd]
  race.pending[fd] = nil
  attempt.socket:close()
  race.err = annotated(err, race.place, attempt.address)
end

-- when something happens at the latest: a next attempt, the end of one, the end of all
local function next_moment(race)
  local moment = race.deadline
  if race.rows[race.next] and race.stagger then
    moment = math.min(moment, race.started + race.stagger)
  end
  for _, attempt in pairs(race.pending) do
    moment = math.min(moment, attempt.limit)
  end
  return moment
end

local function finish(race, winner)
  wait.forget(race.poller:fd())
  race.poller:close()
  for fd, attempt in pairs(race.pending) do
    if fd ~= winner then
      attempt.socket:close()
    end
  end
end

local function collect(race)
  local found = {}
  for i = 1, lacre_error.assert(race.poller:wait(0, found)), 2 do
    local attempt = race.pending[found[i]]
    local done, err
    if attempt then
      done, err = attempt.socket:connected()
    end
    if done then
      return found[i], attempt
    elseif attempt then
      drop(race, found[i], err)
    end
  end
end

local function expire(race)
  local now = monotonic()
  for fd, attempt in pairs(race.pending) do
    if attempt.limit <= now then
      drop(race, fd, timed_out(race.place, attempt.address))
    end
  end
  return race.deadline <= now
end

local function wants_another(race)
  if not race.rows[race.next] then
    return false
  end
  return not next(race.pending) or (race.stagger and monotonic() >= race.started + race.stagger)
end

local function run(race)
  while true do
    while wants_another(race) do
      start_next(race)
    end
    if not next(race.pending) then
      return nil, race.err
    end
    local seconds = math.max(0, next_moment(race) - monotonic())
    local _, why = (race.set.wait or wait.ready)(race.poller:fd(), "r", seconds)
    local fd, attempt = collect(race)
    if fd then
      return fd, attempt
    elseif lacre_error.is(why) then
      return nil, why
    elseif expire(race) then
      return nil, race.err or timed_out(race.place, race.rows[1].address)
    end
  end
end

local function connect_one(row, place, set, deadline)
  local socket, err = net.connect(row.address, place.port, split_bind(set.bind))
  if not socket then
    return nil, annotated(err, place, row.address)
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
    return nil, annotated(err, place, row.address)
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

local STAGGER = 0.25 -- RFC 8305 section 5

local function connect_any(rows, place, set, deadline)
  local poller, err = core.poller.new()
  if not poller then
    return nil, err
  end
  if poller:fd() < 0 then
    poller:close()
    return connect_in_turn(rows, place, set, deadline)
  end
  local race = {
    rows = rows, next = 1, pending = {}, place = place, set = set, deadline = deadline, poller = poller, started = 0,
    stagger = set.happy_eyeballs == true and STAGGER or set.happy_eyeballs,
  }
  local fd, attempt = run(race)
  finish(race, fd)
  if not fd then
    return nil, attempt
  end
  return attempt.socket, attempt.address
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
    return nil, annotated(err, place)
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
