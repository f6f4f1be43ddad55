-- A connection from nothing to closed. VARIANT: mem-ecdsa mem-rsa sock-ecdsa sock-rsa
local bench = require "workload"
local pair = require "pair"

local where, kind = bench.variant:match "^(%w+)-(%w+)$"
local client, server = bench.client(kind), bench.server(kind)

if where == "mem" then
  bench.repeated(function()
    pair.over_memory(client, server)
  end)
else
  local listener = pair.listen()
  bench.repeated(function()
    local near, far = pair.over_sockets(listener, client, server)
    far:write "x"
    assert(near:read(1) == "x")
    near:close()
    far:close()
  end)
end
