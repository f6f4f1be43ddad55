-- One of several echo servers on the port COUNT, until it is ended.
local bench = require "workload"

bench.reuse_port = true
dofile "bench/workloads/server.lua"
