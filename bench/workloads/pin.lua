-- The pin of a certificate. VARIANT: first kept
local bench = require "workload"
local cert = require "lacre.cert"
local pin = require "lacre.pin"

local leaf = bench.assert(cert.load(bench.dir .. "ecdsa-leaf.pem"))

bench.repeated(bench.variant == "kept" and function()
  return leaf:pin()
end or function()
  return tostring(pin.of(leaf))
end)
