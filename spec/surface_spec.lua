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

  it("answers what is no argument at the caller's place, in the caller's words", function()
    local key = lacre.key.generate()
    local cert = lacre.assert(lacre.cert.create { key = key, hosts = { "a.test" } })
    local ctx = lacre.assert(lacre.client { trust = cert })
    local set = lacre.pin.set { cert:pin(), allow_no_backup = true }
    -- { what is called, what it says }
    local rows = {
      { function() lacre.connect("h", 443, "x") end, "bad argument #3 to 'connect'" },
      { function() lacre.connect("h", 443, { trust = false }) end, "bad option 'trust'" },
      { function() lacre.client { insecure = true } end, "bad option 'insecure' to 'client' %(say what you give up" },
      { function() lacre.store.new(false) end, "bad option 'trust'" },
      { function() key:matches(5) end, "bad argument #1 to 'matches'" },
      { function() cert:is_issued_by(nil) end, "bad argument #1 to 'is_issued_by'" },
      { function() cert:matches_host(nil) end, "bad argument #1 to 'matches_host'" },
      { function() cert:expires_in {} end, "bad argument #1 to 'expires_in'" },
      { function() set:match(true) end, "bad argument #1 to 'match'" },
      { function() ctx:with(5) end, "bad argument #1 to 'with'" },
      { function() ctx:engine({ server_name = "a.test" }):write(5) end, "bad argument #1 to 'write'" },
      { function() lacre.error.new(5) end, "bad argument #1 to 'error.new'" },
      { function() lacre.cert.create { key = key, hosts = { "a.test" }, valid_for = 1e300 } end, "bad option .valid_for. .*past the year 9999" },
    }
    for i, row in ipairs(rows) do
      local ok, why = pcall(row[1])
      assert.is_false(ok, "row " .. i)
      assert.matches("^[^:]*surface_spec.lua:%d+: " .. row[2], why)
    end
  end)

  it("takes no name for what it is not", function()
    assert.equal("no_key", select(2, lacre.pin.of "server.crt").code)
    assert.equal("bad_name", select(2, lacre.connect("a\0b", 443)).code)
    assert.equal("bad_name", select(2, lacre.connect("127.0.0.010", 443)).code) -- octal for some, ten for others
    local ctx = lacre.assert(lacre.client())
    assert.equal("bad_name", select(2, ctx:engine { server_name = "*.example.test" }).code)
  end)

  it("tells of OpenSSL", function()
    local openssl = lacre.openssl
    assert.matches("^%d+%.%d+%.%d+", openssl.version)
    assert.is_true(openssl.number >= 0x30000000)
    assert.equal("default", openssl.providers[1])
    assert.is_false(openssl.fips)
    assert.matches("^/", openssl.default_trust.dir)
    assert.matches("^/", openssl.default_trust.file)
    assert.same({ "boolean", "boolean", "boolean" },
      { type(openssl.features.mlkem), type(openssl.features.mldsa), type(openssl.features.ktls) })
    local has = {}
    for _, group in ipairs(lacre.groups()) do
      has[group.name] = true
    end
    assert.equal(openssl.features.mlkem, has.X25519MLKEM768 == true)
  end)

  it("has every promised member", function()
    for _, name in ipairs {
      "adapt", "assert", "ca", "cert", "client", "connect", "error", "http", "key", "listen", "loop", "name", "on_warning",
      "pem", "pin", "serve", "server", "store", "tcp", "time", "tool", "verify", "wrap", "VERSION", "ciphers", "groups", "sigalgs", "digest", "random", "openssl",
    } do
      assert.is_not_nil(lacre[name], name)
    end
  end)
end)
