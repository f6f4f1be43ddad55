local lacre_error = require "lacre.error"

local function sample(fields)
  local err = { code = "cert_expired", message = "it is old", stage = "verify" }
  for key, value in pairs(fields or {}) do
    err[key] = value
  end
  return lacre_error.new(err)
end

describe("error", function()
  it("tells what, why and where in one line", function()
    assert.equal("cert_expired: it is old [verify]", tostring(sample()))
    assert.equal("cert_expired: it is old [verify a.test:443]", tostring(sample { host = "a.test", port = 443 }))
    assert.equal("cert_expired: it is old [verify [::1]:443]", tostring(sample { host = "::1", port = 443 }))
    assert.equal("cert_expired: it is old [verify a.pem]", tostring(sample { path = "a.pem" }))
  end)

  it("is raised by assert, which else gives back what it was given and nothing more", function()
    assert.equal(1, select("#", lacre_error.assert "x"))
    assert.equal(3, select("#", lacre_error.assert("x", nil, nil)))
    assert.has_error(function()
      lacre_error.assert(nil, sample())
    end)
  end)

  it("is joined to text", function()
    assert.equal("failed: cert_expired: it is old [verify]", "failed: " .. sample())
  end)

  it("is of its code and of its category", function()
    local err = sample()
    assert.is_true(err:is "cert_expired")
    assert.is_true(err:is "verify")
    assert.is_false(err:is "network")
    assert.is_true(lacre_error.is(err))
    assert.is_true(lacre_error.is(err, "verify"))
    assert.is_false(lacre_error.is { code = "cert_expired" })
    assert.is_false(lacre_error.is "cert_expired")
  end)

  it("takes the category of permission_denied and io_error from the stage", function()
    for _, code in ipairs { "permission_denied", "io_error" } do
      assert.equal("file", sample({ code = code, stage = "load" }):category())
      assert.equal("network", sample({ code = code, stage = "connect" }):category())
    end
  end)

  it("gives hints and retry helpers by code", function()
    assert.truthy(sample().hint:find "renew")
    assert.equal("another", sample({ hint = "another" }).hint)
    assert.is_true(sample({ code = "connect_timeout" }).timeout)
    assert.is_true(sample({ code = "dns_failure" }).temporary)
    assert.is_false(sample().temporary)
  end)

  it("has a hint for every code but those whose message says all there is to say", function()
    local said = { canceled = true, closed = true, io_error = true, unsupported = true }
    for code, row in lacre_error.codes() do
      assert.equal(said[code] or false, row.hint == nil, code)
      assert.is_true(row.hint == nil or (row.hint:find "^%l" or row.hint:find "^OCSP") ~= nil, code)
      assert.is_nil((row.hint or ""):find "%.$", code)
    end
  end)

  it("never hints at a way around verification", function()
    for code, row in lacre_error.codes() do
      assert.is_nil((row.hint or ""):find "insecure", code)
    end
  end)

  it("becomes plain data, with errors inside", function()
    local err = sample { cause = sample(), detail = { names = { "a" }, key = io.stdout } }
    local data = err:to_table()
    assert.equal("verify", data.category)
    assert.equal("cert_expired", data.cause.code)
    assert.same({ "a" }, data.detail.names)
    assert.equal("string", type(data.detail.key))
  end)

  it("survives data that holds itself", function()
    local loop = {}
    loop.loop = loop
    assert.equal("table", type(sample({ detail = loop }):to_table().detail))
  end)

  it("wants code, message and stage", function()
    assert.error_matches(function()
      lacre_error.new { code = "x", message = "y" }
    end, "bad field 'stage' to 'error.new' %(string expected, got nil%)")
  end)

  describe("assert", function()
    it("passes everything through", function()
      assert.same({ 1, 2, 3 }, { lacre_error.assert(1, 2, 3) })
    end)

    it("raises what can be shown", function()
      local ok, raised = pcall(lacre_error.assert, nil, sample())
      assert.is_false(ok)
      assert.truthy(tostring(raised):find("it is old", 1, true))
      assert.error_matches(function() lacre_error.assert(nil, "text") end, "text")
      assert.error_matches(function() lacre_error.assert(false) end, "assertion failed!")
    end)
  end)

  it("gives every code a category and a summary", function()
    local categories = { verify = 1, network = 1, timeout = 1, protocol = 1, closed = 1, config = 1, parse = 1,
      file = 1, internal = 1 }
    for code, row in lacre_error.codes() do
      assert.truthy(categories[row.category], code)
      assert.equal("string", type(row.summary), code)
    end
  end)
end)
