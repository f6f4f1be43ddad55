-- A CA in memory: the three lines of a test, and everything it may and may not issue.
local lacre = require "lacre"
local tls = require "spec.support.tls"

local must = lacre.assert

local function verified(ca, identity, name)
  return identity.cert:verify { trust = ca:root(), intermediates = identity.chain, server_name = name }
end

describe("ca in memory", function()
  it("is three lines of a test", function()
    local ca = must(lacre.ca.new {})
    local server = must(lacre.server { identity = must(ca:issue { hosts = { "localhost" } }) })
    local client = must(lacre.client { trust = ca })
    local a, b = must(client:engine { server_name = "localhost" }), must(server:engine {})
    assert.is_true((tls.shake(a, b)))
    assert.equal("chain", a:info().verified)
  end)

  it("makes a root that strict verifiers accept", function()
    local ca = must(lacre.ca.new { name = "Mine", valid_for = "10y" })
    local cert = ca:cert()
    assert.equal("CN=Mine", tostring(cert:subject()))
    assert.same({ ca = true, path_length = 1 }, cert:basic_constraints())
    assert.same({ key_cert_sign = true, crl_sign = true }, cert:key_usage())
    assert.is_true(cert:is_self_signed())
    assert.same({}, ca:chain())
    assert.is_true(lacre.ca.is(ca))
    assert.matches("CN=Mine", tostring(ca))
  end)

  it("issues with every profile", function()
    local ca = must(lacre.ca.new {})
    local names = { server = "a.test", peer = "a.test", client = "ann@a.test", email = "ann@a.test", ocsp = "ocsp.test" }
    for profile, name in pairs(names) do
      local id = must(ca:issue { hosts = { name }, profile = profile })
      assert.is_true(id.cert:is_issued_by(ca:cert()), profile)
      assert.is_true(id.key:matches(id.cert))
      assert.equal(id.cert:pin(), id.pin)
    end
    assert.equal("rsa", must(ca:issue { subject = "CN=Tool", profile = "code_signing" }).key:type())
  end)

  it("stands above intermediates, and they send the chain", function()
    local root = must(lacre.ca.new {})
    local inter = must(root:intermediate { name = "Below" })
    local leaf = must(inter:issue { hosts = { "a.test" } })
    assert.equal(1, #leaf.chain)
    assert.is_truthy(verified(inter, leaf, "a.test"))
    assert.equal(root:cert():to_der(), inter:root():to_der())
    local none, err = inter:intermediate {}
    assert.is_nil(none)
    assert.equal("issuer_path_length", err.code)
  end)

  it("keeps to the names that those above permit", function()
    local root = must(lacre.ca.new { name_constraints = { permitted = { "corp.test", "10.0.0.0/8" } } })
    local inter = must(root:intermediate {})
    assert.is_truthy(inter:issue { hosts = { "a.corp.test", "10.1.2.3" } })
    for _, host in ipairs { "corp.example", "192.0.2.1" } do
      local none, err = inter:issue { hosts = { host } }
      assert.is_nil(none)
      assert.equal("name_constraint_violation", err.code)
      assert.equal(("the name constraints of CN=Test CA, above CN=Test Intermediate CA, forbid %s"):format(host), err.message)
      assert.equal("the name constraints of CN=Test CA forbid " .. host, select(2, root:issue { hosts = { "a.corp.test", host } }).message)
    end
    local limits = { excluded = { "bad.test", "@evil.test", "ops@a.test", "2001:db8::/32",
      { type = "uri", value = "spam.test" }, { type = "email", value = ".mail.test" } } }
    local limited = must(lacre.ca.new { name_constraints = limits })
    for _, host in ipairs { "bad.test", "x.bad.test", "eve@evil.test", "ops@a.test", "2001:db8::5", "http://spam.test/x",
      "a@b.mail.test" } do
      local _, err = limited:issue { hosts = { "ok.test", "bob@a.test", "10.0.0.1", "http://ok.test/", host } }
      assert.equal("the name constraints of CN=Test CA forbid " .. host, err.message)
    end
    local count = 0
    for _ in inter:list() do
      count = count + 1
    end
    assert.equal(1, count)
  end)

  it("is for what those above are for", function()
    local root = must(lacre.ca.new {})
    local inter = must(root:intermediate {})
    local none, err = inter:issue { hosts = { "ann@a.test" }, profile = "email" }
    assert.is_nil(none)
    assert.equal("wrong_purpose", err.code)
    assert.is_truthy(inter:issue { profile = "ocsp", subject = "CN=OCSP" })
    assert.is_truthy(root:issue { hosts = { "ann@a.test" }, profile = "email" })
    inter = must(root:intermediate { extended_key_usage = { "email_protection" } })
    assert.is_truthy(inter:issue { hosts = { "ann@a.test" }, profile = "email" })
  end)

  it("never outlives itself", function()
    local ca = must(lacre.ca.new { valid_for = "10d" })
    local none, err = ca:issue { hosts = { "a.test" } }
    assert.is_nil(none)
    assert.equal("validity_exceeds_issuer", err.code)
    assert.equal(ca:cert():not_after(), must(ca:issue { hosts = { "a.test" }, clamp = true }).cert:not_after())
    local first = ca:cert():not_before()
    none, err = ca:issue { hosts = { "a.test" }, not_before = first - 1, not_after = first + 60 }
    assert.is_nil(none)
    assert.equal("validity_exceeds_issuer", err.code)
    assert.matches("start", err.message)
    assert.equal(first, must(ca:issue { hosts = { "a.test" }, not_before = 0, clamp = true }).cert:not_before())
  end)

  it("lists what it issued, and finds it", function()
    local ca = must(lacre.ca.new {})
    local id = must(ca:issue { hosts = { "a.test" }, subject = "C=PT,O=Ex,CN=a.test" })
    local one = must(ca:find(id.cert))
    assert.equal("valid", one.status)
    assert.equal("/CN=a.test/O=Ex/C=PT", one.subject)
    assert.equal(id.cert:to_der(), must(ca:certificate_of(one.serial:upper())):to_der())
    local none, err = ca:find "0badcafe"
    assert.is_nil(none)
    assert.equal("unknown_serial", err.code)
  end)

  it("uses no serial twice", function()
    local ca = must(lacre.ca.new {})
    must(ca:issue { hosts = { "a.test" }, serial = "0abc" })
    local none, err = ca:issue { hosts = { "a.test" }, serial = "0ABC" }
    assert.is_nil(none)
    assert.equal("serial_conflict", err.code)
  end)

  it("is opened from its certificate and key", function()
    local first = must(lacre.ca.new {})
    local again = must(lacre.ca.open { cert = first:cert():to_pem(), key = must(must(first:key()):to_pem()) })
    assert.is_truthy(verified(first, must(again:issue { hosts = { "a.test" } }), "a.test"))
    local other = must(lacre.ca.new {})
    local none, err = lacre.ca.open { cert = first:cert(), key = other:key() }
    assert.is_nil(none)
    assert.equal("key_mismatch", err.code)
  end)

  it("refuses to be misused", function()
    local ca = must(lacre.ca.new {})
    assert.has_error(function()
      lacre.ca.new { polcy = {} }
    end, "bad option 'polcy' to 'ca.new' (unknown; did you mean 'policy'?)")
    for _, wrong in ipairs { { 42 }, { hosts = {} }, { hosts = { "a.test" }, profil = "client" } } do
      assert.has_error(function()
        ca:issue(wrong)
      end)
    end
    assert.has_error(function()
      ca:find {}
    end)
  end)
end)

describe("a renewal", function()
  local ca = must(lacre.ca.new {})
  local old = must(ca:issue {
    hosts = { "a.test", "*.a.test" }, profile = "peer", valid_for = "30d", must_staple = true,
    crl_urls = { "http://ca.test/ca.crl" }, extensions = { { oid = "1.2.3.4", der = "\5\0" } },
  })

  it("keeps the key, so that pins hold, and everything else", function()
    local new = must(ca:renew(old.cert))
    assert.equal(old.pin, new.pin)
    assert.is_nil(new.key)
    assert.is_not.equal(old.cert:serial(), new.cert:serial())
    assert.same(old.cert:hosts(), new.cert:hosts())
    assert.same({ "http://ca.test/ca.crl" }, new.cert:crl_urls())
    assert.is_true(new.cert:must_staple())
    assert.equal("\5\0", new.cert:extension("1.2.3.4").der)
    assert.same(old.cert:extended_key_usage(), new.cert:extended_key_usage())
    assert.equal(old.cert:not_after() - old.cert:not_before(), new.cert:not_after() - new.cert:not_before())
    assert.is_truthy(verified(ca, new, "b.a.test"))
  end)

  it("with a new key has a key of the same kind", function()
    local new = must(ca:rekey(old.cert:serial(), { hosts = { "c.test" } }))
    assert.is_not.equal(old.pin, new.pin)
    assert.equal("P-256", new.key:curve())
    assert.equal(new.key:key_id(), new.cert:subject_key_id())
    assert.same({ "c.test" }, new.cert:hosts())
    assert.equal("ed25519", must(ca:rekey(old.cert, { key = "ed25519" })).key:type())
  end)

  it("is of what was issued here", function()
    local none, err = ca:renew(must(lacre.ca.new {}):cert())
    assert.is_nil(none)
    assert.equal("unknown_serial", err.code)
    none, err = ca:renew(old.cert, { key = old.key })
    assert.is_nil(none)
    assert.equal("key_mismatch", err.code)
  end)
end)

it("who asks a CA for nonsense is told so", function()
  local ca = must(lacre.ca.new {})
  for what, try in pairs {
    ["string expected, got number"] = function() return ca:issue { hosts = { "a.test" }, key = 1 } end,
    ["unknown key type 'x'"] = function() return ca:issue { hosts = { "a.test" }, key = "x" } end,
    ["tables expected in the list, got number"] = function() return ca:issue { hosts = { "a.test" }, extensions = { 1 } } end,
    ["bad option 'serial'"] = function() return ca:issue { hosts = { "a.test" }, serial = 1 / 0 } end,
    ["list of key types expected"] = function() return lacre.ca.new { policy = { keys = { 1 } } } end,
  } do
    local done, err = pcall(try)
    assert.is_false(done)
    assert.matches("ca_spec.lua:%d+: ", err)
    assert.is_truthy(tostring(err):find(what, 1, true), err)
  end
end)

describe("a request", function()
  it("for an RSA key that everybody can sign with is refused", function()
    local ca = must(lacre.ca.new {})
    local der = must(lacre.key.generate("rsa:2048")):spki()
    local one = der:gsub("\130\1\34", "\130\1\32", 1):gsub("\130\1\15", "\130\1\13", 1):gsub("\130\1\10", "\130\1\8", 1)
    for _, made in ipairs { one:sub(1, -6) .. "\2\1\1", der:sub(1, -2) .. "\0" } do
      local key = must(lacre.key.parse(made))
      assert.equal(0, key:security_bits())
      local none, err = ca:issue { hosts = { "a.test" }, key = key }
      assert.is_nil(none)
      assert.same({ "weak_key", "the rsa key is no secret: its exponent is 1 or even" }, { err.code, err.message })
    end
    assert.equal(112, must(lacre.key.parse(der)):security_bits())
  end)

  it("puts no control characters into a subject", function()
    local ca = must(lacre.ca.new {})
    for _, text in ipairs { "a.test\0.evil.test", "a\nV\t", "\27[31m", "\127" } do
      local csr = must(lacre.csr.create { key = lacre.key.generate "p256", hosts = { "a.test" }, subject = { CN = text } })
      local none, err = ca:issue { csr = csr, copy = { "subject", "hosts" } }
      assert.is_nil(none)
      assert.equal("bad_name", err.code)
    end
  end)
end)

describe("a policy", function()
  local function ask(rules, request)
    local ca = must(lacre.ca.new { policy = rules })
    request.hosts = request.hosts or { "a.corp.test" }
    local id, err = ca:issue(request)
    return id and "issued" or err.code == "policy_refused" and err.detail.rule or tostring(err)
  end

  local cases = {
    { { names = { "*.corp.test" } }, {}, "issued" },
    { { names = { "*.corp.test" } }, { hosts = { "a.b.corp.test" } }, "names" },
    { { names = { "**.corp.test" } }, { hosts = { "a.b.corp.test", "corp.test" } }, "issued" },
    { { names = { "corp.test" } }, { hosts = { "xcorp.test" } }, "names" },
    { { names = { "10.0.0.0/9" } }, { hosts = { "10.127.0.1" } }, "issued" },
    { { names = { "10.0.0.0/9" } }, { hosts = { "10.128.0.1" } }, "names" },
    { { names = { "fd00::/8" } }, { hosts = { "fd12::1" } }, "issued" },
    { { names = { "@corp.test" } }, { hosts = { "ann@corp.test" }, profile = "client" }, "issued" },
    { { names = { "@corp.test" } }, { hosts = { "ann@xcorp.test" }, profile = "client" }, "names" },
    { { names = { "spiffe://corp/*" } }, { hosts = { "spiffe://corp/db" }, profile = "client" }, "issued" },
    { { forbidden = { "admin.corp.test" } }, { hosts = { "a.test", "ADMIN.corp.test" } }, "forbidden" },
    { { wildcards = false }, { hosts = { "*.corp.test" } }, "wildcards" },
    { { keys = { "p384", "rsa:3072" } }, {}, "keys" },
    { { keys = { "p256" } }, {}, "issued" },
    { { keys = { "rsa:2048" } }, { key = "rsa:2048" }, "issued" },
    { { longest = "30d" }, { valid_for = "31d" }, "longest" },
    { { longest = "30d" }, {}, "issued" },
    { { subject = { O = "Corp" } }, { subject = "CN=a,O=Other" }, "subject" },
    { { subject = { O = "Corp" } }, { subject = "CN=a,O=Corp" }, "issued" },
    { { profiles = { "client" } }, {}, "profiles" },
    { { profiles = { server = { longest = "7d" }, client = true } }, { valid_for = "8d" }, "longest" },
    { { profiles = { server = { longest = "7d" }, client = true } }, { valid_for = "8d", profile = "client" }, "issued" },
  }

  it("refuses by rule", function()
    for i, case in ipairs(cases) do
      assert.equal(case[3], ask(case[1], case[2]), "case " .. i)
    end
  end)

  it("gives what was not said, and no names twice on wish", function()
    local ca = must(lacre.ca.new {
      policy = { unique = true, defaults = { valid_for = "7d", ocsp_urls = { "http://ocsp.test/" } } },
    })
    local id = must(ca:issue { hosts = { "a.test" } })
    assert.same({ "http://ocsp.test/" }, id.cert:ocsp_urls())
    assert.is_true(id.cert:expires_in() <= 7 * 86400)
    local none, err = ca:issue { hosts = { "b.test", "a.test" } }
    assert.is_nil(none)
    assert.equal("duplicate_names", err.code)
    assert.is_truthy(ca:renew(id.cert))
  end)

  it("does not bind the CAs below by the rules for all", function()
    local ca = must(lacre.ca.new { policy = { longest = "7d", names = { "a.test" } } })
    assert.is_truthy(ca:intermediate {})
  end)
end)

describe("a revocation", function()
  it("is in the next list, with its reason and time", function()
    local ca = must(lacre.ca.new {})
    local bad, good = must(ca:issue { hosts = { "a.test" } }), must(ca:issue { hosts = { "b.test" } })
    assert.equal(0, must(ca:crl()):count())
    local one = must(ca:revoke(bad.cert, { reason = "key_compromise", time = 1700000000 }))
    assert.equal("revoked", one.status)
    local list = must(ca:crl { next_update = "1d" })
    assert.is_true(list:verify(ca:cert()))
    assert.equal("02", list:number())
    assert.equal(86400, list:next_update() - list:this_update())
    local entry = list:find(bad.cert)
    assert.equal("key_compromise", entry.reason)
    assert.equal(1700000000, entry.time)
    assert.is_nil(list:find(good.cert))
    local none, err = bad.cert:verify { trust = ca, server_name = "a.test", crls = { list } }
    assert.is_nil(none)
    assert.equal("cert_revoked", err.code)
    assert.is_truthy(good.cert:verify { trust = ca, server_name = "b.test", crls = { list } })
  end)

  it("is for good, but a hold may be released", function()
    local ca = must(lacre.ca.new {})
    local id = must(ca:issue { hosts = { "a.test" } })
    must(ca:revoke(id.cert, "certificate_hold"))
    assert.equal("valid", must(ca:release(id.cert)).status)
    must(ca:revoke(id.cert, "certificate_hold"))
    must(ca:revoke(id.cert, "superseded"))
    for _, method in ipairs { "revoke", "release" } do
      local none, err = ca[method](ca, id.cert)
      assert.is_nil(none)
      assert.equal("already_revoked", err.code)
    end
    assert.has_error(function()
      ca:revoke(id.cert, "because")
    end)
  end)

  it("may be told by a delta", function()
    local ca = must(lacre.ca.new {})
    local none, err = ca:crl { delta = true }
    assert.is_nil(none)
    assert.equal("crl_missing", err.code)
    local ids = {}
    for i = 1, 3 do
      ids[i] = must(ca:issue { hosts = { "a.test" } }).cert
    end
    must(ca:revoke(ids[1], "superseded"))
    must(ca:revoke(ids[2], "certificate_hold"))
    local full = must(ca:crl())
    must(ca:release(ids[2]))
    must(ca:revoke(ids[3]))
    local delta = must(ca:crl { delta = true })
    assert.equal(full:number(), delta:base_number())
    assert.equal(2, delta:count())
    assert.equal("remove_from_crl", delta:find(ids[2]).reason)
    assert.is_truthy(delta:find(ids[3]))
    assert.equal(full:number(), must(ca:crl { delta = true }):base_number())
  end)

  it("leaves the list when the certificate has ended, on wish", function()
    local ca = must(lacre.ca.new { not_before = "2020-01-01", valid_for = "20y" })
    local old = must(ca:issue { hosts = { "a.test" }, not_before = "2020-01-02", valid_for = "1d" })
    must(ca:revoke(old.cert))
    assert.equal("revoked", must(ca:find(old.cert)).status)
    assert.equal(1, must(ca:crl()):count())
    assert.equal(0, must(ca:crl { drop_expired = true }):count())
  end)

  it("comes with a renewal, on wish", function()
    local ca = must(lacre.ca.new {})
    local old = must(ca:issue { hosts = { "a.test" } })
    must(ca:renew(old.cert, { supersede = true }))
    assert.equal("superseded", must(ca:find(old.cert)).reason)
  end)
end)
