-- A connection from nothing to closed. VARIANT: sock-ecdsa sock-rsa
local bench = require "clock"
local tls = require "luaossl.tls"

local where, kind = bench.variant:match "^(%w+)-(%w+)$"
if where == "mem" then
  bench.lacks "connections over memory"
end
local client, server = tls.client(kind), tls.server(kind)
local listener, port = tls.listen(0)

tls.repeated(function()
  local far = tls.accept(listener, server)
  assert(far:write "x")
  far:close()
end, function()
  local near = tls.connect(port, client)
  assert(near:read(1) == "x")
  near:close()
end)
