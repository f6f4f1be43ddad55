-- A chain verified. VARIANT: ecdsa rsa
local bench = require "workload"
local cert = require "lacre.cert"
local store = require "lacre.store"

local function load(suffix)
  return bench.assert(cert.load(bench.dir .. bench.variant .. suffix))
end
local anchors = bench.assert(store.new(load "-root.pem"))
local leaf, others = load "-leaf.pem", { load "-inter.pem" }

bench.repeated(function()
  bench.assert(anchors:verify(leaf, { intermediates = others, any_name = true }))
end)
