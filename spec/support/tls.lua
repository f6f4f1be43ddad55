-- tls: both ends of TLS in one process, over memory and over loopback.
local lacre_error = require "lacre.error"
local context = require "lacre.context"
local greeting = require "lacre.tls.greeting"
local listener = require "lacre.listener"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"

local tls = {}

local assert = lacre_error.assert

--- One PKI for everything that needs no special certificate.
tls.root = pki.root()
tls.inter = pki.intermediate(tls.root)
tls.id = pki.issue(tls.inter)

--- A server context for localhost.
function tls.server(given)
  local set = { identity = tls.id }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return assert(context.server(set))
end

--- A client context that trusts the root.
function tls.client(given)
  local set = { trust = tls.root.cert }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return assert(context.client(set))
end

--- Carries bytes from one engine to another; in pieces of `size`, if said.
function tls.carry(from, to, size)
  local bytes = from:drain()
  for at = 1, #bytes, size or math.max(#bytes, 1) do
    to:feed(bytes:sub(at, size and at + size - 1 or -1))
    to:handshake()
  end
  return #bytes
end

--- Both engines as far as they come; each one's last result and error.
function tls.shake(client, server, size)
  local done, err, accepted, why
  repeat
    if err == nil then
      done, err = client:handshake()
    end
    local moved = tls.carry(client, server, size)
    if why == nil then
      accepted, why = server:handshake()
    end
    moved = moved + tls.carry(server, client, size)
  until moved == 0
  return done, err, accepted, why
end

--- A pair of engines with its handshake done.
function tls.engines(client_set, server_set, name)
  local server = assert(tls.server(server_set):engine())
  local client = assert(tls.client(client_set):engine { server_name = name or "localhost" })
  local done, err = tls.shake(client, server)
  if not done then
    return nil, err
  end
  return client, server
end

--- Runs `client(port)` in the loop beside a server whose every connection goes to `handle(conn)`. Gives
--- what `client` returned, and in a table what handlers returned.
function tls.with_server(set, handle, client)
  return loop.run(function()
    local server = assert(listener.listen(set.context and set or { context = tls.server(set), port = 0 }))
    local _, port = server:address()
    local outcomes, tasks = {}, {}
    local acceptor = loop.spawn(function()
      while true do
        local conn = server:accept()
        if not conn then
          return
        end
        tasks[#tasks + 1] = loop.spawn(function()
          outcomes[#outcomes + 1] = { handle(conn) }
          conn:close()
        end)
      end
    end)
    local ok, why = loop.pcall(client, port, server)
    for _, task in ipairs(tasks) do
      task:join(3)
    end
    server:close()
    acceptor:join(1)
    if not ok then
      error(why, 0)
    end
    return outcomes
  end)
end

--- A ClientHello of so many bytes at least, in many small records.
function tls.long_hello(size)
  local ciphers = { 0x1301 }
  for i = 2, 32600 do
    ciphers[i] = 0x3a3a
  end
  local hello = greeting.client { version = 0x0303, versions = { 0x0304, 0x0303 }, ciphers = ciphers, server_name = "localhost" }
  local message, records = hello:sub(6), {}
  local each = math.floor(5 * #message / (size - #message))
  for at = 1, #message, each do
    local piece = message:sub(at, at + each - 1)
    records[#records + 1] = "\22\3\1" .. string.char(math.floor(#piece / 256), #piece % 256) .. piece
  end
  return table.concat(records)
end

--- Sends back what comes until the end; the error that ended it.
function tls.echo(conn)
  while true do
    local data, err = conn:receive()
    if not data then
      return err
    end
    local sent, why = conn:write(data)
    if not sent then
      return why
    end
  end
end

return tls
