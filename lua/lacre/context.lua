--- context: immutable TLS settings, shared by connections and listeners.
--
-- `lacre.tls.settings` builds the object; here it learns to connect, listen and make engines, because
-- only this file may know both.

local connect = require "lacre.connect"
local engine = require "lacre.engine"
local listener = require "lacre.listener"
local merged = require "lacre.merged"
local options = require "lacre.options"
local settings = require "lacre.tls.settings"
local wrap = require "lacre.wrap"

local methods = settings.methods

local function with_context(ctx, given, what, place)
  options.expect(what, place, given == nil or type(given) == "table", "table", given)
  return merged(given, { context = ctx })
end

--- Connects with this context; see `lacre.connect`.
---@param host string
---@param port? integer
---@param given? table options of the connection
---@return lacre.conn?
---@return lacre.error?
function methods:connect(host, port, given)
  if type(host) == "table" then
    return connect.connect(with_context(self, host, "connect", 1))
  elseif type(port) == "table" then
    port, given = nil, port
  end
  return connect.connect(host, port, with_context(self, given, "connect", 3))
end

--- Listens with this context; see `lacre.listen`.
---@param given table options of the listener
---@return lacre.listener?
---@return lacre.error?
function methods:listen(given)
  return listener.listen(with_context(self, given, "listen", 1))
end

--- An engine over memory; see `lacre.engine`.
---@param given? { server_name?: string, sni?: string|false }
---@return lacre.engine?
---@return lacre.error?
function methods:engine(given)
  return engine.new(self, given)
end

--- TLS over an existing transport; see `lacre.wrap`.
---@param transport any
---@param given? table
---@return lacre.conn?
---@return lacre.error?
function methods:wrap(transport, given)
  return wrap.wrap(transport, with_context(self, given, "wrap", 2))
end

return { client = settings.client, server = settings.server, is = settings.is }
