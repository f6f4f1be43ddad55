local options = require "lacre.options"

local schema = {
  min_version = { type = "string", values = { "1.2", "1.3" }, default = "1.2" },
  hosts = { type = "list" },
  timeout = { type = "duration" },
  expires = { type = "instant" },
  count = { type = "integer" },
  trust = { type = { "string", "table" } },
  alpn_required = { elsewhere = "a client option" },
}

local function check(given)
  return options.check(schema, given, "client")
end

describe("options", function()
  local refused = {
    { "an unknown name", { wait = 1 }, "bad option 'wait' to 'client' (unknown)" },
    { "a misspelt name", { min_verison = "1.2" }, "bad option 'min_verison' to 'client' (unknown; did you mean 'min_version'?)" },
    { "two letters swapped", { truts = "x" }, "bad option 'truts' to 'client' (unknown; did you mean 'trust'?)" },
    { "what is near only to what is refused", { alpn_require = 1 }, "bad option 'alpn_require' to 'client' (unknown)" },
    { "a name that is no text", { [true] = 1 }, "bad option 'true' to 'client' (unknown)" },
    { "a name of another place", { alpn_required = true }, "bad option 'alpn_required' to 'client' (a client option)" },
    { "a value not allowed", { min_version = "1.0" }, [[bad option 'min_version' to 'client' ("1.2" or "1.3" expected, got "1.0")]] },
    { "a wrong type", { min_version = 1.2 }, "bad option 'min_version' to 'client' (string expected, got number)" },
    { "false where it is not allowed", { hosts = false }, "bad option 'hosts' to 'client' (list expected, got boolean)" },
    { "a fraction", { count = 1.5 }, "bad option 'count' to 'client' (whole number expected, got 1.5)" },
    { "no duration", { timeout = "soon" }, "bad option 'timeout' to 'client' (not a duration: soon (write 90d, 12h, 30m or 10s))" },
    { "no instant", { expires = "2026-02-30" }, "bad option 'expires' to 'client' (not a time: 2026-02-30)" },
    { "none of several types", { trust = 1 }, "bad option 'trust' to 'client' (string or table expected, got number)" },
  }
  for _, case in ipairs(refused) do
    it("refuses " .. case[1], function()
      local ok, message = pcall(check, case[2])
      assert.is_false(ok)
      assert.equal(case[3], message:gsub("^[^ ]*:%d+: ", ""))
    end)
  end

  it("refuses options that are no table", function()
    assert.error_matches(function() check "x" end, "table expected, got string")
  end)

  it("asks for what is required", function()
    local ok, message = pcall(options.check, { port = { required = true } }, {}, "listen")
    assert.is_false(ok)
    assert.truthy(message:find("missing option 'port' to 'listen'", 1, true))
  end)

  it("fills defaults in, converts, and leaves the given table alone", function()
    local given = { timeout = "1m", expires = "1970-01-02", hosts = { "a" } }
    local set = check(given)
    assert.same({ min_version = "1.2", timeout = 60, expires = 86400, hosts = { "a" } }, set)
    assert.same({ timeout = "1m", expires = "1970-01-02", hosts = { "a" } }, given)
  end)

  it("blames the caller's line", function()
    local function api(given)
      local set = options.check(schema, given, "client")
      return set
    end
    local ok, message = pcall(function()
      api { nonsense = 1 }
    end)
    assert.is_false(ok)
    assert.truthy(message:find("options_spec.lua", 1, true))
  end)
end)
