-- One write, and all of it read as a string. VARIANT: 16k 64k
local bench = require "clock"
local tls = require "luaossl.tls"

local size = bench.variant == "16k" and 16384 or 65536
local out = ("\0"):rep(size)
local near, far = tls.ends()

-- whoever reads has the clock: whoever writes is ahead
tls.repeated(function()
  assert(near():write(out))
end, function()
  assert(#far():read(size) == size)
end)
