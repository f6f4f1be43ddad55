--- clock: what every program in Lua that is measured shares, with lacre or without: its arguments and the clock.

local directory = os.getenv "BENCH_DATA" or (os.getenv "MEASURE_DATA" or "") .. "/"
local bench = { variant = arg[1], count = tonumber(arg[2]), dir = directory }

--- How many operations go before, uncounted.
function bench.warm_up()
  return math.max(1, math.min(200, math.floor(bench.count / 10)))
end

--- Starts the clock.
function bench.start()
  collectgarbage()
  bench.began, bench.began_at = os.clock(), os.time()
end

--- Stops it and prints the line of the result.
function bench.stop(more)
  local cpu, wall = os.clock() - bench.began, os.time() - bench.began_at
  print(("ops=%d wall=%d cpu=%.6f %s"):format(bench.count, wall, cpu, more or ""))
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

--- What many idle clients of `load` add to this process: `accept` gives the next one, open and with a byte each way.
function bench.idle(port, accept)
  local clients = io.popen(('BENCH_PORT=%d "$BENCH_LIMIT" load idle %d'):format(port, bench.count + 50), "w")
  local before
  for i = 1, bench.count + 50 do
    bench[i] = accept() -- held
    if i == 50 then
      collectgarbage()
      before = bench.resident()
    end
  end
  collectgarbage()
  print(("ops=%d bytes_each=%d"):format(bench.count, math.floor((bench.resident() - before) / bench.count)))
  clients:close()
end

--- Says that this peer cannot do what is asked, and ends.
function bench.lacks(what)
  print("lacks: " .. what)
  os.exit(0)
end

return bench
