--- luasec.tls: contexts of the material, and both ends of a connection in one process. LuaSec cannot look at the
--- name in a certificate: its clients check the chain alone.

local bench = require "clock"
local socket = require "socket"
local ssl = require "ssl"

local tls = {}

local function new_context(set)
  set.protocol = "tlsv1_3"
  return assert(ssl.newcontext(set))
end

function tls.server(kind)
  local base = bench.dir .. kind
  return new_context { mode = "server", verify = "none", key = base .. "-leaf.key", certificate = base .. "-chain.pem" }
end

function tls.client(kind)
  return new_context { mode = "client", verify = "peer", cafile = bench.dir .. kind .. "-root.pem" }
end

--- A listening socket; others may share the port.
function tls.listen(port)
  local listener = assert(socket.tcp4())
  assert(listener:setoption("reuseaddr", true))
  assert(listener:setoption("reuseport", true))
  assert(listener:bind("127.0.0.1", port))
  assert(listener:listen(1024))
  return listener, tonumber((select(2, listener:getsockname())))
end

--- TLS over a connected socket, which waits for nothing.
function tls.over(plain, context)
  plain:setoption("tcp-nodelay", true)
  local conn = assert(ssl.wrap(plain, context))
  conn:settimeout(0)
  return conn
end

local waits = { wantread = true, wantwrite = true, timeout = true }

local function shaken(conn)
  local done, why = conn:dohandshake()
  assert(done or waits[why], why)
  return done
end

--- Two connections over loopback, their handshakes done.
function tls.pair(listener, port, client, server)
  local near = assert(socket.tcp4())
  assert(near:connect("127.0.0.1", port))
  local far = tls.over(assert(listener:accept()), server)
  near = tls.over(near, client)
  near:sni "localhost"
  local opened, accepted
  repeat
    opened = opened or shaken(near)
    accepted = accepted or shaken(far)
  until opened and accepted
  return near, far
end

--- Reads so many bytes.
function tls.read(conn, size)
  local got, why, part
  repeat
    got, why, part = conn:receive(size, part)
    assert(got or waits[why], why)
  until got
  return got
end

return tls
