-- A CA on disk as it grows: what one more certificate costs, and what list, crl and check take.
--   make bench-ca, or: lua5.4 bench/workloads/ca_store.lua DIRECTORY [COUNT]       (the directory must not exist)
local ca = require "lacre.ca"
local lacre_error = require "lacre.error"
local time = require "lacre.time"

local assert = lacre_error.assert
local directory, count = arg[1], tonumber(arg[2]) or 10000

local authority = assert(assert(ca.new {}):save(directory))

local function timed(what, times, run)
  local wall, cpu = time.monotonic(), os.clock()
  for _ = 1, times do
    run()
  end
  wall, cpu = (time.monotonic() - wall) / times, (os.clock() - cpu) / times
  print(("%-34s %9.2f ms  %9.2f ms of CPU"):format(what, wall * 1e3, cpu * 1e3))
end

local function issue()
  assert(authority:issue { hosts = { "bench.test" } })
end

local function list()
  local n = 0
  for _ in assert(authority:list()) do
    n = n + 1
  end
  return n
end

local have = 0
for _, goal in ipairs { 100, 1000, count } do
  for _ = have + 1, goal do
    issue()
  end
  have = goal
  print(("with %d certificates"):format(goal))
  timed("  one more", 50, issue)
  have = have + 50
  local serial = assert(authority:list())().serial
  timed("  find one", 50, function()
    assert(authority:find(serial))
  end)
  timed("  list", 3, list)
  timed("  crl", 3, function()
    assert(authority:crl())
  end)
end
timed("check", 1, function()
  assert(assert(ca.check(directory)).ok)
end)
