--- workload: what the workloads in Lua share: their arguments, the clock, the contexts.
--
--   lua5.4 bench/workloads/WORKLOAD.lua VARIANT COUNT
--
-- BENCH_DATA (or MEASURE_DATA, of a harness that puts these beside other peers) names the material.

local context = require "lacre.context"
local lacre_error = require "lacre.error"

local bench = require "clock"

bench.assert = lacre_error.assert

--- A server's context with an identity of the material.
function bench.server(kind, given)
  local set = {
    cert = bench.dir .. kind .. "-chain.pem", key = bench.dir .. kind .. "-leaf.key", min_version = "1.3",
    groups = { "X25519" },
  }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return bench.assert(context.server(set))
end

--- A client's context that trusts the root of the material.
function bench.client(kind, given)
  local set = { trust = bench.dir .. kind .. "-root.pem", min_version = "1.3", groups = { "X25519" }, sessions = false }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return bench.assert(context.client(set))
end

return bench
