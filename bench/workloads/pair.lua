--- pair: both ends of a connection in one process, over memory and over loopback.

local bench = require "workload"
local conn = require "lacre.conn"
local core = require "lacre.core"

local assert = bench.assert

local pair = {}

-- what one end has for the wire goes to the other
local function carry(from, to)
  local bytes = from:drain()
  if bytes ~= "" then
    to:feed(bytes)
  end
  return bytes ~= ""
end

--- A connection over memory, from nothing to closed; one byte brings the client its tickets. `look` sees the client.
function pair.over_memory(client_context, server_context, look)
  local client = assert(client_context:engine { server_name = "localhost" })
  local server = assert(server_context:engine())
  local opened, accepted
  repeat
    opened = assert(client:handshake() or not opened and client:state() ~= "failed")
    carry(client, server)
    accepted = server:handshake()
    carry(server, client)
  until accepted and client:is_open()
  assert(server:write "x")
  carry(server, client)
  assert(client:read() == "x")
  if look then
    look(client)
  end
  client:shutdown()
  server:shutdown()
  client:close()
  server:close()
end

--- A listening socket on loopback.
function pair.listen()
  local socket = assert(core.net.listen("127.0.0.1", 0, 64))
  local _, port = socket:address()
  return { socket = socket, port = port }
end

-- both handshakes in turn, for nobody else drives them
local function shake(client, server)
  local opened, accepted
  repeat
    if not opened then
      opened = client.core:handshake()
    end
    if not accepted then
      accepted = server.core:handshake()
    end
  until opened and accepted
  assert(client:handshake())
  assert(server:handshake())
end

--- Two connections over loopback, their handshakes done.
function pair.over_sockets(listener, client_context, server_context)
  local near = assert(core.net.connect("127.0.0.1", listener.port))
  near:options(true, false)
  local far
  repeat
    far = listener.socket:accept()
  until far
  assert(near:connected())
  local client = assert(conn.over(client_context, near, { server_name = "localhost", explicit_name = false }))
  local server = assert(conn.over(server_context, far, {}))
  shake(client, server)
  return client, server
end

return pair
