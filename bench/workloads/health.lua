-- Many hosts at once: connect, handshake, everything judged. VARIANT is how many are in flight.
local bench = require "workload"
local core = require "lacre.core"
local health = require "lacre.tool.health"
local tcp = require "lacre.tcp"

local port = 20000 + core.signals.process() % 9000
local server = io.popen(('trap "" PIPE; "$BENCH_LIMIT" server echo %d & read x; kill $! 2>/dev/null'):format(port), "w")
while not tcp.connect("127.0.0.1", port) do
  os.execute "sleep 0.02"
end

local function survey(count)
  local list = {}
  for i = 1, count do
    list[i] = ("localhost@127.0.0.1:%d"):format(port)
  end
  local results = bench.assert(health {
    targets = list, trust = bench.dir .. "ecdsa-root.pem", no_old = true, concurrency = tonumber(bench.variant),
  })
  if results.counts.pass ~= count then
    error(health.text(results, require("lacre.report.style").new(false)))
  end
end

survey(bench.warm_up())
bench.start()
survey(bench.count)
bench.stop()
server:close()
