-- An echo server on the port COUNT, until it is ended.
local bench = require "workload"
local serve = require("lacre.serve").serve

bench.assert(serve({ port = bench.count, context = bench.server "ecdsa", on_error = function() end }, function(conn)
  while true do
    local data = conn:receive()
    if not data or not conn:write(data) then
      return
    end
  end
end))
