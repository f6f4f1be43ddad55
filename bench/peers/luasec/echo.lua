-- 64 bytes there and back. VARIANT: 64
local bench = require "clock"
local tls = require "luasec.tls"

local listener, port = tls.listen(0)
local near, far = tls.pair(listener, port, tls.client "ecdsa", tls.server "ecdsa")
local out = ("a"):rep(64)

bench.repeated(function()
  assert(near:send(out))
  assert(far:send(tls.read(far, 64)))
  assert(tls.read(near, 64) == out)
end)
