-- One write, and all of it read as a string. VARIANT: 16k 64k
local bench = require "bench"
local pair = require "pair"

local assert = bench.assert

local size = bench.variant == "16k" and 16384 or 65536
local out = ("\0"):rep(size)
local near, far = pair.over_sockets(pair.listen(), bench.client "ecdsa", bench.server "ecdsa")

bench.repeated(function()
  assert(near:write(out))
  local got = 0
  repeat
    got = got + #far:receive()
  until got == size
end)
