-- The same, resumed with the newest ticket of the last connection. VARIANT: mem sock
local bench = require "workload"
local pair = require "pair"

local client, server = bench.client("ecdsa", { sessions = 4 }), bench.server "ecdsa"
local count = 0

-- now and then: to tell everything of a connection is not what is measured
local function check(near)
  count = count + 1
  assert(count % 16 ~= 0 or near:info().resumed, "not resumed")
end

if bench.variant == "mem" then
  bench.repeated(function()
    pair.over_memory(client, server, check)
  end)
else
  local listener = pair.listen()
  bench.repeated(function()
    local near, far = pair.over_sockets(listener, client, server)
    far:write "x"
    assert(near:read(1) == "x")
    check(near)
    near:close()
    far:close()
  end)
end
