-- An echo server on the port COUNT, until it is ended; others may share the port.
local bench = require "workload"
local serve = require("lacre.serve").serve

local set = { port = bench.count, context = bench.server "ecdsa", reuse_port = true }
set.on_error = function() end
bench.assert(serve(set, function(conn)
  while true do
    local data = conn:receive()
    if not data or not conn:write(data) then
      return
    end
  end
end))
