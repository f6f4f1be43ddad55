--- listener: sockets that accept TLS connections.
--
-- Accepting never performs a handshake: a slow or hostile peer holds up nobody but its own task.

local conn = require "lacre.conn"
local door = require "lacre.net.door"
local lacre_error = require "lacre.error"
local merged = require "lacre.merged"
local options = require "lacre.options"
local parted = require "lacre.options.parted"
local settings = require "lacre.tls.settings"
local stream = require "lacre.net.stream"
local target = require "lacre.net.target"
local wait = require "lacre.wait"

local listener = {}

---@class lacre.listener
local Listener = {}
Listener.__index = Listener
Listener.__name = "lacre.listener"

local own_schema = {
  context = { type = "table" },
  handshake_timeout = { type = "duration", default = 10 },
}

--- Everything that `listen` takes: for those who hand options on to it.
listener.schema = merged(settings.server_schema, door.schema, own_schema)

local split = parted.by("listen", settings.server_schema, door.schema, own_schema)

--- Listens for connections. Takes the options of the listener and, without `context`, those of `lacre.server`.
---@param given table `port` is required, 0 picks a free one; `host` is 127.0.0.1 by default, "*" is all addresses
---@return lacre.listener?
---@return lacre.error? err address_in_use, permission_denied, address_unavailable, key_mismatch ...
function listener.listen(given)
  options.argument("listen", 1, given, "table")
  local set, inline = split(given)
  local ctx, err = settings.of_call("listen", "server", set.context, inline)
  local socket
  if ctx then
    socket, err = door.bind(set)
    if err then
      lacre_error.annotate(err, { host = set.host, port = set.port })
    end
  end
  if not socket then
    return nil, err
  end
  local shared = { io_timeout = set.io_timeout, handshake_timeout = set.handshake_timeout, wait = set.wait }
  return setmetatable({ socket = socket, context = ctx, set = shared }, Listener)
end

--- Accepts the next connection; its handshake is not done yet.
---@param seconds? number|string nil waits for ever
---@return lacre.conn?
---@return lacre.error? err timeout, closed, too_many_files
function Listener:accept(seconds)
  local socket, address = door.accept(self.socket, seconds, self.set.wait)
  if not socket then
    return nil, address
  end
  local made, err = conn.over(self.context, socket, self.set)
  if made then
    made.address = address
  end
  return made, err
end

--- The address it listens on.
---@return string? host
---@return integer? port
function Listener:address()
  return stream.place(self.socket, "address")
end

--- Uses another context for new connections; open ones keep theirs.
---@param ctx lacre.context
function Listener:set_context(ctx)
  if not settings.is(ctx, "server") then
    options.misuse "bad argument #1 to 'set_context' (a server context is expected)"
  end
  self.context = ctx
end

--- Stops listening; accepted connections stay open.
---@return true
function Listener:close()
  wait.forget(self.socket:fd())
  return self.socket:close()
end

Listener.__close = Listener.close

--- The file descriptor, for `select` and event loops, under the names they use: `getfd` and `pollfd`.
---@return integer fd -1 once closed
function Listener:getfd()
  return self.socket:fd()
end

Listener.pollfd = Listener.getfd

--- The events to wait for: readable.
---@return string
function Listener:events() -- luacheck: no self
  return "r"
end

--- No time limit of its own.
---@return nil
function Listener:timeout() -- luacheck: no self
  return nil
end

--- Always false: the descriptor is readable whenever a connection waits.
---@return boolean
function Listener:dirty() -- luacheck: no self
  return false
end

function Listener:__tostring()
  local host, port = self:address()
  return host and "lacre.listener: " .. target.format(host, port) or "lacre.listener: closed"
end

return listener
