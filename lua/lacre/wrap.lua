--- wrap: TLS over a transport somebody else made.
--
-- A descriptor, a LuaSocket object and a plain socket of lacre's become an ordinary connection. Anything
-- else that can `read`, `write` and `close` carries the bytes of an engine over memory: how it waits is
-- its own affair. Bytes that were read before TLS began are refused.

local conn = require "lacre.conn"
local core = require "lacre.core"
local dial = require "lacre.dial"
local engine = require "lacre.engine"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local settings = require "lacre.settings"
local starttls = require "lacre.starttls"
local tcp = require "lacre.tcp"

local fail = lacre_error.fail

local wrap = {}

local schema = {
  role = { type = "string", values = { "client", "server" } },
  context = { type = "table" },
  server_name = { type = "string" },
  sni = engine.sni_option,
  io_timeout = dial.schema.io_timeout,
  handshake_timeout = { type = "duration", default = 10 },
  close_fd = { type = "boolean", default = true },
  handshake = { type = "boolean", default = false },
}

local function split(given)
  local mine, theirs = {}, {}
  for name, value in pairs(given or {}) do
    local part = schema[name] and mine or theirs
    part[name] = value
  end
  return options.check(schema, mine, "wrap"), theirs
end

local function context_for(set, inline)
  local ctx = set.context
  if ctx and next(inline) then
    options.misuse("contradictory options to 'wrap' (context, and '%s')", tostring(next(inline)))
  elseif ctx and not settings.is(ctx, set.role) then
    options.misuse "bad option 'context' to 'wrap' (a context of that role is expected)"
  elseif ctx then
    return ctx
  elseif not set.role then
    options.misuse "missing option 'role' to 'wrap' (\"client\" or \"server\")"
  end
  return settings[set.role](inline)
end

-- what each kind of transport gives: a socket of the core, or false where it is a duck

local function from_fd(fd, set)
  return core.net.adopt(fd, not set.close_fd)
end

local function from_luasocket(object, set)
  if object:dirty() then
    return fail("starttls", "plaintext_pending", "the socket has bytes that were not read")
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
    silent, err = fail("starttls", "plaintext_pending", "the socket has bytes that were not read")
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

-- a duck: an engine over memory that fetches what it wants -----------------------------------

local Pump = {}

local CHUNK = 16384

local function transport_error(why, stage)
  if lacre_error.is(why) then
    return why
  end
  return select(2, fail(stage, "io_error", "the transport failed: %s", tostring(why)))
end

function Pump:flush()
  local bytes = self.engine:drain(0x7fffffff)
  if bytes == "" then
    return true
  end
  local sent, why = self.transport:write(bytes)
  if not sent then
    return nil, transport_error(why, "write")
  end
  return true
end

-- more of the wire; its end is fed as an end
function Pump:fetch()
  local flushed, err = self:flush()
  if not flushed then
    return nil, err
  end
  local bytes, why = self.transport:read(CHUNK)
  if bytes and bytes ~= "" then
    self.engine:feed(bytes)
    return true
  elseif lacre_error.is(why) and why.code ~= "closed" then
    return nil, why
  end
  self.engine:feed_eof()
  return true
end

-- a step of the engine, repeated with more of the wire; what it made is sent
local function pumped(name)
  return function(self, ...)
    while true do
      local result, why = self.engine[name](self.engine, ...)
      local moved, err = self:flush()
      if result ~= nil or why ~= "want_read" then
        if result ~= nil and not moved then
          return nil, err
        end
        return result, why
      end
      moved, err = self:fetch()
      if not moved then
        return nil, err
      end
    end
  end
end

for _, name in ipairs { "handshake", "read", "write", "shutdown" } do
  Pump[name] = pumped(name)
end

function Pump:close()
  self:flush()
  return self.engine:close()
end

-- everything else is the engine's
local pump_metatable = {
  __index = function(self, name)
    local own = Pump[name]
    if own then
      return own
    end
    local made = function(_, ...)
      return self.engine[name](self.engine, ...)
    end
    rawset(self, name, made)
    return made
  end,
}

-- what a connection asks of its socket
local function duck_socket(transport)
  return {
    fd = function()
      return -1
    end,
    close = function()
      transport:close()
      return true
    end,
    peer = function() end,
    address = function() end,
    receive = function() end,
  }
end

local function over_duck(ctx, transport, set)
  local made, name = engine.new_core(ctx, set)
  if not made then
    return nil, name
  end
  local pump = setmetatable({ engine = made, transport = transport }, pump_metatable)
  return conn.assemble(ctx, pump, name, duck_socket(transport), set)
end

--- TLS over a transport: a non-blocking descriptor, a LuaSocket TCP object, a `lacre.tcp` socket, or
--- anything with `read(self, max)`, `write(self, bytes)` and `close(self)`.
---@param transport any
---@param given table role or context; server_name (clients need it), io_timeout, close_fd, handshake ...
---@return lacre.conn? conn its handshake is done by the first read or write, or with `handshake = true`
---@return lacre.error? err plaintext_pending, closed, bad_name ...
function wrap.wrap(transport, given)
  local set, inline = split(given)
  local ctx, err = context_for(set, inline)
  if not ctx then
    return nil, err
  end
  engine.must_have_name(ctx, set, "wrap")
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

return wrap
