-- 64 bytes there and back. VARIANT: 64
local tls = require "luaossl.tls"

local near, far = tls.ends()
local out = ("a"):rep(64)

tls.repeated(function()
  assert(far():write(far():read(64)))
end, function()
  assert(near():write(out))
  assert(near():read(64) == out)
end)
