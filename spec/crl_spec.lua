local crl = require "lacre.crl"
local key = require "lacre.key"
local pki = require "spec.support.pki"
local store = require "lacre.store"

describe("crl", function()
  local root = pki.root()
  local inter = pki.intermediate(root)
  local good, bad = pki.issue(root), pki.issue(root)
  local now = os.time()
  after_each(pki.clean)

  local function list(options)
    options.issuer, options.issuer_key = options.issuer or root.cert, options.issuer_key or root.key
    return crl.create(options)
  end

  local made = assert(list {
    number = 258,
    revoked = {
      { cert = bad.cert, reason = "key_compromise", time = now - 60, invalidity_date = now - 3600 },
      { serial = "0A", time = "2026-01-02T03:04:05Z" },
      { serial = 4096, reason = "unspecified" },
    },
  })

  it("is read with all others of a file", function()
    local other = assert(list { issuer = inter.cert, issuer_key = inter.key })
    local text = "text\n" .. made:to_pem() .. root.cert:to_pem() .. other:to_pem()
    assert.same({ made, other }, assert(crl.parse_all(text)))
    assert.same({ made, other }, assert(crl.load_all(pki.file("all.crl", text))))
    assert.same({ made }, assert(crl.parse_all(made:to_der())))
    for code, bytes in pairs {
      no_crl = root.cert:to_pem(), bad_pem = text:sub(1, -30), bad_der = "\48\0", trailing_data = made:to_der() .. "x",
    } do
      local none, err = crl.parse_all(bytes)
      assert.is_nil(none)
      assert.equal(code, err.code)
    end
    local chain, err = store.verify(bad.cert, {
      trust = root.cert, any_name = true, crls = other:to_pem() .. made:to_pem(),
    })
    assert.is_nil(chain)
    assert.equal("cert_revoked", err.code)
  end)

  it("holds what was revoked", function()
    assert.equal("0102", made:number())
    assert.equal(3, made:count())
    assert.equal(root.cert:subject(), made:issuer())
    assert.equal(root.cert:subject_key_id(), made:authority_key_id())
    assert.equal(2, made:version())
    local entry = made:find(bad.cert)
    assert.equal("key_compromise", entry.reason)
    assert.equal(now - 60, entry.time)
    assert.equal(now - 3600, entry.invalidity_date)
    assert.equal(bad.cert:serial(), entry.serial)
    assert.equal(1767323045, made:find("0a").time)
    assert.is_nil(made:find("10:00").reason)
    assert.is_nil(made:find(good.cert))
    assert.is_nil(made:find("00"))
  end)

  it("is walked entry by entry, whatever is sought meanwhile", function()
    local serials = {}
    for entry in made:revoked() do
      made:find "0a"
      serials[#serials + 1] = entry.serial
    end
    table.sort(serials)
    local expected = { bad.cert:serial(), "0a", "1000" }
    table.sort(expected)
    assert.same(expected, serials)
  end)

  it("finds no certificate of another issuer", function()
    local other = pki.issue(inter, { serial = "0a" })
    assert.is_truthy(made:find "0a")
    assert.is_nil(made:find(other.cert))
  end)

  it("is verified by its issuer alone", function()
    assert.is_true(made:verify(root.cert))
    assert.is_false(made:verify(inter.cert))
    assert.is_false(made:verify(pki.root().cert))
    local unable = pki.root { key_usage = { "key_cert_sign" } }
    local _, err = list { issuer = unable.cert, issuer_key = unable.key }
    assert.equal("issuer_not_ca", err.code)
  end)

  it("ends, and one without an end does not", function()
    assert.equal(7 * 86400, made:next_update() - made:this_update())
    assert.is_false(made:is_expired())
    assert.is_true(made:is_expired(made:next_update() + 1))
    assert.is_false(made:is_expired(made:next_update()))
    local short = assert(list { this_update = now - 100, next_update = 50 })
    assert.is_true(short:is_expired())
    local dated = assert(list { next_update = "2049-12-31T23:59:59Z" })
    assert.equal(2524607999, dated:next_update())
    assert.equal(2556143999, assert(list { next_update = 2556143999 }):next_update())
    for _, long in ipairs { 3650 * 86400, 4000 * 86400, "10y", "4000d" } do
      local made_long = assert(list { next_update = long })
      assert.is_true(made_long:next_update() - made_long:this_update() >= 3650 * 86400, tostring(long))
    end
    local done, err = pcall(list, { next_update = "2020-01-01" })
    assert.is_false(done)
    assert.matches("2020%-01%-01T00:00:00Z is before this_update", err)
  end)

  it("tells the changes of another", function()
    local delta = assert(list {
      number = 259, base_number = made:number(), revoked = { { serial = "0A", reason = "remove_from_crl" } },
    })
    assert.is_true(delta:is_delta())
    assert.equal("0102", delta:base_number())
    assert.equal("remove_from_crl", delta:find("0a").reason)
    assert.is_true(delta:extension("delta_crl_indicator").critical)
    assert.is_false(made:is_delta())
  end)

  it("takes the entries of another", function()
    local entries = {}
    for entry in made:revoked() do
      entries[#entries + 1] = entry
    end
    local next_one = assert(list { revoked = entries, number = "0103" })
    assert.equal("0103", next_one:number())
    assert.equal("key_compromise", next_one:find(bad.cert).reason)
    assert.equal(now - 3600, next_one:find(bad.cert).invalidity_date)
  end)

  it("decides in verification", function()
    local function verify(cert, crls, revocation)
      return store.verify(cert, { trust = root.cert, server_name = "localhost", crls = crls, revocation = revocation })
    end
    assert.is_truthy(verify(good.cert, made))
    assert.is_truthy(verify(good.cert, { made:to_pem() }))
    for name, case in pairs {
      cert_revoked = { bad.cert, made },
      crl_missing = { good.cert, assert(list { issuer = inter.cert, issuer_key = inter.key }) },
      crl_expired = { good.cert, assert(list { this_update = now - 100, next_update = 50 }) },
      crl_invalid = { good.cert, assert(list { this_update = now + 3600 }) },
    } do
      local chain, err = verify(case[1], case[2], "leaf")
      assert.is_nil(chain)
      assert.equal(name, err.code)
    end
    -- the list of a namesake with another key
    local namesake = pki.root()
    local chain, err = verify(good.cert, assert(list { issuer = namesake.cert, issuer_key = namesake.key,
      extensions = { authority_key_id = false } }), "leaf")
    assert.is_nil(chain)
    assert.equal("crl_invalid", err.code)
  end)

  for name, case in pairs {
    ["no issuer"] = { {}, "missing option 'issuer", true },
    ["a serial twice"] = { { revoked = { { serial = "0a" }, { serial = 10 } } },
      "bad option 'revoked' to 'crl.create' (serial number a is given twice)" },
    ["no serial"] = { { revoked = { {} } },
      "bad option 'revoked' to 'crl.create' (serial: a number or hexadecimal text of at most 20 octets expected)" },
    ["an unknown reason"] = { { revoked = { { serial = 1, reason = "key_compromised" } } },
      "bad option 'reason' (unknown reason 'key_compromised'; did you mean 'key_compromise'?)" },
    ["a removal from a full list"] = { { revoked = { { serial = 1, reason = "remove_from_crl" } } },
      "bad option 'reason' (only a delta CRL removes certificates: give base_number)" },
    ["a public key"] = { { issuer_key = root.key:public() },
      "bad option 'issuer_key' to 'crl.create' (a private key is needed to sign)" },
    ["an unknown option"] = { { revoke = {} },
      "bad option 'revoke' to 'crl.create' (unknown; did you mean 'revoked'?)" },
  } do
    it("raises for " .. name, function()
      local ok, message = pcall(case[3] and crl.create or list, case[1])
      assert.is_false(ok)
      assert.is_truthy(message:gsub("^[^:]+:%d+: ", ""):find(case[2], 1, true), message)
    end)
  end

  it("refuses the key of another", function()
    local none, err = list { issuer_key = key.generate() }
    assert.is_nil(none)
    assert.equal("key_mismatch", err.code)
  end)

  for name, case in pairs {
    ["empty bytes"] = { "", "no_crl" },
    ["a certificate"] = { root.pem, "no_crl" },
    ["a block without an end"] = { made:to_pem():sub(1, 80), "bad_pem" },
    ["truncated DER"] = { made:to_der():sub(1, -2), "bad_der" },
    ["bytes behind DER"] = { made:to_der() .. "x", "trailing_data" },
  } do
    it("refuses " .. name, function()
      local parsed, err = crl.parse(case[1])
      assert.is_nil(parsed)
      assert.equal(case[2], err.code)
    end)
  end

  it("is read back, from a file too", function()
    assert.equal(made, crl.parse(made:to_der()))
    assert.equal(made, crl.parse(made:to_pem()))
    assert.equal(made, crl.load(pki.file("a.crl", made:to_pem())))
    assert.equal(64, #made:fingerprint())
    assert.matches("^lacre.crl: CN=Test Root,O=Lacre, 3 revoked, until %d", tostring(made))
  end)
end)
