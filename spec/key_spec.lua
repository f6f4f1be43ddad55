local core = require "lacre.core"
local file = require "lacre.file"
local key = require "lacre.key"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local warning = require "lacre.warning"

local has_openssl = process.run({ "openssl", "version" }):find "^OpenSSL 3" ~= nil

describe("key", function()
  local directory
  setup(function() directory = process.directory() end)
  teardown(function() process.remove(directory) end)
  after_each(pki.clean)

  local made = {}
  for _, kind in ipairs { "p256", "p384", "p521", "rsa:2048", "ed25519", "ed448" } do
    made[kind] = assert(key.generate(kind))
  end

  describe("on a usual curve", function()
    for _, kind in ipairs { "p256", "p384", "p521" } do
      it("is written as openssl writes it: " .. kind, function()
        if not has_openssl then return pending "no openssl 3 here" end
        local theirs = process.run({ "openssl", "pkey" }, made[kind]:to_pem { format = "traditional" })
        assert.equal(theirs, made[kind]:to_pem())
      end)
    end

    -- whatever is not exactly of the usual shape is OpenSSL's matter: it is read by it, or refused
    local whole = made.p256:to_der()
    local secret = assert(whole:find("\4\32", 1, true)) + 2
    local point = assert(whole:find("\0\4", secret + 32, true)) + 2
    local function changed(at, bytes) return whole:sub(1, at - 1) .. bytes .. whole:sub(at + #bytes) end

    it("is read without its public half, and with attributes", function()
      local sec1 = "\48\49\2\1\1\4\32" .. whole:sub(secret, secret + 31) .. "\160\10\6\8\42\134\72\206\61\3\1\7"
      assert.equal(made.p256, key.parse(sec1))
      assert.equal(made.p256, key.parse("\48\129\137" .. whole:sub(4) .. "\160\0"))
    end)

    it("is refused with a public half that is no point of it", function()
      local none, err = key.parse(changed(point, ("\1"):rep(64)))
      assert.is_nil(none)
      assert.equal("parse", err.stage)
    end)

    it("is refused or whole, whichever byte is another", function()
      for at = 1, #whole do
        for _, flip in ipairs { 1, 128 } do
          local byte = whole:byte(at)
          local other = byte % (2 * flip) >= flip and byte - flip or byte + flip
          local parsed, err = key.parse(changed(at, string.char(other)))
          assert.is_true(parsed and parsed:is_private() or err.stage == "parse", at)
        end
      end
      for cut = 1, #whole - 1 do
        assert.is_nil((key.parse(whole:sub(1, cut))))
      end
    end)

    it("is public alone, compressed or not", function()
      local public = made.p256:public()
      assert.equal(public, key.parse(public:to_der()))
      local none, err = key.parse(public:to_der():sub(1, 27) .. ("\1"):rep(64))
      assert.is_nil(none)
      assert.equal("bad_der", err.code)
      if not has_openssl then return end
      local short = process.run({ "openssl", "ec", "-pubout", "-conv_form", "compressed" }, made.p256:to_pem())
      assert.is_true(assert(key.parse(short)):is_pair(public))
    end)
  end)

  for kind, one in pairs(made) do
    it("is what it was, through every form: " .. kind, function()
      assert.is_true(one:is_private())
      assert.equal(one, key.parse(one:to_pem()))
      assert.equal(one, key.parse(one:to_der()))
      local sealed = one:to_pem { password = "é secret" }
      assert.matches("^%-%-%-%-%-BEGIN ENCRYPTED PRIVATE KEY", sealed)
      assert.equal(one, key.parse(sealed, { password = "é secret" }))
      assert.equal(one:public(), key.parse(one:public():to_pem()))
      assert.is_false(one:public():is_private())
      assert.is_true(one:matches(one:public()))
      assert.equal(one:pin(), one:public():pin())
      local traditional, err = one:to_pem { format = "traditional" }
      if kind:find "^ed" then
        assert.is_nil(traditional)
        assert.equal("unsupported", err.code)
      else
        assert.equal(one, key.parse(traditional))
        assert.equal(one, key.parse(one:to_der { format = "traditional" }))
      end
    end)

    it("signs and verifies: " .. kind, function()
      local signature = assert(one:sign "data")
      assert.is_true(one:public():verify("data", signature))
      assert.is_false(one:verify("datum", signature))
      assert.is_false(one:verify("data", signature:sub(1, -2)))
      assert.is_false(one:verify("data", ""))
      assert.is_false(made[kind == "p256" and "p384" or "p256"]:verify("data", signature))
      if kind == "rsa:2048" then
        local pss = assert(one:sign("data", { padding = "pss", hash = "sha512" }))
        assert.is_true(one:verify("data", pss, { padding = "pss", hash = "sha512" }))
        assert.is_false(one:verify("data", pss))
      end
    end)

    it("is read by openssl, and reads openssl's: " .. kind, function()
      if not has_openssl then return pending "no openssl 3 here" end
      local path = pki.file("k.pem", one:to_pem { password = "pw" })
      local public = process.run { "openssl", "pkey", "-in", path, "-passin", "pass:pw", "-pubout" }
      assert.equal(one:public():to_pem(), public)
      local parts = process.run { "openssl", "asn1parse", "-in", path }
      assert.matches("PBES2.*PBKDF2.*:0927C0\n.*hmacWithSHA256.*aes%-256%-cbc", parts) -- 600,000
      local sealed = process.run({ "openssl", "pkcs8", "-topk8", "-v2", "aes-128-cbc", "-passout", "pass:pw" }, one:to_pem())
      assert.equal(one, key.parse(sealed, { password = "pw" }))
      if not kind:find "^ed" then
        local old = process.run({ "openssl", kind:find "rsa" and "rsa" or "ec", "-aes256", "-passout", "pass:pw",
          kind:find "rsa" and "-traditional" or "-check" }, one:to_pem { format = "traditional" })
        old = old:match "%-%-%-%-%-BEGIN.*"
        assert.matches("Proc%-Type", old)
        assert.equal(one, key.parse(old, { password = "pw" }))
        local none, err = key.parse(old, { password = "px" })
        assert.is_nil(none)
        assert.equal("bad_password", err.code)
      end
    end)
  end

  it("of the next decade, where this OpenSSL has them", function()
    for _, kind in ipairs { "ml-dsa-44", "ml-dsa-65", "ml-dsa-87" } do
      local one, err = key.generate(kind)
      if one then
        assert.equal(kind, one:type())
        assert.equal(one, key.parse(one:to_pem()))
        assert.is_true(one:verify("data", one:sign "data"))
      else
        assert.equal("unsupported", err.code)
      end
    end
  end)

  local locked = made.p256:to_pem { password = "right" }
  for name, case in pairs {
    ["a locked key without its password"] = { locked, {}, "password_required" },
    ["a wrong password"] = { locked, { password = "wrong" }, "bad_password" },
    ["a function that gives none"] = { locked, { password = function() end }, "password_required" },
    ["a function that is wrong"] = { locked, { password = function() return "wrong" end }, "bad_password" },
    ["empty bytes"] = { "", {}, "no_key" },
    ["a certificate"] = { pki.self_signed().pem, {}, "no_key" },
    ["a certificate's DER"] = { pki.self_signed().cert:to_der(), {}, "bad_der" },
    ["a block without an end"] = { made.p256:to_pem():sub(1, 60), {}, "bad_pem" },
    ["a block that is no base64"] = { (made.p256:to_pem():gsub("M", "!", 1)), {}, "bad_pem" },
    ["truncated DER"] = { made.p256:to_der():sub(1, -2), {}, "trailing_data" },
    ["bytes behind DER"] = { made.p256:to_der() .. "x", {}, "trailing_data" },
    ["one sealed with an old cipher"] = { [[
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGxMBwGCiqGSIb3DQEMAQYwDgQIMNujmAsfvwsCAggABIGQbQAZ5BwdNud1YZKY
uKxyhDCGbuHktaE1896AIpmi/ppcLKwWeeHg/fS2XV3vwqC7P2qE3hv8fUFAG12m
WE7bDpgkRQpgVGD+y+IxjD3C6tY0vR3kDmwgvRe4SAzSKCVfIiS5YHDKK75N4D+5
aLY0sdnIM96FpjqXZU7TArsrVCocZKZdcQekY/P0aTFTXCcx
-----END ENCRYPTED PRIVATE KEY-----
]], { password = "pw" }, "unsupported", "openssl pkcs8" },
    ["OpenSSH's own form"] = {
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n", {},
      "unsupported_key_type", "ssh%-keygen",
    },
    ["an algorithm nobody knows"] = {
      (made.ed25519:public():to_der():gsub("\6\3%+ep", "\6\3+ec")), {}, "unsupported_key_type",
    },
  } do
    it("refuses " .. name, function()
      local none, err = key.parse(case[1], case[2])
      assert.is_nil(none)
      if name ~= "truncated DER" then assert.equal(case[3], err.code) end
      assert.matches(case[4] or "", err.hint or "")
    end)
  end

  it("asks a function for the password only where one is needed, before anything is decoded", function()
    local asked = 0
    local function password(what)
      asked = asked + 1
      assert.equal("key", what)
      return "right"
    end
    assert.equal(made.p256, key.parse(locked, { password = password }))
    assert.equal(made.p256, key.parse(made.p256:to_pem(), { password = password }))
    assert.equal(1, asked)
    assert.has_error(function() key.parse(locked, { password = function() error "no" end }) end)
  end)

  it("is written for its owner alone, never over an old one", function()
    local path = directory .. "/a.key"
    assert.is_true(made.p256:save(path))
    assert.equal(tonumber("600", 8), file.stat(path).mode)
    local done, err = made.p384:save(path)
    assert.is_nil(done)
    assert.equal("file_exists", err.code)
    assert.equal(made.p256, key.load(path))
    assert.is_true(made.p384:save(path, { overwrite = true, password = "x" }))
    assert.equal(made.p384, key.load(path, { password = function(what)
      assert.equal(path, what)
      return "x"
    end }))
    done, err = key.load(directory .. "/none.key")
    assert.is_nil(done)
    assert.equal("file_not_found", err.code)
  end)

  it("warns of one that others may read", function()
    local path, heard = directory .. "/open.key", nil
    assert(made.p256:save(path, { mode = "0644" }))
    warning.on_warning(function(message) heard = message end)
    assert(key.load(path))
    warning.on_warning(false)
    assert.matches("can be read by others %(mode 0644%)", heard)
  end)

  it("is opened by a URI", function()
    local path = directory .. "/uri.key"
    assert(made.p521:save(path, { password = "pin" }))
    assert.equal(made.p521, key.open("file:" .. path, { password = "pin" }))
    assert.equal(made.p521, key.open("file:" .. path, { password = function() return "pin" end }))
    for name, case in pairs {
      password_required = { "file:" .. path }, bad_password = { "file:" .. path, { password = "x" } },
      file_not_found = { "file:" .. path .. "x" }, unsupported = { "no-such-scheme:x" },
      no_key = { "file:" .. pki.file("c.pem", pki.self_signed().cert:to_pem()) },
    } do
      local none, err = key.open(case[1], case[2])
      assert.is_nil(none)
      assert.equal(name, err.code)
    end
  end)

  it("tells nobody the PIN in a URI, and how tokens are opened", function()
    for _, open in ipairs { key.open, key.load } do
      local none, err = open "pkcs11:token=no-such;object=x?pin-value=271828&x-y=z"
      assert.is_nil(none)
      assert.is_true(err.code == "unsupported" or err.code == "no_key")
      assert.is_string(err.hint)
      assert.matches("pin%-value=%*%*%*", err.path)
      assert.is_nil((tostring(err) .. err.message .. err.path):find "271828")
    end
  end)

  it("of a kind that signs nothing says so", function()
    local agreeing = assert(key.parse(("\48\46\2\1\0\48\5\6\3\43\101\110\4\34\4\32" .. ("x"):rep(32))))
    assert.equal("x25519", agreeing:type())
    local none, err = agreeing:sign "data"
    assert.is_nil(none)
    assert.equal("unsupported_key_type", err.code)
    none, err = require("lacre.csr").create { key = agreeing, hosts = { "a.example" } }
    assert.is_nil(none)
    assert.matches("p256", err.hint)
  end)

  for name, case in pairs {
    ["few bits"] = { "rsa:1024", "bad argument #1 to 'key.generate' (1024 bits of RSA; 2048 to 16384 expected)" },
    ["an unknown kind"] = { "dsa", "unknown key type 'dsa'" },
  } do
    it("raises for " .. name, function()
      local ok, message = pcall(key.generate, case[1])
      assert.is_false(ok)
      assert.is_truthy(message:find(case[2], 1, true), message)
    end)
  end

  it("never shows its private part by accident", function()
    local one = made["rsa:2048"]
    local secret = core.bytes.hex(one:to_der { format = "traditional" }):sub(700, 800)
    local shown = tostring(one) .. one:to_text()
    for _, value in pairs(one:to_table()) do
      shown = shown .. tostring(value)
    end
    assert.is_nil(shown:find(secret, 1, true))
    assert.is_nil(shown:find("PRIVATE KEY", 1, true))
    assert.is_truthy(one:to_text({ private = true }):find("PRIVATE KEY", 1, true))
  end)
end)
