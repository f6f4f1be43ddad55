-- A context made and dropped. VARIANT: server client bundle
local bench = require "workload"
local context = require "lacre.context"

local made = {
  server = function()
    bench.server "ecdsa"
  end,
  client = function()
    bench.client "ecdsa"
  end,
  bundle = function()
    bench.assert(context.client { trust = bench.dir .. "bundle.pem" })
  end,
}

bench.repeated(made[bench.variant])
