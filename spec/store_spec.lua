local cert = require "lacre.cert"
local csr = require "lacre.csr"
local key = require "lacre.key"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local store = require "lacre.store"
local tls = require "spec.support.tls"

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
    ["a file of parts that is not there"] = { leaf, { server_name = "a.example", trust = { file = "/nonexistent.pem" } }, "file_not_found" },
    ["a list with one that is not there"] = { leaf, { server_name = "a.example", trust = { root.cert, "/nonexistent.pem" } }, "file_not_found" },
    ["a file that is not there"] = { leaf, { server_name = "a.example", trust = "/nonexistent.pem" }, "file_not_found" },
  } do
    it("refuses " .. name, function()
      local chain, err = verify(case[1].cert, case[2])
      assert.is_nil(chain)
      assert.equal(case[3], err.code)
      assert.is_string(err.message)
    end)
  end

  it("answers with the objects that it was given", function()
    local chain = assert(verify(leaf.cert, { server_name = "a.example" }))
    assert.is_true(rawequal(leaf.cert, chain[1]))
    assert.is_true(rawequal(inter.cert, chain[2]))
    assert.equal(root.cert, chain[3])
  end)

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

  it("goes another way where one ends badly", function()
    local dead = pki.root { subject = "CN=Gone" }
    local other = pki.intermediate(dead, { key = inter.key }) -- signed also by a root that nobody here knows
    local lame = pki.intermediate(root, { key = inter.key, path_length = 0, not_after = os.time() + 99 })
    local deep = pki.intermediate(root, { subject = "CN=Deep", key = inter.key })
    for name, case in pairs {
      ["past an unknown root"] = { { other.cert, inter.cert } },
      ["past one of another key"] = { { pki.intermediate(root, { extensions = { { authority_key_id = false } } }).cert, inter.cert } },
      ["past one that ended"] = { { lame.cert, inter.cert }, os.time() + 200 },
      ["whatever else is there"] = { { deep.cert, other.cert, dead.cert, inter.cert, leaf.cert } },
      ["not where there is none"] = { { other.cert, other.cert, dead.cert }, nil, "untrusted_root" },
    } do
      local chain, err = verify(leaf.cert, { server_name = "a.example", intermediates = case[1], time = case[2], all_errors = name:find "past" ~= nil })
      assert.equal(case[3], err and err.code, name)
      assert.equal(case[3] == nil and 3, chain and #chain or false, name)
      assert.equal(case[3] == nil and inter.cert or nil, chain and chain[2], name)
    end
  end)

  it("goes no way where the leaf itself is trusted", function()
    local old = pki.intermediate(root, { key = inter.key, not_before = os.time() - 99, not_after = os.time() - 9 })
    for _, between in ipairs { inter.cert, old.cert } do
      local chain, err = verify(leaf.cert, { server_name = "a.example", trust = leaf.cert, intermediates = { between } })
      assert.is_nil(err)
      assert.equal(1, #chain)
      chain, err = verify(leaf.cert, { server_name = "b.example", trust = leaf.cert, intermediates = { between } })
      assert.is_nil(chain)
      assert.equal("hostname_mismatch", err.code)
    end
  end)

  it("goes other ways in handshakes, too", function()
    local other = pki.intermediate(pki.root { subject = "CN=Gone" }, { key = inter.key })
    local server = tls.server { identity = { cert = leaf.cert, key = leaf.key, chain = { other.cert, inter.cert } } }
    local client = tls.client({ trust = root.cert }):engine { server_name = "a.example" }
    assert.is_truthy(tls.shake(client, server:engine()))
    assert.equal(inter.cert, client:verified_chain()[2])
    assert.equal("chain", client:info().verified)
  end)

  it("is done in time, however many ways there are", function()
    local crowd = {}
    local dead = pki.root { subject = "CN=Gone" }
    for i = 1, 200 do
      crowd[i] = pki.intermediate(dead, { key = inter.key, serial = i }).cert
    end
    local started = os.clock()
    local chain, err = verify(leaf.cert, { server_name = "a.example", intermediates = crowd })
    assert.is_nil(chain)
    assert.equal("unknown_issuer", err.code)
    assert.is_true(os.clock() - started < 5)
  end)

  for serial, code in pairs { ["0"] = "cert_nonconforming", ["-5"] = "cert_nonconforming", ["0x" .. ("11"):rep(21)] = "cert_nonconforming",
    ["1"] = false, ["0x" .. ("11"):rep(20)] = false } do
    it("knows the rule for the serial number " .. serial, function()
      local directory = process.directory()
      for name, bytes in pairs { ["ca.pem"] = inter.cert:to_pem(), ["ca.key"] = inter.key:to_pem(),
        ["a.csr"] = assert(csr.create { key = leaf.key, hosts = { "a.example" } }):to_pem(),
        ext = "subjectAltName=DNS:a.example\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n" } do
        process.write(directory .. "/" .. name, bytes)
      end
      local pem = process.run { "sh", "-c", ("cd %s && openssl x509 -req -in a.csr -CA ca.pem -CAkey ca.key -days 9 -extfile ext -set_serial %s")
        :format(directory, serial) }
      process.remove(directory)
      local made = assert(cert.parse(pem), pem)
      local chain, err = verify(made, { server_name = "a.example" })
      assert.equal(code, err and err.code or false)
      assert.equal(not code, chain ~= nil)
      assert.equal(code and "serial_number" or nil, err and err.detail.rule)
      assert.is_truthy(verify(made, { server_name = "a.example", strict = false }))
      assert.is_truthy(verify(made, { server_name = "a.example", trust = made }))
    end)
  end

  it("refuses what DSA signed, and extensions of no form", function()
    local broken = pki.issue(inter, { extensions = { { name = "authority_info_access", der = "0\0" } } })
    local chain, err = verify(broken.cert, { server_name = "localhost" })
    assert.is_nil(chain)
    assert.equal("cert_malformed", err.code)
    assert.is_truthy(verify(broken.cert, { server_name = "localhost", strict = false }))
    local dsa = process.run { "sh", "-c", "openssl dsaparam -noout -genkey 2048 2>/dev/null" }
    local made = pki.issue(inter, { key = assert(key.parse(dsa)):public() })
    chain, err = verify(made.cert, { server_name = "localhost" })
    assert.is_nil(chain)
    assert.equal("weak_key", err.code)
  end)

  it("keeps to what CAs say of policies, also where none is asked for", function()
    local demanding = pki.intermediate(root, { policies = { "1.2.3" }, extensions = {
      { name = "policy_constraints", critical = true, value = { require_explicit_policy = 0 } },
    } })
    for name, case in pairs {
      ["none"] = { {}, "policy_violation" }, ["another"] = { { policies = { "1.2.4" } }, "policy_violation" },
      ["that"] = { { policies = { "1.2.3" } } }, ["any"] = { { policies = { "2.5.29.32.0" } } },
    } do
      local below = pki.issue(demanding, case[1]).cert
      local chain, err = verify(below, { server_name = "localhost", intermediates = { demanding.cert } })
      assert.equal(case[2], err and err.code, name)
      assert.equal(case[2] == nil, chain ~= nil, name)
      assert.is_truthy(verify(below, { server_name = "localhost", intermediates = { demanding.cert }, strict = false }), name)
    end
    assert.is_truthy(verify(pki.issue(inter, { policies = { "1.2.3" } }).cert, { server_name = "localhost" }))
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
    assert.has_error(function() store.verify(leaf.cert, { trust = root.cert, any_name = true, policies = { "x" } }) end,
      "bad option 'policies' to 'verify' ('x' is not an object identifier)")
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
