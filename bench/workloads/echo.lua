-- A round trip of 64 bytes.
local bench = require "workload"
local pair = require "pair"

local size = tonumber(bench.variant)
local out = ("a"):rep(size)
local near, far = pair.over_sockets(pair.listen(), bench.client "ecdsa", bench.server "ecdsa")

bench.repeated(function()
  assert(near:write(out))
  assert(far:write(assert(far:read(size))))
  assert(near:read(size) == out)
end)
