-- Whatever system call a process dies at, or fails at, the directory of a CA is whole or mended by one
-- command; no serial is used twice, and no certificate leaves without record.
local lfs = require "lfs"
local process = require "spec.support.process"

local build = os.getenv "BUILD"

-- deaths at every call, failures at every third; CRASH=1 both at every call, CRASH=4 both at every fourth
local step = tonumber(os.getenv "CRASH")
local steps = { kill = step or 1, torn = step or 1, full = step or 3, denied = step or 3, broken = step or 3 }

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
