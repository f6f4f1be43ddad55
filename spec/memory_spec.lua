-- The first law, proved: whatever allocation fails, Lua's or OpenSSL's, nothing crashes or leaks, nothing stays
-- in OpenSSL's queue, and the same works afterwards. MEMORY_LIMIT bounds the failures of each scenario ("all" of
-- them in the full check), spread evenly; support/scenarios.lua says what is done.
local process = require "spec.support.process"

local build = os.getenv "BUILD"
local limit = os.getenv "MEMORY_LIMIT" or (os.getenv "SANITIZER" == "asan" and "20" or "100")
local seconds = 300
if limit == "all" then
  limit, seconds = "1000000", 1800
end

local function names()
  local found = {}
  for name in pairs(require "spec.support.scenarios") do
    found[#found + 1] = name
  end
  table.sort(found)
  return found
end

-- where OpenSSL itself crashes when it runs out of memory
local theirs = { ["key_uri openssl"] = "the decoders that OSSL_STORE tries (3.0)" }

describe("memory", function()
  for _, name in ipairs(names()) do
    for _, who in ipairs { "lua", "openssl" } do
      it(("of %s may fail in %s"):format(who, name), function()
        if theirs[name .. " " .. who] then
          return pending(theirs[name .. " " .. who])
        end
        local output, code =
          process.run({ build .. "/memory", "spec/support/scenarios.lua", name, who, limit }, nil, seconds)
        assert.equal(0, code, output)
        assert.matches("^%d+ of %d+ allocations failed, 0 badly\n$", output)
      end)
    end
  end
end)
