--- connect: from a host and port to a verified connection, in one call.

local addresses = require "lacre.net.addresses"
local conn = require "lacre.conn"
local dial = require "lacre.net.dial"
local lacre_error = require "lacre.error"
local merged = require "lacre.merged"
local options = require "lacre.options"
local parted = require "lacre.options.parted"
local proxy = require "lacre.net.proxy"
local reference = require "lacre.tls.reference"
local settings = require "lacre.tls.settings"
local starttls = require "lacre.starttls"
local target = require "lacre.net.target"
local tcp = require "lacre.tcp"
local time = require "lacre.time"

local connect = {}

local own_schema = {
  context = { type = "table" },
  server_name = { type = "string" },
  sni = reference.sni_option,
  handshake_timeout = { type = "duration", default = 10 },
  handshake = { type = "boolean", default = true },
  starttls = { type = starttls.option },
  proxy = { type = proxy.option },
}

--- Everything that `connect` takes: for those who hand options on to it.
connect.schema = merged(settings.client_schema, dial.schema, own_schema)

local split = parted.by("connect", settings.client_schema, dial.schema, own_schema)

local default_context

local function context_for(set, inline)
  if set.context or inline then
    return settings.of_call("connect", "client", set.context, inline)
  end
  local err
  if not default_context then
    default_context, err = settings.client()
  end
  return default_context, err
end

-- the three forms of arguments as one
local function arguments(host, port, given)
  if type(host) == "table" then
    given = merged(host)
    host, port, given.host, given.port = given.host, given.port, nil, nil
  elseif type(port) == "table" then
    port, given = nil, port
  end
  options.argument("connect", 1, host, "string")
  if port == nil then
    local place, err = target.parse(host)
    return place and place.host, place and place.port or err, given
  end
  options.argument("connect", 2, port, "number")
  return host:match "^%[(.*)%]$" or host, port, given
end

local function shake(made, deadline)
  made:set_deadline(deadline)
  local done, err = made:handshake()
  made:set_deadline(nil)
  if done then
    return made
  end
  made:abort()
  return nil, err
end

-- the plaintext part: through a proxy, and up to where TLS begins
local function prepare(socket, host, port, set, deadline)
  if not set.proxy and not set.starttls then
    return true
  end
  local plain = tcp.wrap(socket, set.io_timeout, set.wait)
  plain:set_deadline(deadline)
  local done, err = true, nil
  if set.proxy then
    done, err = proxy.open(plain, { host = host, port = port }, set.proxy)
  end
  if done and set.starttls then
    done, err = starttls.negotiate(plain, set.starttls, host)
  elseif done then
    done, err = starttls.must_be_silent(plain)
  end
  if not done then
    plain:close()
    return nil, lacre_error.annotate(err, { host = host, port = port })
  end
  return true
end

local function reach(host, port, set, deadline)
  local first, err = set.proxy or { host = host, port = port }, nil
  if set.proxy then -- which is told the name, and nothing beside it
    target.expect_port(port)
    host, err = addresses.name(host)
  end
  if not host then
    return nil, err
  end
  local socket, address = dial.connect(first.host, first.port, set, deadline)
  if not socket then
    return nil, address
  end
  local done
  done, err = prepare(socket, host, port, set, deadline)
  if not done then
    return nil, err
  end
  return socket, address
end

local function begin(ctx, host, port, set)
  local deadline = time.monotonic() + set.timeout
  local socket, address = reach(host, port, set, deadline)
  if not socket then
    return nil, address
  end
  local made, err = conn.over(ctx, socket, {
    server_name = set.server_name or host, explicit_name = set.server_name ~= nil, sni = set.sni,
    io_timeout = set.io_timeout, handshake_timeout = set.handshake_timeout, wait = set.wait,
    host = host, port = port, address = address,
  })
  if not made then
    return nil, lacre_error.annotate(err, { host = host, port = port })
  elseif not set.handshake then
    return made
  end
  made, err = shake(made, deadline)
  if not made and not set.starttls then
    starttls.advise(err, port)
  end
  return made, err
end

--- Connects, verifies, and returns a connection that is ready to use.
---
--- `connect(host, port, options)`, `connect("host:port", options)` or `connect{ host =, port =, ... }`.
--- Options are those of the connection (timeouts, `server_name`, `context` ...) and, without
--- `context`, those of `lacre.client`. With none at all: the system's trust, everything verified.
---@param host string|table
---@param port? integer
---@param given? table
---@return lacre.conn? conn
---@return lacre.error? err host_not_found, connection_refused, connect_timeout, hostname_mismatch, unknown_issuer ...
function connect.connect(host, port, given)
  host, port, given = arguments(host, port, given)
  options.expect("connect", 3, given == nil or type(given) == "table", "table", given)
  local set, inline = split(given)
  if not host then
    return nil, port
  end
  local ctx, err = context_for(set, inline)
  if not ctx then
    return nil, err
  end
  local made
  made, err = begin(ctx, host, port, set)
  return made, err
end

return connect
