--- listener: sockets that accept TLS connections.
--
-- Accepting never performs a handshake: a slow or hostile peer holds up nobody but its own task.

local conn = require "lacre.conn"
local settings = require "lacre.settings"
local core = require "lacre.core"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local target = require "lacre.target"
local tcp = require "lacre.tcp"
local time = require "lacre.time"

local fail = lacre_error.fail

local listener = {}

---@class lacre.listener
local Listener = {}
Listener.__index = Listener
Listener.__name = "lacre.listener"

local schema = {
  context = { type = "table" },
  host = { type = "string", default = "127.0.0.1" },
  port = { type = "integer", required = true },
  backlog = { type = "integer", default = 128 },
  reuse_port = { type = "boolean", default = false },
  v6only = { type = "boolean", default = false },
  handshake_timeout = { type = "duration", default = 10 },
  io_timeout = tcp.schema.io_timeout,
}

local function split(given)
  local mine, theirs = {}, nil
  for name, value in pairs(given) do
    if schema[name] then
      mine[name] = value
    else
      theirs = theirs or {}
      theirs[name] = value
    end
  end
  return mine, theirs
end

local function context_for(set, inline)
  if set.context and inline then
    options.misuse("contradictory options to 'listen' (context, and '%s')", tostring(next(inline)))
  elseif set.context and not settings.is(set.context, "server") then
    options.misuse("bad option 'context' to 'listen' (a server context is expected)")
  end
  if set.context then
    return set.context
  end
  return settings.server(inline or {})
end

-- "*" is every address, of both families
local function bind(set)
  local address = set.host == "*" and "::" or set.host
  local socket, err = core.net.listen(address, set.port, set.backlog, set.reuse_port, set.v6only)
  if not socket and set.host == "*" and err.code == "address_unavailable" then
    socket, err = core.net.listen("0.0.0.0", set.port, set.backlog, set.reuse_port, set.v6only)
  elseif not socket and err.code == "bad_name" then
    local rows
    rows, err = core.resolver.resolve(set.host, "any")
    if rows then
      return core.net.listen(rows[1].address, set.port, set.backlog, set.reuse_port, set.v6only)
    end
  end
  return socket, err
end

--- Listens: options of the listener and, without `context`, those of `lacre.server`.
---@param given table `port` is required, 0 for any; `host` is 127.0.0.1 by default, "*" for every address
---@return lacre.listener?
---@return lacre.error? err address_in_use, permission_denied, address_unavailable, key_mismatch ...
function listener.listen(given)
  if type(given) ~= "table" then
    options.misuse("bad argument #1 to 'listen' (table expected, got %s)", type(given))
  end
  local mine, inline = split(given)
  local set = options.check(schema, mine, "listen")
  local ctx, err = context_for(set, inline)
  local socket
  if ctx then
    socket, err = bind(set)
  end
  if not socket then
    return nil, err and lacre_error.annotate(err, { host = set.host, port = set.port })
  end
  return setmetatable({ socket = socket, context = ctx, set = set }, Listener)
end

local function accepted(self, socket, address, port)
  return conn.over(self.context, socket, {
    host = address, port = port, address = address,
    io_timeout = self.set.io_timeout, handshake_timeout = self.set.handshake_timeout,
  })
end

--- The next connection, whose handshake is still to be done.
---@param seconds? number|string nil waits for ever
---@return lacre.conn?
---@return lacre.error? err timeout, closed, too_many_files
function Listener:accept(seconds)
  seconds = seconds and lacre_error.assert(time.duration(seconds))
  local deadline = seconds and time.monotonic() + seconds
  while true do
    local socket, address, port = self.socket:accept()
    if socket then
      return accepted(self, socket, address, port)
    elseif address ~= "want_read" then
      return nil, address
    end
    local ready, err = tcp.await(self.socket, "want_read", deadline, "timeout", "read")
    if not ready then
      return nil, err
    elseif self.socket:fd() < 0 then
      return fail("read", "closed", "the listener is closed")
    end
  end
end

---@return string host, integer port
function Listener:address()
  return self.socket:address()
end

--- Serves new connections with another context; those that are open keep theirs.
---@param ctx lacre.context
function Listener:set_context(ctx)
  if not settings.is(ctx, "server") then
    options.misuse("bad argument #1 to 'set_context' (a server context is expected)")
  end
  self.context = ctx
end

---@return true
function Listener:close()
  return self.socket:close()
end

Listener.__close = Listener.close

---@return integer fd
function Listener:getfd()
  return self.socket:fd()
end

Listener.pollfd = Listener.getfd

function Listener:events()
  return "r"
end

function Listener:timeout()
  return nil
end

function Listener:dirty()
  return false
end

function Listener:__tostring()
  local host, port = self:address()
  return host and "lacre.listener: " .. target.format(host, port) or "lacre.listener: closed"
end

return listener
