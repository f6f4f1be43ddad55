-- Checks the TLS of some hosts, and prints every problem. Exit code 0 if all pass.
--   lua examples/health.lua HOST[:PORT] ...
local lacre = require "lacre"

local results = lacre.assert(lacre.tool.health { targets = arg, warn = "auto", timeout = "5s" })
for _, result in ipairs(results) do
  print(result.grade, result.target, result.days_left and ("%.0f days"):format(result.days_left) or "-")
  for _, problem in ipairs(result.problems) do
    print("", problem.code, problem.message)
  end
end
os.exit(results.worst == "pass" and 0 or 1)
