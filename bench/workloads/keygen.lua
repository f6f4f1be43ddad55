-- A key generated. VARIANT: its kind
local bench = require "workload"
local key = require "lacre.key"

bench.repeated(function()
  bench.assert(key.generate(bench.variant))
end)
