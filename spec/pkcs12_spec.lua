local pkcs12 = require "lacre.pkcs12"
local pki = require "spec.support.pki"
local process = require "spec.support.process"

describe("pkcs12", function()
  local root = pki.root()
  local inter = pki.intermediate(root)
  local leaf = pki.issue(inter)
  after_each(pki.clean)

  local function create(options)
    local set = { cert = leaf.cert, key = leaf.key, chain = { inter.cert, root.cert }, password = "sécret", rounds = 1000 }
    for name, value in pairs(options or {}) do
      set[name] = value
    end
    return pkcs12.create(set)
  end

  for name, legacy in pairs { now = false, ["before 2019"] = true } do
    it("keeps an identity, sealed as " .. name, function()
      local der = assert(create { name = "café", legacy = legacy })
      local found = assert(pkcs12.parse(der, { password = "sécret" }))
      assert.equal(leaf.cert, found.cert)
      assert.equal(leaf.key, found.key)
      assert.equal(2, #found.chain)
      assert.equal(inter.cert, found.chain[1])
      assert.equal("café", found.name)
      local path = pki.file("a.p12", der)
      assert.equal(leaf.key, pkcs12.load(path, { password = function(what)
        assert.equal(path, what)
        return "sécret"
      end }).key)
    end)
  end

  local der = assert(create())
  for name, case in pairs {
    ["no password"] = { der, nil, "password_required" },
    ["a wrong one"] = { der, { password = "x" }, "bad_password" },
    ["a function without an answer"] = { der, { password = function() end }, "password_required" },
    ["empty bytes"] = { "", nil, "bad_der" },
    ["no such file inside"] = { "0\0", nil, "bad_der" },
    ["truncated bytes"] = { der:sub(1, -2), { password = "sécret" }, "bad_der" },
    ["bytes behind it"] = { der .. "x", { password = "sécret" }, "trailing_data" },
    ["a certificate"] = { leaf.cert:to_der(), nil, "bad_der" },
  } do
    it("refuses " .. name, function()
      local none, err = pkcs12.parse(case[1], case[2])
      assert.is_nil(none)
      assert.equal(case[3], err.code)
    end)
  end

  it("finds no file that is not there", function()
    local none, err = pkcs12.load("/nonexistent.p12")
    assert.is_nil(none)
    assert.equal("file_not_found", err.code)
  end)

  it("seals no foreign key", function()
    local none, err = create { key = pki.self_signed().key }
    assert.is_nil(none)
    assert.equal("key_mismatch", err.code)
    assert.has_error(function() create { password = "" } end)
    assert.has_error(function() create { rounds = 10 } end)
    assert.has_error(function() create { key = leaf.key:public() } end)
  end)

  it("is read by openssl, and reads openssl's", function()
    if not process.run({ "openssl", "version" }):find "^OpenSSL 3" then
      return pending "no openssl 3 here"
    end
    local path = pki.file("a.p12", create { password = "pw" })
    local output = process.run { "openssl", "pkcs12", "-in", path, "-info", "-nodes", "-passin", "pass:pw" }
    assert.matches("MAC: sha256, Iteration 1000", output)
    assert.matches("PBES2, PBKDF2, AES%-256%-CBC, Iteration 1000, PRF hmacWithSHA256", output)
    assert.equal(leaf.key, require("lacre.key").parse(output))
    assert.equal(3, #require("lacre.cert").parse_all(output))
    local pem, key_path, theirs = pki.file("l.pem", leaf.pem), pki.file("l.key", leaf.key_pem), pki.file("t.p12", "")
    local function export(...)
      local text, code = process.run { "openssl", "pkcs12", "-export", "-in", pem, "-inkey", key_path, "-out", theirs,
        "-passout", "pass:pw", ... }
      return code == 0 or text
    end
    assert.is_true(export())
    assert.equal(leaf.key, assert(pkcs12.load(theirs, { password = "pw" })).key)
    if export "-nomac" == true then
      assert.equal(leaf.key, assert(pkcs12.load(theirs, { password = "pw" })).key)
      for code, password in pairs { bad_password = "px", password_required = false } do
        assert.equal(code, select(2, pkcs12.load(theirs, { password = password or nil })).code)
      end
    end
    if export "-legacy" ~= true then
      return
    end
    local none, err = pkcs12.load(theirs, { password = "pw" })
    assert.is_nil(none)
    assert.equal("unsupported", err.code)
    assert.matches("legacy = true", err.hint)
    local old = assert(pkcs12.load(theirs, { password = "pw", legacy = true }))
    assert.equal(leaf.key, old.key)
    assert.equal(leaf.cert, old.cert)
    assert.is_true(old.key:matches(leaf.cert))
    none, err = pkcs12.load(theirs, { password = "px", legacy = true })
    assert.is_nil(none)
    assert.equal("bad_password", err.code)
  end)
end)
