--- probe: one diagnosing handshake, that finds everything and refuses nothing.
--
-- For tools that tell about a host. What is found wrong is returned beside the facts; not one byte of
-- application data is ever sent, because the engine refuses to write.

local conn = require "lacre.conn"
local context = require "lacre.context"
local dial = require "lacre.dial"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local peer = require "lacre.peer"
local pin = require "lacre.pin"
local target = require "lacre.target"
local time = require "lacre.time"

local probe = {}

local schema = {
  server_name = { type = "string" },
  trust = { type = "any" },
  pins = { type = "any" },
  timeout = { type = "duration", default = 10 },
}

local function connection_options(set)
  local given = { timeout = set.timeout, connect_timeout = set.timeout }
  return options.check(dial.schema, given, "probe")
end

local function verification(connection)
  local findings, chain = connection.core:verdict()
  if not findings then
    return { ok = true }
  end
  return { ok = false, error = peer.verification_error(connection, findings, chain) }
end

local function pins_of(chain)
  local pins = {}
  for i, cert in ipairs(chain or {}) do
    pins[i] = tostring(pin.of(cert))
  end
  return pins
end

local function facts_of(connection, began, connected)
  local now = time.monotonic()
  local result = connection:info()
  local chain = connection:peer_chain() or {}
  result.verify = verification(connection)
  result.chain = chain
  result.cert = chain[1]
  result.verified_chain = connection:verified_chain()
  result.pins = pins_of(chain)
  result.timing = { connect = connected - began, handshake = now - connected, total = now - began }
  return result
end

local function shake(ctx, socket, place, set, began)
  local connected = time.monotonic()
  local connection, err = conn.over(ctx, socket, {
    server_name = set.server_name or place.host, diagnose = true, explicit_name = set.server_name ~= nil,
    host = place.host, port = place.port, io_timeout = set.timeout, handshake_timeout = set.timeout,
  })
  if not connection then
    return nil, err
  end
  local done
  done, err = connection:handshake()
  local result = done and facts_of(connection, began, connected)
  connection:close()
  return result or nil, err
end

--- Connects to "host[:port]", completes a handshake, and tells what was found.
---@param text string
---@param given? { server_name?: string, trust?: any, pins?: any, timeout?: number|string }
---@return table? result version, cipher, group, chain, verified_chain, pins, verify = { ok =, error = }, timing
---@return lacre.error? err when there was no handshake to tell about
function probe.run(text, given)
  local set = options.check(schema, given, "probe")
  local place, err = target.parse(text)
  local ctx, socket
  if place then
    ctx, err = context.client { trust = set.trust, pins = set.pins }
  end
  local began = time.monotonic()
  if ctx then
    socket, err = dial.connect(place.host, place.port, connection_options(set), began + set.timeout)
  end
  if not socket then
    return nil, lacre_error.is(err) and err
  end
  local result
  result, err = shake(ctx, socket, place, set, began)
  if result then
    result.host, result.port, result.address = place.host, place.port, result.peer_address
  end
  return result, err
end

return probe
