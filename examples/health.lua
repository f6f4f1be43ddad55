-- Judges the TLS of some hosts, and tells every reason.
-- Run: lua examples/health.lua HOST[:PORT] ... (exit code 0: all pass)
local lacre = require "lacre"

local results = lacre.assert(lacre.tool.health { targets = arg, warn = "auto", timeout = "5s" })
for _, result in ipairs(results) do
  print(result.grade, result.target, result.days_left and ("%.0f days"):format(result.days_left) or "-")
  for _, problem in ipairs(result.problems) do
    print("", problem.code, problem.message)
  end
end
os.exit(results.worst == "pass" and 0 or 1)
