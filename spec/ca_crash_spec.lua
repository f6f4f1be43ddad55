-- Whatever system call a process dies at, or fails at, the directory of a CA is whole or mended by one
-- command; no serial is used twice, and no certificate leaves without record.
local lfs = require "lfs"
local process = require "spec.support.process"

local build = os.getenv "BUILD"

-- deaths at every call; failures at every third, unless CRASH=all
local steps = { kill = 1, torn = 1, full = 3, denied = 3, broken = 3 }
if os.getenv "CRASH" == "all" then
  steps = setmetatable({}, { __index = function()
    return 1
  end })
end

-- in memory where there is such a place: what is proved is order, not the disk
local function directory()
  local base = lfs.attributes("/dev/shm", "mode") == "directory" and "/dev/shm" or "/tmp"
  return ("%s/lacre-crash-%s"):format(base, os.tmpname():match "[^/]*$")
end

describe("a CA on disk survives", function()
  for _, operation in ipairs { "init", "issue", "deliver", "revoke", "release", "crl", "repair" } do
    for _, mode in ipairs { "kill", "torn", "full", "denied", "broken" } do
      it(("%s at each system call of %s"):format(mode, operation), function()
        local work = directory()
        local output, code = process.run({ build .. "/crash", "spec/support/ca_crash.lua", operation, mode, work, steps[mode] }, nil, 120)
        process.remove(work)
        assert.equal(0, code, output)
        assert.matches("^%d+ system calls\n$", output)
      end)
    end
  end
end)
