-- The same, resumed with the newest ticket of the last connection. VARIANT: mem sock
local bench = require "workload"
local pair = require "pair"

local client, server = bench.client("ecdsa", { sessions = 4 }), bench.server "ecdsa"
local first = true

local function check(info)
  assert(first or info.resumed, "not resumed")
  first = false
end

if bench.variant == "mem" then
  bench.repeated(function()
    check(pair.over_memory(client, server))
  end)
else
  local listener = pair.listen()
  bench.repeated(function()
    local near, far = pair.over_sockets(listener, client, server)
    far:write "x"
    assert(near:read(1) == "x")
    check(near:info())
    near:close()
    far:close()
  end)
end
