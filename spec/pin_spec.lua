local lacre_error = require "lacre.error"
local pin = require "lacre.pin"
local pki = require "spec.support.pki"
local store = require "lacre.store"
local tls = require "spec.support.tls"
local warning = require "lacre.warning"

describe("pin", function()
  local root = pki.root()
  local leaf = pki.issue(root, { hosts = { "a.example" } })
  local text, spare = leaf.cert:pin(), root.key:pin()
  local base64 = text:match "//(.*)$"
  local now, day = os.time(), 86400
  local said
  before_each(function()
    said = {}
    warning.on_warning(function(message)
      said[#said + 1] = message
    end)
  end)
  after_each(function()
    warning.on_warning(false)
    pki.clean()
  end)

  for name, spelling in pairs {
    curl = text, OkHttp = "sha256/" .. base64, HPKP = ("pin-sha256=%q"):format(base64),
    hexadecimal = "sha256:" .. pin.parse(text).digest:gsub(".", function(c) return ("%02X"):format(c:byte()) end),
  } do
    it("is read as " .. name .. " writes it", function()
      assert.equal(text, tostring(pin.parse(spelling)))
      assert.equal(pin.of(leaf.cert), pin.parse(spelling))
    end)
  end

  for _, bad in ipairs { "", "sha256//", "sha256//AAAA", text .. "A", text .. "\n", "sha256:12", "md5//AAAA", "sha256//" .. base64:sub(1, -2) .. "?" } do
    it(("is not %q"):format(bad), function()
      local none, err = pin.parse(bad)
      assert.is_nil(none)
      assert.equal("bad_pin", err.code)
    end)
  end

  it("is never of SHA-1", function()
    assert.has_error(function() pin.parse "sha1/AAAA" end, "bad argument #1 to 'pin.parse' (SHA-1 pins are not accepted; make a SHA-256 one)")
  end)

  it("warns of a pin without a backup, once, and not where that is said to be right", function()
    pin.set { text, allow_no_backup = true }
    pin.set { text, spare }
    pin.set { text, backup = spare }
    assert.same({}, said)
    pin.set { text, "sha256/" .. base64 } -- two spellings are no two pins
    pin.set(text)
    assert.equal(1, #said)
    assert.matches("^sha256//.* is the only pin", said[1])
    pin.set { hosts = { ["b.example"] = { spare } } }
    assert.equal(2, #said)
  end)

  it("refuses a pattern that no host fits, for its pins would count nowhere", function()
    for _, pattern in ipairs { "*.*.example", "**.*.example", "**.**.example", "*", "a*.example" } do
      assert.error_matches(function()
        pin.set { hosts = { [pattern] = { text, spare } } }
      end, "is not a host name")
    end
  end)

  it("warns 30 days before a set expires, and where it pins nothing any more", function()
    pin.set { text, spare, expires = now + 31 * day }
    pin.set { text, spare, expires = now - day }
    assert.same({}, said)
    local soon = pin.set { text, spare, expires = now + 29 * day }
    pin.check(soon, { leaf.cert })
    assert.equal(1, #said)
    assert.matches("^the pin set expires on %d+%-%d+%-%d+;", said[1])
    local later = pin.set { text, spare, expires = now + 90 * day }
    pin.check(later, { leaf.cert }, now + 70 * day)
    assert.equal(2, #said)
    pin.set { text, spare, expires = now - day, on_expired = "unpin" }
    assert.matches("pins nothing any more$", said[3])
  end)

  it("warns once of a set that a context is given", function()
    tls.client { trust = root.cert, pins = { text, spare, expires = now + 29 * day } }
    assert.equal(1, #said)
    tls.client { trust = root.cert, pins = pin.set { text, spare, expires = now + 28 * day } }
    assert.equal(2, #said)
  end)

  it("expires after its last second", function()
    local set = pin.set { text, spare, expires = now }
    assert.is_true(pin.check(set, { leaf.cert }, now))
    local good, err = pin.check(set, { leaf.cert }, now + 1)
    assert.is_nil(good)
    assert.equal("pin_expired", err.code)
    assert.equal(-1, set:expires_in(now + 1))
  end)

  it("tells a mismatch that it only reports", function()
    local set = pin.set { spare, pki.self_signed().cert, report_only = true, scope = "leaf" }
    assert.is_truthy(store.verify(leaf.cert, { trust = root.cert, server_name = "a.example", pins = set }))
    assert.same({ "no key of CN=a.example matches a pin; the pin set is report_only" }, said)
    warning.on_warning(function(message) said[#said + 1] = message end)
    local client = tls.client { trust = root.cert, pins = set }
    local engine = client:engine { server_name = "a.example" }
    assert.is_truthy(tls.shake(engine, tls.server({ identity = leaf }):engine()))
    assert.equal("mismatch", engine:info().pin)
    assert.equal("no key of a.example matches a pin; the pin set is report_only", said[2])
  end)

  for name, case in pairs {
    ["a name"] = { "api.example", "api.example", true }, ["another name"] = { "api.example", "b.api.example", false },
    ["one label"] = { "*.example", "a.example", true }, ["no label"] = { "*.example", "example", false },
    ["two labels"] = { "*.example", "a.b.example", false }, ["any depth"] = { "**.example", "a.b.example", true },
    ["none of any depth"] = { "**.example", "example", true }, ["half a label"] = { "**.example", "notexample", false },
    ["another case"] = { "API.example", "api.EXAMPLE.", true },
  } do
    it("is for " .. name, function()
      local set = pin.set { hosts = { [case[1]] = { text, spare } } }
      assert.equal(case[3], set:for_host(case[2]) ~= nil)
    end)
  end

  for scope, fits in pairs { leaf = { true, false }, chain = { true, true }, issuer = { false, true } } do
    it("is looked for in the scope " .. scope, function()
      for i, one in ipairs { text, spare } do
        local set = pin.set { one, scope = scope, allow_no_backup = true }
        assert.equal(fits[i], set:match { leaf.cert, root.cert } ~= nil)
      end
    end)
  end

  it("counts for its hosts alone", function()
    local other = pki.self_signed().cert:pin()
    for hosts, code in pairs { [{ ["a.example"] = { other, spare } }] = false, [{ ["a.example"] = { other, other } }] = "pin_mismatch",
      [{ ["b.example"] = { other } }] = false } do
      local chain, err = store.verify(leaf.cert, { trust = root.cert, server_name = "a.example", pins = { hosts = hosts } })
      assert.equal(code, err and err.code or false)
      assert.equal(not code, chain ~= nil)
    end
  end)

  it("shows the pins of the chain where none fits", function()
    local good, err = pin.check({ pki.self_signed().cert, allow_no_backup = true }, { leaf.cert, root.cert })
    assert.is_nil(good)
    assert.is_true(lacre_error.is(err, "pin_mismatch"))
    assert.same({ text, spare }, { err.detail.presented_pins[1].pin, err.detail.presented_pins[2].pin })
    assert.is_truthy(err.message:find(text .. " (CN=a.example)", 1, true))
  end)
end)
