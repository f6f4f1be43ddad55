local cert = require "lacre.cert"
local pki = require "spec.support.pki"
local store = require "lacre.store"

describe("store", function()
  local root = pki.root()
  local inter = pki.intermediate(root)
  local leaf = pki.issue(inter, { hosts = { "a.example", "127.0.0.1" } })
  local own = pki.self_signed()
  after_each(pki.clean)

  local function verify(leaf_cert, options)
    options.trust = options.trust or root.cert
    options.intermediates = options.intermediates or { inter.cert }
    return store.verify(leaf_cert, options)
  end

  for name, case in pairs {
    ["another name"] = { leaf, { server_name = "b.example" }, "hostname_mismatch" },
    ["another address"] = { leaf, { server_name = "127.0.0.2" }, "hostname_mismatch" },
    ["an address given as a name"] = { pki.issue(inter, { hosts = { "a.example" } }), { server_name = "127.0.0.1" }, "hostname_mismatch" },
    ["a missing intermediate"] = { leaf, { server_name = "a.example", intermediates = {} }, "unknown_issuer" },
    ["another root"] = { leaf, { server_name = "a.example", trust = pki.root({ subject = "CN=Other" }).cert, intermediates = { inter.cert, root.cert } }, "untrusted_root" },
    ["a certificate that signs itself"] = { own, { server_name = "localhost" }, "self_signed" },
    ["one that expired"] = { pki.expired(inter), { server_name = "localhost" }, "cert_expired" },
    ["one that is not valid yet"] = { pki.future(inter), { server_name = "localhost" }, "cert_not_yet_valid" },
    ["a client's as a server"] = { pki.client(inter), { any_name = true }, "wrong_purpose" },
    ["a server's as code"] = { leaf, { any_name = true, purpose = "code_signing" }, "wrong_purpose" },
    ["a server's as a responder"] = { leaf, { any_name = true, purpose = "ocsp" }, "wrong_purpose" },
    ["any purpose as a responder"] = { pki.issue(inter, { extended_key_usage = { "any_extended_key_usage" } }), { any_name = true, purpose = "ocsp" }, "wrong_purpose" },
    ["a responder that may only encipher"] = { pki.issue(inter, { profile = "ocsp", key_usage = { "key_encipherment" } }), { any_name = true, purpose = "ocsp" }, "wrong_purpose" },
    ["code below a CA for servers"] = { pki.issue(inter, { profile = "code_signing" }), { any_name = true, purpose = "code_signing" }, "wrong_purpose" },
    ["another mail address"] = { pki.client(inter), { email = "x@y.example", purpose = "client" }, "email_mismatch" },
    ["a leaf without an authority key id"] = { pki.issue(inter, { extensions = { { authority_key_id = false } } }), { server_name = "localhost" }, "cert_nonconforming" },
    ["an unknown critical extension"] = { pki.issue(inter, { extensions = { { oid = "1.2.3", der = "\5\0", critical = true } } }), { server_name = "localhost" }, "unhandled_critical_extension" },
    ["the key of nobody"] = { leaf, { server_name = "a.example", pins = { pki.root().key } }, "pin_mismatch" },
    ["a chain that is too long"] = { leaf, { server_name = "a.example", max_depth = 0 }, "chain_too_long" },
    ["an unknown revocation"] = { leaf, { server_name = "a.example", revocation = "leaf" }, "crl_missing" },
    ["a policy nobody asserts"] = { leaf, { server_name = "a.example", policies = { "1.2.3.4" } }, "policy_violation" },
    ["no trust at all"] = { leaf, { server_name = "a.example", trust = {} }, "trust_empty" },
    ["a file that is not there"] = { leaf, { server_name = "a.example", trust = "/nonexistent.pem" }, "file_not_found" },
  } do
    it("refuses " .. name, function()
      local chain, err = verify(case[1].cert, case[2])
      assert.is_nil(chain)
      assert.equal(case[3], err.code)
      assert.is_string(err.message)
    end)
  end

  for name, case in pairs {
    ["a name"] = { leaf, { server_name = "a.example" }, 3 },
    ["an address"] = { leaf, { server_name = "127.0.0.1" }, 3 },
    ["an intermediate as anchor"] = { leaf, { server_name = "a.example", trust = inter.cert, intermediates = {} }, 2 },
    ["the leaf as its own anchor"] = { leaf, { server_name = "a.example", trust = leaf.cert, intermediates = {} }, 1 },
    ["a self-signed leaf as anchor"] = { own, { server_name = "localhost", trust = own.cert }, 1 },
    ["a client"] = { pki.client(inter), { email = "client@lacre.example", purpose = "client" }, 3 },
    ["a responder"] = { pki.issue(inter, { profile = "ocsp" }), { any_name = true, purpose = "ocsp" }, 3 },
    ["a signer of code"] = { pki.issue(root, { profile = "code_signing" }), { any_name = true, purpose = "code_signing", intermediates = {} }, 2 },
    ["an expired one in its time"] = { pki.expired(inter), { server_name = "localhost", time = os.time() - 5 * 86400 }, 3 },
    ["a pin of the chain"] = { leaf, { server_name = "a.example", pins = { root.key } }, 3 },
    ["the system's store and another"] = { leaf, { server_name = "a.example", trust = { "system", root.cert } }, 3 },
  } do
    it("accepts " .. name, function()
      local real_inter = case[1]
      if name:find "expired" then
        -- its issuers are younger than it: give it old ones
        local r = pki.root { not_before = os.time() - 60 * 86400 }
        local i = pki.intermediate(r, { not_before = os.time() - 60 * 86400 })
        real_inter = pki.expired(i)
        case[2].trust, case[2].intermediates = r.cert, { i.cert }
      end
      local chain, err = verify(real_inter.cert, case[2])
      assert.is_nil(err)
      assert.equal(case[3], #chain)
      assert.equal(real_inter.cert, chain[1])
    end)
  end

  describe("name constraints", function()
    local function limited(constraints, options)
      options = options or {}
      options.name_constraints = constraints
      return pki.intermediate(root, options)
    end

    -- { constraints, names of the leaf as raw values, what comes of it }
    for name, case in pairs {
      ["let what is permitted be"] = { { permitted = { "ok.example" } }, { "a.ok.example", "ok.example" } },
      ["let addresses be"] = { { permitted = { "10.0.0.0/8" } }, { "10.1.2.3" } },
      ["refuse what is not permitted"] = { { permitted = { "ok.example" } }, { "a.other.example" }, "name_constraint_violation" },
      ["refuse what is excluded"] = { { excluded = { "bad.example" } }, { "x.bad.example" }, "name_constraint_violation" },
      ["refuse another network"] = { { permitted = { "10.0.0.0/8" } }, { "192.0.2.1" }, "name_constraint_violation" },
      ["refuse addresses of IPv6"] = { { excluded = { "2001:db8::/32" } }, { "2001:db8::1" }, "name_constraint_violation" },
      ["refuse a wildcard that covers what is excluded"] = {
        { excluded = { "secret.bad.example" } }, { "*.bad.example" }, "name_constraint_violation",
      },
      ["let a wildcard be that covers nothing excluded"] = {
        { excluded = { "a.secret.bad.example" } }, { "*.bad.example" },
      },
    } do
      it(name, function()
        local free = pki.intermediate(root)
        local ca = limited(case[1], { key = free.key })
        local host = case[2][1]:gsub("^%*", "www")
        -- issued by a namesake with the same key and no constraints, as cert.create would refuse it
        local below = pki.issue(free, { hosts = case[2], subject = "O=x" })
        local chain, err = verify(below.cert, { server_name = host, intermediates = { ca.cert } })
        assert.equal(case[3], err and err.code)
        assert.equal(case[3] == nil, chain ~= nil)
        local made, why = cert.create { key = below.key, hosts = case[2], issuer = ca.cert, issuer_key = ca.key, subject = "O=x" }
        if case[3] then
          assert.is_nil(made)
          assert.equal(case[3], why.code)
        end
      end)
    end
  end)

  it("wants name constraints to be critical, and in CAs", function()
    local function nc(critical)
      return { { name = "name_constraints", critical = critical, value = { permitted = {
        { base = { type = "dns", value = "localhost" } }, { base = { type = "ip", value = "0.0.0.0/0" } },
        { base = { type = "ip", value = "::/0" } },
      } } } }
    end
    local loose = pki.intermediate(root, { extensions = nc(false) })
    local chain, err = verify(pki.issue(loose).cert, { server_name = "localhost", intermediates = { loose.cert } })
    assert.is_nil(chain)
    assert.equal("cert_malformed", err.code)
    assert.is_truthy(verify(pki.issue(loose).cert, { server_name = "localhost", intermediates = { loose.cert }, strict = false }))
    local strict = pki.intermediate(root, { extensions = nc(true) })
    assert.is_truthy(verify(pki.issue(strict).cert, { server_name = "localhost", intermediates = { strict.cert } }))
    chain, err = verify(pki.issue(inter, { extensions = nc(true) }).cert, { server_name = "localhost" })
    assert.is_nil(chain)
    assert.equal("cert_malformed", err.code)
  end)

  it("lets both ends of the validity be part of it", function()
    local now = os.time()
    local r = pki.root { not_before = now - 1000, not_after = now + 1000 }
    local l = pki.issue(r, { not_before = now - 1000, not_after = now + 1000 })
    for offset, code in pairs { [-1001] = "cert_not_yet_valid", [-1000] = true, [0] = true, [1000] = true, [1001] = "cert_expired" } do
      local chain, err = store.verify(l.cert, { trust = r.cert, server_name = "localhost", time = now + offset })
      assert.equal(code == true, chain ~= nil, offset)
      assert.equal(code, err and err.code or true)
      assert.equal(code == true, l.cert:is_valid_at(now + offset))
    end
  end)

  it("finds every error on wish", function()
    local _, err = verify(pki.expired(inter).cert, { server_name = "b.example", all_errors = true })
    local codes = {}
    for i, one in ipairs(err.errors) do codes[i] = one.code end
    table.sort(codes)
    assert.same({ "cert_expired", "hostname_mismatch" }, codes)
  end)

  it("lets the anchor be as it is, and the path not", function()
    local loose = pki.root { extensions = { { subject_key_id = false }, { key_usage = false } } }
    local below = pki.issue(loose)
    assert.is_truthy(store.verify(below.cert, { server_name = "localhost", trust = loose.cert }))
    local chain, err = store.verify(below.cert, { server_name = "localhost", trust = loose.cert, strict = "anchors" })
    assert.is_nil(chain)
    assert.equal("cert_nonconforming", err.code)
    assert.is_string(err.detail.rule)
  end)

  it("raises without a name to verify", function()
    assert.has_error(function() store.verify(leaf.cert, { trust = root.cert }) end)
    assert.has_error(function() store.verify(leaf.cert, { trust = 42, any_name = true }) end)
    assert.has_error(function() store.verify(42, { any_name = true }) end)
  end)

  it("reads anchors from files, text, lists and parts", function()
    local path = pki.file("root.pem", root.cert:to_pem())
    for _, spec in ipairs { path, root.cert:to_pem(), { path }, { file = path }, { certs = { root.cert } }, { pem = root.cert:to_pem() }, store.new(root.cert) } do
      assert.is_truthy(verify(leaf.cert, { server_name = "a.example", trust = spec }))
    end
  end)

  it("says what it holds", function()
    local s = store.new { root.cert, inter.cert }
    assert.equal(2, s:count())
    local seen = 0
    for c in s:certs() do
      seen = seen + 1
      assert.is_true(c == root.cert or c == inter.cert)
    end
    assert.equal(2, seen)
    assert.equal(s, s:add(own.cert))
    assert.equal(3, s:count())
  end)

  it("does not let the system's store change", function()
    local system = store.system()
    if system then assert.has_error(function() system:add(root.cert) end) end
  end)
end)
