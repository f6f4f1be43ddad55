--- workload: what the workloads in Lua share: their arguments, the clock, the contexts.
--
--   lua5.4 bench/workloads/WORKLOAD.lua VARIANT COUNT
--
-- BENCH_DATA (or MEASURE_DATA, of a harness that puts these beside other peers) names the material.

local context = require "lacre.context"
local lacre_error = require "lacre.error"
local time = require "lacre.time"

local directory = os.getenv "BENCH_DATA" or (os.getenv "MEASURE_DATA" or "") .. "/"
local bench = { variant = arg[1], count = tonumber(arg[2]), dir = directory }

bench.assert = lacre_error.assert

--- How many operations go before, uncounted.
function bench.warm_up()
  return math.max(1, math.min(200, math.floor(bench.count / 10)))
end

--- Starts the clock.
function bench.start()
  collectgarbage()
  bench.began, bench.began_at = os.clock(), time.monotonic()
end

--- Stops it and prints the line of the result.
function bench.stop(more)
  local cpu, wall = os.clock() - bench.began, time.monotonic() - bench.began_at
  print(("ops=%d wall=%.6f cpu=%.6f %s"):format(bench.count, wall, cpu, more or ""))
end

--- A workload that is the same operation over and over.
function bench.repeated(operation)
  for _ = 1, bench.warm_up() do
    operation()
  end
  bench.start()
  for _ = 1, bench.count do
    operation()
  end
  bench.stop()
end

--- Bytes of memory this process has.
function bench.resident()
  local handle = assert(io.open "/proc/self/statm")
  local _, pages = handle:read("*n", "*n")
  handle:close()
  return pages * 4096
end

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
