-- A connection from nothing to closed. VARIANT: sock-ecdsa sock-rsa
local bench = require "clock"
local tls = require "luasec.tls"

local where, kind = bench.variant:match "^(%w+)-(%w+)$"
if where == "mem" then
  bench.lacks "connections over memory"
end
local client, server = tls.client(kind), tls.server(kind)
local listener, port = tls.listen(0)

bench.repeated(function()
  local near, far = tls.pair(listener, port, client, server)
  assert(far:send "x")
  assert(tls.read(near, 1) == "x")
  near:close()
  far:close()
end)
