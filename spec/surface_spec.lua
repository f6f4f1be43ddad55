-- The public names, exactly: a name that appears or goes is a decision, not an accident.
local lacre = require "lacre"

local function names(module)
  local list = {}
  for name in pairs(module) do
    if not tostring(name):find "^_" then
      list[#list + 1] = tostring(name)
    end
  end
  table.sort(list)
  return table.concat(list, " ")
end

local modules = {
  error = "annotate assert codes fail is new",
  loop = "condition map now on_error on_signal pcall run running sleep spawn stop wait with_timeout",
  time = "duration format humanize monotonic now parse",
}

describe("the surface", function()
  for name, expected in pairs(modules) do
    it("of lacre." .. name .. " is as decided", function()
      assert.equal(expected, names(require("lacre." .. name)))
    end)
  end

  it("raises on a misspelt member, with a suggestion", function()
    local ok, why = pcall(function()
      return lacre.conect
    end)
    assert.is_false(ok)
    assert.matches("did you mean 'connect'", why)
  end)

  it("has every promised member", function()
    for _, name in ipairs {
      "adapt", "assert", "ca", "cert", "client", "connect", "error", "http", "key", "listen", "loop", "name", "on_warning",
      "pem", "pin", "serve", "server", "store", "tcp", "time", "tool", "verify", "wrap", "VERSION", "ciphers", "groups", "sigalgs", "digest", "random",
    } do
      assert.is_not_nil(lacre[name], name)
    end
  end)
end)
