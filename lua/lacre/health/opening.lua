--- health.opening: a plain socket to a place, at the point where TLS begins, and the time that each stage took.
--
-- Where STARTTLS does not come about, one more connection finds out whether TLS begins at once there: both sides
-- would wait for the other to speak, and nothing else tells.

local dial = require "lacre.net.dial"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local options = require "lacre.options"
local sounding = require "lacre.health.sounding"
local starttls = require "lacre.starttls"
local tcp = require "lacre.tcp"
local time = require "lacre.time"
local wait = require "lacre.wait"

local opening = {}

local annotate, fail = lacre_error.annotate, lacre_error.fail
local monotonic = time.monotonic

-- resolving by itself, so that its time is known; the addresses then go to the dialler
local function resolve(place, set, deadline)
  local limit = math.min(deadline, monotonic() + (set.connect_timeout or math.huge))
  local rows, err = dial.resolve(place.host, place.port, { family = set.family or "any" }, limit)
  if not rows then
    return nil, annotate(err, { host = place.host, port = place.port })
  end
  return rows
end

-- for seconds only, no connection is kept alive
local usual = { __index = options.check(dial.schema, { keepalive = false }, "probe") }

local function dial_options(set, rows)
  return setmetatable({
    timeout = set.timeout, connect_timeout = set.connect_timeout or set.timeout, rows = rows,
  }, usual)
end

-- a plain socket, or the error; and the address
local function connect(place, set, rows, deadline)
  local socket, address = dial.connect(place.host, place.port, dial_options(set, rows), deadline)
  if not socket then
    return nil, address
  end
  local plain = tcp.wrap(socket, set.timeout)
  plain:set_deadline(deadline)
  return plain, address
end

-- STARTTLS ----------------------------------------------------------------------------------------

local SHARE, ENOUGH = 0.2, 2

--- Seconds for what only helps to explain: a share of a time limit, and no more than is worth waiting.
---@param set { timeout: number }
---@return number
function opening.moment(set)
  return math.min(ENOUGH, SHARE * set.timeout)
end

local moment = opening.moment

local function begins_at_once(place, set, address, deadline)
  local limit = math.min(deadline, monotonic() + moment(set))
  local plain = connect(place, set, { { address = address, family = "any" } }, limit)
  local answer = plain and sounding.ask(plain, sounding.questions.tls12, set.server_name or place.host)
  return answer ~= nil and (answer.kind == "server_hello" or answer.kind == "alert")
end

local function needless(place)
  local _, err = fail("starttls", "starttls_unsupported",
    "TLS begins at once on this port, without STARTTLS of %s", tostring(place.starttls))
  err.hint = "leave STARTTLS out for this port"
  return nil, err
end

-- with nothing heard of a server that should greet, it may be waiting for a hello
local function is_mute(plain, place, set)
  return starttls.speaks_first(place.starttls) and not wait.ready(plain:pollfd(), "r", moment(set))
end

local unclear = { closed = true, connection_reset = true, broken_pipe = true, starttls_refused = true }

local function upgrade(plain, place, set, address, deadline)
  if is_mute(plain, place, set) and begins_at_once(place, set, address, deadline) then
    return needless(place)
  end
  local done, err = starttls.negotiate(plain, place.starttls, place.host)
  if not done and unclear[err.code] and begins_at_once(place, set, address, deadline) then
    return needless(place)
  end
  return done, err
end

-- all of it ---------------------------------------------------------------------------------------

local function open(place, set, deadline)
  local began = monotonic()
  local rows, err = set.rows, nil
  if not rows then
    rows, err = resolve(place, set, deadline)
  end
  if not rows then
    return nil, err
  end
  local resolved = monotonic()
  local plain, address = connect(place, set, rows, deadline)
  if not plain then
    return nil, address
  end
  local connected = monotonic()
  local times = {
    resolve = resolved - began, connect = connected - resolved, address = address, handshake = nil, total = nil,
  }
  if place.starttls then
    local done
    done, err = upgrade(plain, place, set, address, deadline)
    times.starttls = monotonic() - connected
    if not done then
      plain:close()
      return nil, annotate(err, { host = place.host, port = place.port, address = address })
    end
  end
  return plain, times
end

local CROWDED = 0.1

--- A plain socket to a place, at the point where TLS begins. Where this process has no descriptor left, which is no
--- fault of the place, it waits for one.
---@param place { host: string, port: integer, starttls?: string }
---@param set { timeout: number, connect_timeout?: number, deadline: number, rows?: table[], family?: string }
---@param deadline? number an earlier one
---@return lacre.tcp? socket
---@return lacre.error|table err or the times of the stages
function opening.open(place, set, deadline)
  deadline = deadline or set.deadline
  while true do
    local plain, times = open(place, set, deadline)
    local is_crowded = not plain and times.code == "too_many_files" and loop.running()
    if not is_crowded or monotonic() >= deadline or not loop.sleep(CROWDED) then
      return plain, times
    end
  end
end

return opening
