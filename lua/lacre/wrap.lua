--- wrap: TLS over an existing transport.
--
-- A descriptor, a LuaSocket object and a plain socket of lacre's become an ordinary connection. Anything
-- else that can `read`, `write` and `close` carries the bytes of an engine over memory: how it waits is
-- its own affair. Bytes that were read before TLS began are refused.

local conn = require "lacre.conn"
local core = require "lacre.core"
local dial = require "lacre.net.dial"
local engine = require "lacre.engine"
local lacre_error = require "lacre.error"
local merged = require "lacre.merged"
local options = require "lacre.options"
local parted = require "lacre.options.parted"
local pump = require "lacre.net.pump"
local reference = require "lacre.tls.reference"
local settings = require "lacre.tls.settings"
local starttls = require "lacre.starttls"
local tcp = require "lacre.tcp"

local fail = lacre_error.fail

local wrap = {}

local schema = {
  role = { type = "string", values = { "client", "server" } },
  context = { type = "table" },
  server_name = { type = "string" },
  sni = reference.sni_option,
  io_timeout = dial.schema.io_timeout,
  handshake_timeout = { type = "duration", default = 10 },
  close_fd = { type = "boolean", default = true },
  handshake = { type = "boolean", default = false },
  wait = { type = "function" },
}

local splits = {
  client = parted.by("wrap", settings.client_schema, schema),
  server = parted.by("wrap", settings.server_schema, schema),
}

local function role_of(given)
  local context = given and given.context
  local role = given and given.role or settings.is(context) and context:role()
  if not role then
    options.misuse "missing option 'role' to 'wrap' (\"client\" or \"server\")"
  end
  return splits[role] and role or "client" -- of what is none the schema says so
end

-- what each kind of transport gives: a socket of the core, or false where it is a duck

local function from_fd(fd, set)
  options.expect("wrap", 1, fd >= 0 and fd < 2 ^ 31 and fd % 1 == 0, "descriptor, socket or stream", fd)
  return core.net.adopt(fd, not set.close_fd)
end

local function from_luasocket(object, set)
  if object:dirty() then
    return fail("starttls", "plaintext_pending", "the socket has unread data from before TLS")
  end
  local fd = object:getfd()
  if type(fd) ~= "number" or fd < 0 then
    return fail("connect", "closed", "the socket is closed")
  end
  local socket, err = from_fd(fd, set)
  if socket then
    object:setfd(-1)
  end
  return socket, err
end

-- a server's client speaks first: what waits in the system may be its ClientHello
local function from_plain(plain, ctx)
  local silent, err
  if ctx:role() == "client" then
    silent, err = starttls.must_be_silent(plain)
  elseif plain:dirty() then
    silent, err = fail("starttls", "plaintext_pending", "the socket has unread data from before TLS")
  else
    silent = true
  end
  if not silent then
    return nil, err
  end
  return plain.socket
end

local function has(object, ...)
  for _, name in ipairs { ... } do
    local ok, method = pcall(function()
      return object[name]
    end)
    if not ok or type(method) ~= "function" then
      return false
    end
  end
  return true
end

local function socket_of(transport, set, ctx)
  if type(transport) == "number" then
    return from_fd(transport, set)
  elseif tcp.is(transport) then
    return from_plain(transport, ctx)
  elseif type(transport) ~= "table" and type(transport) ~= "userdata" then
    options.misuse("bad argument #1 to 'wrap' (descriptor, socket or stream expected, got %s)", type(transport))
  elseif has(transport, "getfd", "setfd", "dirty") then
    return from_luasocket(transport, set)
  elseif has(transport, "read", "write", "close") then
    return false
  end
  options.misuse "bad argument #1 to 'wrap' (it has no read, write and close)"
end

local function over_duck(ctx, transport, set)
  local made, name = engine.new_core(ctx, set)
  if not made then
    return nil, name
  end
  local one = pump.new(made, transport)
  local over = conn.assemble(ctx, one, name, pump.socket(transport), set)
  pump.belongs_to(one, over)
  return over
end

--- TLS over a transport: a non-blocking file descriptor, a LuaSocket TCP object, a `lacre.tcp` socket, or
--- anything with `read(self, max)`, `write(self, bytes)` and `close(self)`.
---@param transport any
---@param given table role or context; server_name (clients need it), io_timeout, close_fd, handshake ...
---@return lacre.conn? conn its handshake is done by the first read or write, or with `handshake = true`
---@return lacre.error? err plaintext_pending, closed, bad_name ...
function wrap.wrap(transport, given)
  options.expect("wrap", 2, given == nil or type(given) == "table", "table", given)
  local role = role_of(given)
  local set, inline = splits[role](given)
  local ctx, err = settings.of_call("wrap", role, set.context, inline)
  if not ctx then
    return nil, err
  end
  reference.required(ctx, set, "wrap")
  set.explicit_name = set.server_name ~= nil
  local socket, made
  socket, err = socket_of(transport, set, ctx)
  if socket then
    made, err = conn.over(ctx, socket, set)
  elseif socket == false then
    made, err = over_duck(ctx, transport, set)
  end
  if not made or not set.handshake then
    return made or nil, err
  end
  local done
  done, err = made:handshake()
  if done then
    return made
  end
  made:abort()
  return nil, err
end

--- The options of a wrap that is a client's unless they say otherwise.
---@param given? table
---@return table
---@package
function wrap.of_client(given)
  local set = merged(given)
  if set.role == nil and set.context == nil then
    set.role = "client"
  end
  return set
end

--- A plain socket goes on as TLS, and is no socket of its own any more: what the two said before is theirs to know.
---@param given? table as `lacre.wrap`; a client unless `role` or `context` says otherwise; the handshake is done
---@return lacre.conn?
---@return lacre.error? err plaintext_pending, and what a handshake says
function tcp.methods:starttls(given)
  options.expect("starttls", 1, given == nil or type(given) == "table", "table", given)
  local made, err = wrap.wrap(self, merged({ handshake = true }, wrap.of_client(given)))
  return made, err
end

--- Plain sockets, that have learned this.
wrap.tcp = tcp

return wrap
