-- What each idle connection adds to a server's memory. VARIANT: conn
local bench = require "clock"
local ssl = require "ssl"
local tls = require "luasec.tls"

if bench.variant == "serve" then
  bench.lacks "tasks"
end
local context = tls.server "ecdsa"
local listener, port = tls.listen(0)

bench.idle(port, function()
  local plain = assert(listener:accept())
  plain:setoption("tcp-nodelay", true)
  local conn = assert(ssl.wrap(plain, context))
  assert(conn:dohandshake())
  assert(conn:send "x")
  assert(conn:receive(1))
  return conn
end)
