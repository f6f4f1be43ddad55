-- A key generated. VARIANT: its kind
local bench = require "bench"
local key = require "lacre.key"

bench.repeated(function()
  bench.assert(key.generate(bench.variant))
end)
