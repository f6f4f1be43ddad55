-- What each idle connection adds to a server's memory. VARIANT: conn (held by a list), serve (in its own task)
local bench = require "workload"
local listen = require("lacre.listener").listen
local loop = require "lacre.loop"

local WARM = 50
local held, before, clients = {}, nil, nil

local function begin(port)
  clients = io.popen(('BENCH_PORT=%d "$BENCH_LIMIT" load idle %d'):format(port, bench.count + WARM), "w")
end

local function accepted(conn)
  bench.assert(conn:write "x")
  bench.assert(conn:read(1))
  held[#held + 1] = conn
  if #held == WARM then
    collectgarbage()
    before = bench.resident()
  end
end

local function report()
  collectgarbage()
  print(("ops=%d bytes_each=%d"):format(bench.count, math.floor((bench.resident() - before) / bench.count)))
  clients:close()
end

local function in_tasks(listener)
  local full = loop.condition()
  for _ = 1, bench.count + WARM do
    local conn = bench.assert(listener:accept())
    loop.spawn(function()
      accepted(conn)
      full:notify()
      conn:read(1)
    end)
    full:wait(1)
  end
  report()
  for _, conn in ipairs(held) do
    conn:abort()
  end
end

local listener = bench.assert(listen { port = 0, context = bench.server "ecdsa", io_timeout = false })
begin(select(2, listener:address()))
if bench.variant == "serve" then
  loop.run(in_tasks, listener)
else
  for _ = 1, bench.count + WARM do
    accepted(bench.assert(listener:accept()))
  end
  report()
end
