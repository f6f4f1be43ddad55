local context = require "lacre.context"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"
local warning = require "lacre.warning"

local root, id = tls.root, tls.id

local function has(list, name)
  for _, one in ipairs(list) do
    if one == name then
      return true
    end
  end
  return false
end

-- the error of a mistake, which must be told at the place that made it
local function mistake(role, given)
  local ok, why = pcall(function()
    context[role](given)
  end)
  assert.is_false(ok)
  assert.matches("context_spec.lua:%d+: ", why)
  return why
end

describe("a context", function()
  it("does not learn what becomes of the tables it was made from", function()
    local given = { trust = root.cert, insecure = {}, alpn = { "h2" } }
    local client = assert(context.client(given))
    given.insecure.accept_any_certificate, given.trust, given.alpn[1] = true, id.cert, "other"
    local derived = assert(client:with {})
    assert.same({}, derived:config().insecure)
    assert.is_nil((tls.shake(derived:engine { server_name = "other.test" }, tls.server():engine())))
  end)

  it("speaks no suite without a certificate or encryption, whatever is given up", function()
    warning.on_warning(false)
    finally(function()
      warning.on_warning(nil)
    end)
    for _, suite in ipairs { "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "ADH-AES128-SHA", "TLS_PSK_WITH_AES_128_GCM_SHA256",
      "TLS_RSA_WITH_NULL_SHA256" } do
      for _, insecure in ipairs { {}, { allow_weak_crypto = true } } do
        local why = mistake("client", { trust = root.cert, ciphers = { suite }, insecure = insecure })
        assert.matches("has no authentication or no encryption", why)
      end
    end
    assert.matches("unknown cipher suite '1'", mistake("client", { trust = root.cert, ciphers = { 1 } }))
  end)

  it("tells the suites of the versions it speaks, and no others", function()
    for _, case in ipairs { { { policy = "modern" }, "^TLS_ECDHE" }, { { max_version = "1.2" }, "^TLS_AES" } } do
      local ciphers = tls.client(case[1]):config().ciphers
      assert.is_true(#ciphers > 0)
      for _, name in ipairs(ciphers) do
        assert.not_matches(case[2], name)
      end
    end
  end)

  it("without a signature algorithm in common says so", function()
    local client = tls.client({ max_version = "1.2" }):engine { server_name = "localhost" }
    local server = tls.server({ sigalgs = { "rsa_pkcs1_sha1" } }):engine()
    local _, _, _, why = tls.shake(client, server)
    assert.equal("no_shared_sigalg", why.code)
  end)

  it("tells mistakes inside of its options where they were made", function()
    local client = { { groups = { 1 } }, { groups = {} }, { sigalgs = {} }, { identity = { 1 } }, { max_depth = -1 },
      { max_depth = 2 ^ 53 }, { trust = "a\0b" } }
    for _, given in ipairs(client) do
      mistake("client", given)
    end
    mistake("server", { identity = { false } })
    mistake("server", { identity = id, ocsp_staple = "a-file.der" })
  end)

  it("of a server that says how to judge clients says whether it asks for them", function()
    for name, value in pairs { client_trust = root.cert, crls = {}, on_verify = print, revocation = "chain" } do
      assert.matches("missing option 'client_auth'", mistake("server", { identity = id, [name] = value }))
      assert(context.server { identity = id, client_auth = "none", [name] = value })
    end
  end)

  it("tells what is in force", function()
    local config = tls.client():config()
    assert.equal("client", config.role)
    assert.equal("default", config.policy)
    assert.equal("1.2", config.min_version)
    assert.is_nil(config.max_version)
    assert.equal(2, config.security_level)
    assert.is_true(config.strict)
    assert.same({}, config.insecure)
    assert.is_true(has(config.ciphers, "TLS_AES_256_GCM_SHA384"))
    config = tls.server():config()
    assert.same({ "CN=localhost" }, config.identities)
    assert.equal("none", config.client_auth)
    assert.matches("^lacre.context: server, TLS 1.2 or newer$", tostring(tls.server()))
  end)

  it("never changes, and makes others", function()
    local first = tls.client { alpn = { "a" }, max_depth = 3 }
    assert.has_error(function()
      first.alpn = {}
    end)
    local second = assert(first:with { min_version = "1.3" })
    assert.equal("1.2", first:config().min_version)
    assert.equal("1.3", second:config().min_version)
    local client = assert(tls.shake(second:engine { server_name = "localhost" }, tls.server({ alpn = { "a" } }):engine()))
    assert.truthy(client)
    local refused, err = first:with { trust = "/nothing" }
    assert.is_nil(refused)
    assert.equal("file_not_found", err.code)
    assert.has_error(function()
      first:with { client_auth = "required" }
    end)
  end)

  it("takes what it is to be told, and nothing else", function()
    assert.matches("'min_version'%?", mistake("client", { min_verison = "1.2" }))
    assert.matches("a server option, and this is a client", mistake("client", { client_auth = "none" }))
    assert.matches("a client option, and this is a server", mistake("server", { identity = id, alpn_required = true }))
    for _, name in ipairs { "verify", "verify_mode" } do
      assert.matches("verification is always on", mistake("client", { [name] = false }))
    end
    mistake("server", {})
    mistake("server", { identity = id, cert = id.cert })
    mistake("server", { identity = id, client_auth = "required" })
    assert.matches("do not identify your users", mistake("server", { identity = id, client_auth = "optional", client_trust = "system" }))
    mistake("client", { trust = "pins" })
    mistake("client", { alpn = { "" } })
    mistake("client", { alpn = { ("x"):rep(256) } })
    mistake("client", { sessions = -1 })
    mistake("client", { strict = "yes" })
    mistake("client", { time = "soon" })
  end)
end)

describe("an identity", function()
  it("is a certificate and its key, never one of them", function()
    for _, make in ipairs { context.client, context.server } do
      for _, case in ipairs { { "cert", "no_key" }, { "key", "no_certificate" } } do
        local half = { [case[1]] = tls.id[case[1]] }
        for _, given in ipairs { half, { identity = half } } do
          local ctx, err = make(given)
          assert.is_nil(ctx)
          assert.equal(case[2], err.code)
          assert.matches("are needed together", err.hint)
        end
      end
    end
  end)
end)

describe("policies", function()
  local function weakest(given)
    local cbc = false
    for _, name in ipairs(tls.client(given):config().ciphers) do
      cbc = cbc or name:find "CBC" ~= nil
      assert.is_nil(name:find "TLS_RSA_WITH")
      assert.is_nil(name:find "_DHE_")
    end
    return cbc
  end

  it("differ as they say", function()
    assert.is_false(weakest {})
    assert.is_false(weakest { policy = "modern" })
    assert.is_true(weakest { policy = "compat" })
    assert.equal("1.3", tls.client({ policy = "modern" }):config().min_version)
    mistake("client", { policy = "best" })
  end)

  it("with a date never change", function()
    assert.same({
      "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    }, tls.client({ policy = "2026.1" }):config().ciphers)
    local groups = tls.client({ policy = "2026.1" }):config().groups
    if groups[1] == "X25519MLKEM768" then
      table.remove(groups, 1)
    end
    assert.same({ "X25519", "P-256", "P-384" }, groups)
  end)

  it("yield to what is said beside them", function()
    assert.equal("1.2", tls.client({ policy = "modern", min_version = "1.2" }):config().min_version)
    assert.is_false(weakest { policy = "modern", min_version = "1.2" })
  end)
end)

describe("algorithms", function()
  it("are looked up one by one", function()
    assert.matches("unknown cipher suite 'TLS_NONSENSE'", mistake("client", { ciphers = { "TLS_AES_128_GCM_SHA256", "TLS_NONSENSE" } }))
    assert.matches("unknown group 'P%-255'", mistake("client", { groups = { "X25519", "P-255" } }))
    assert.matches("unknown signature algorithm 'sha1'", mistake("client", { sigalgs = { "sha1" } }))
    mistake("client", { ciphers = "ALL" })
    mistake("client", { max_version = "1.2", min_version = "1.3" })
    assert.matches("TLS 1.1 is broken", mistake("client", { min_version = "1.1" }))
    mistake("client", { security_level = 1 })
    mistake("client", { security_level = 6 })
  end)

  it("have their OpenSSL names too", function()
    local ciphers = tls.client({ ciphers = { "ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256" } }):config().ciphers
    assert.same({ "TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" }, ciphers)
  end)

  it("of a version that nothing is said about are the policy's, not OpenSSL's", function()
    local ciphers = tls.client({ ciphers = { "TLS_AES_128_GCM_SHA256" } }):config().ciphers
    assert.equal("TLS_AES_128_GCM_SHA256", ciphers[1])
    assert.equal(7, #ciphers)
    ciphers = tls.client({ ciphers = { "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" } }):config().ciphers
    assert.equal(4, #ciphers)
  end)

  it("of groups may be optional", function()
    local client = assert(tls.engines { groups = { "?X25519MLKEM768", "?MLKEM512", "p-384" } })
    assert.is_true(has({ "P-384", "X25519MLKEM768", "MLKEM512" }, client:info().group))
    local ctx, err = context.client { trust = root.cert, groups = { "MLKEM512" } }
    assert.is_true(ctx ~= nil or err.code == "unsupported")
  end)

  it("of signatures bind both sides", function()
    local client = tls.client({ sigalgs = { "rsa_pss_rsae_sha256" } }):engine { server_name = "localhost" }
    local _, err, _, why = tls.shake(client, tls.server():engine())
    assert.equal("no_shared_sigalg", why.code)
    assert.equal("handshake_failed", err.code)
    assert(tls.engines { sigalgs = { "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256" } })
  end)

  it("are the server's choice, unless it lets the client choose", function()
    local strong, fast = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    for prefers, chosen in pairs { [true] = strong, [false] = fast } do
      local client = assert(tls.engines({ ciphers = { fast, strong }, max_version = "1.2" },
        { ciphers = { strong, fast }, prefer_server_ciphers = prefers }))
      assert.equal(chosen, client:info().cipher)
    end
  end)

  it("are as strong as their level", function()
    local rsa = pki.root { key_type = "rsa:2048" }
    local weak = pki.issue(rsa, { key_type = "rsa:2048" })
    local ctx, err = context.server { identity = weak, security_level = 3 }
    assert.is_nil(ctx)
    assert.equal("weak_key", err.code)
    local server = tls.server({ identity = weak }):engine()
    local client = tls.client({ trust = rsa.cert, security_level = 3 }):engine { server_name = "localhost" }
    err = select(2, tls.shake(client, server))
    assert.is_true(err ~= nil)
  end)
end)

describe("what this build has", function()
  local lacre = require "lacre"

  it("is told by name, and each name is taken", function()
    for _, row in ipairs(lacre.ciphers()) do
      assert(context.client { trust = root.cert, ciphers = { row.name } })
      assert(context.client { trust = root.cert, ciphers = { row.openssl_name } })
      assert.is_true(row.bits >= 128)
      assert.matches("^1.[23]$", row.version)
    end
    for _, row in ipairs(lacre.groups()) do
      assert(context.client { trust = root.cert, groups = { row.name } })
    end
    assert.is_true(#lacre.sigalgs() >= 8)
    for _, row in ipairs(lacre.sigalgs()) do
      assert(context.client { trust = root.cert, sigalgs = { row.name } })
    end
  end)

  it("makes digests and random bytes", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", lacre.digest("sha256", "abc"))
    assert.equal(32, #lacre.digest("sha256", "abc", "raw"))
    assert.equal(44, #lacre.digest("sha256", "abc", "base64"))
    local none, err = lacre.digest("sha257", "abc")
    assert.is_nil(none)
    assert.equal("unsupported", err.code)
    assert.equal(20, #lacre.random(20))
    assert.equal(40, #lacre.random(20, "hex"))
    assert.not_equal(lacre.random(16), lacre.random(16))
    assert.has_error(function()
      lacre.random(4, "octal")
    end)
  end)
end)

describe("config()", function()
  it("tells what is said twice once", function()
    local set = { groups = { "X25519", "secp256r1", "P-256", "x25519" }, sigalgs = { "ed25519", "ed25519" } }
    local config = tls.client(set):config()
    assert.same({ "X25519", "P-256" }, config.groups)
    assert.same({ "ed25519" }, config.sigalgs)
  end)

  it("tells what is trusted", function()
    assert.same({ kind = "own", certificates = 1, directories = {} }, tls.client():config().trust)
    local pins = tls.client { trust = "pins", pins = { tls.id.cert:pin(), allow_no_backup = true } }
    assert.same({ kind = "pins" }, pins:config().trust)
    assert.same({ kind = "none" }, tls.server():config().trust)
    local server = tls.server { client_auth = "required", client_trust = { tls.root.cert, tls.inter.cert } }
    assert.same({ kind = "own", certificates = 2, directories = {} }, server:config().trust)
    local system = context.client()
    if system then
      local told = system:config().trust
      assert.equal("system", told.kind)
      assert.is_true(told.certificates > 0 or #told.directories > 0)
    end
  end)
end)

describe("the system's policy", function()
  local function config_under(conf, given)
    local path = os.tmpname()
    local handle = assert(io.open(path, "w"))
    handle:write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n", conf)
    handle:close()
    local program = ([[
      local context = require "lacre.context"
      local ctx, err = context.client { trust = arg[1], %s }
      if not ctx then print(err.code) return end
      local c = ctx:config()
      print(c.min_version, c.max_version, c.security_level, #c.ciphers, table.concat(c.ciphers, " "))
      print("groups " .. table.concat(c.groups, " "))
      print("sigalgs " .. table.concat(c.sigalgs, " "))
    ]]):format(given or "")
    local script = os.tmpname()
    handle = assert(io.open(script, "w"))
    handle:write(program)
    handle:close()
    local ca = pki.file("ca.pem", root.pem)
    local output = process.run { "env", "OPENSSL_CONF=" .. path, os.getenv "LUA", script, ca }
    os.remove(path)
    os.remove(script)
    pki.clean()
    return output
  end

  it("may narrow what lacre allows", function()
    assert.matches("^1.2\tnil\t2\t9\t", config_under "")
    assert.matches("^1.3\tnil\t2\t3\t", config_under "MinProtocol = TLSv1.3\n")
    assert.matches("^1.3\tnil\t2\t3\t", config_under("MinProtocol = TLSv1.3\n", "min_version = '1.2'"))
    assert.matches("^1.2\t1.2\t2\t6\t", config_under "MaxProtocol = TLSv1.2\n")
    assert.matches("^1.2\tnil\t3\t", config_under "CipherString = DEFAULT@SECLEVEL=3\n")
    assert.matches("^1.2\tnil\t3\t", config_under("CipherString = DEFAULT@SECLEVEL=3\n", "security_level = 2"))
    assert.matches("^1.2\tnil\t4\t", config_under("CipherString = DEFAULT@SECLEVEL=3\n", "security_level = 4"))
    local only = config_under "CipherString = ECDHE+AES128:@SECLEVEL=2\nCiphersuites = TLS_AES_128_GCM_SHA256\n"
    assert.matches("^1.2\tnil\t2\t3\t", only)
    assert.falsy(only:find "256_GCM")
    only = config_under("CipherString = ECDHE+AES128\nCiphersuites = TLS_AES_128_GCM_SHA256\n",
      "ciphers = { 'TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256' }")
    assert.matches("\t2\tTLS_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", only)
  end)

  it("narrows groups and signature algorithms too, and config() tells what is left", function()
    local free = config_under ""
    assert.matches("\ngroups [^\n]*X25519 P%-256 P%-384\n", free)
    assert.matches("\nsigalgs .*ecdsa_secp256r1_sha256 .*rsa_pkcs1_sha256", free)
    assert.falsy(free:find "sha1[ \n]")
    assert.matches("\ngroups P%-384 P%-256\n", config_under("Groups = P-256:P-384:P-521\n", "groups = { 'P-384', 'X25519', 'P-256' }"))
    assert.matches("\ngroups P%-256 P%-384\n", config_under "Groups = P-256:P-384:P-521\n")
    assert.matches("\ngroups P%-521\n", config_under("Groups = P-384:P-521\n", "groups = { 'P-521' }"))
    assert.matches("\ngroups [X25519MLKEM768 ]*P%-384\n", config_under "CipherString = DEFAULT:@SECLEVEL=4\n")
    assert.matches("^no_shared_group\n", config_under("Groups = P-384\n", "groups = { 'X25519' }"))
    local signatures = "SignatureAlgorithms = ECDSA+SHA384:RSA-PSS+SHA384\n"
    assert.matches("\nsigalgs ecdsa_secp384r1_sha384 rsa_pss_rsae_sha384\n", config_under(signatures))
    assert.matches("\nsigalgs rsa_pss_rsae_sha384\n",
      config_under(signatures, "sigalgs = { 'ed25519', 'rsa_pss_rsae_sha384', 'ecdsa_secp256r1_sha256' }"))
    assert.matches("\nsigalgs ed25519 ecdsa_secp256r1_sha256\n", config_under("", "sigalgs = { 'ed25519', 'ecdsa_secp256r1_sha256' }"))
    assert.matches("^no_shared_sigalg\n", config_under(signatures, "sigalgs = { 'ed25519' }"))
    assert.matches("^protocol_version\n", config_under("MaxProtocol = TLSv1.2\n", "policy = 'modern'"))
  end)

  it("never widens it", function()
    assert.matches("\ngroups [^\n]*X25519 P%-256 P%-384\n", config_under "Groups = P-521:X448:P-256:P-384:X25519:ffdhe2048\n")
    assert.matches("\nsigalgs ed25519\n",
      config_under("SignatureAlgorithms = RSA+SHA1:ECDSA+SHA1:ed25519\nCipherString = ALL:@SECLEVEL=0\n"))
    assert.matches("^1.2\tnil\t2\t9\t", config_under "MinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\nOptions = UnsafeLegacyRenegotiation\n")
    assert.matches("^no_shared_cipher", config_under("CipherString = ECDHE+AES128\n", "ciphers = { 'ECDHE-RSA-AES256-GCM-SHA384' }"))
  end)
end)

describe("insecure", function()
  local said
  before_each(function()
    said = {}
    warning.on_warning(function(message)
      said[#said + 1] = message
    end)
  end)
  after_each(function()
    warning.on_warning(false)
  end)

  local stranger = pki.self_signed()
  local sins = {
    { "accept_any_certificate", { identity = stranger }, "localhost", "none" },
    { "accept_any_name", { identity = id }, "other.test", "chain" },
    { "accept_expired", { identity = pki.expired(root) }, "localhost", "chain" },
  }
  for _, case in ipairs(sins) do
    for _, version in ipairs { "1.2", "1.3" } do
      it(("says that it gives up: %s, over TLS %s"):format(case[1], version), function()
        local server = tls.server(case[2])
        local refused = tls.client({ max_version = version }):engine { server_name = case[3] }
        assert.is_nil((tls.shake(refused, server:engine())))
        local ctx = tls.client { insecure = { [case[1]] = true }, max_version = version }
        local client = ctx:engine { server_name = case[3] }
        local done, err = tls.shake(client, server:engine())
        assert(done, tostring(err))
        assert.same({ case[1] }, client:info().insecure)
        assert.same({ case[1] }, ctx:config().insecure)
        assert.equal(case[4], client:info().verified)
        tls.client { insecure = { [case[1]] = true } }
        assert.equal(1, #said)
        assert.matches(case[1], said[1])
      end)
    end
  end

  it("gives up one thing at a time", function()
    local client = tls.client({ insecure = { accept_any_name = true } }):engine { server_name = "other.test" }
    local _, err = tls.shake(client, tls.server({ identity = stranger }):engine())
    assert.is_true(err:is "verify")
    client = tls.client({ insecure = { accept_expired = true } }):engine { server_name = "other.test" }
    _, err = tls.shake(client, tls.server({ identity = pki.expired(root) }):engine())
    assert.equal("hostname_mismatch", err.code)
  end)

  it("gives up strength only by name", function()
    local weak = tls.client { insecure = { allow_weak_crypto = true } }
    assert.equal(0, weak:config().security_level)
    local names = table.concat(weak:config().ciphers, " ")
    assert.matches("CBC", names)
    assert.falsy(names:find "NULL" or names:find "anon" or names:find "PSK")
    assert.equal("1.0", tls.client({ min_version = "1.0", insecure = { allow_tls_1_0 = true } }):config().min_version)
  end)

  it("takes no other names, and is no switch", function()
    mistake("client", { insecure = true })
    mistake("client", { insecure = { accept_all = true } })
    mistake("client", { insecure = { accept_any_name = 1 } })
    assert.same({}, tls.client({ insecure = { accept_any_name = false } }):config().insecure)
    assert.same({}, said)
  end)
end)

describe("verification", function()
  it("goes as deep as it may", function()
    local server = tls.server()
    local client = tls.client({ max_depth = 0 }):engine { server_name = "localhost" }
    local _, err = tls.shake(client, server:engine())
    assert.equal("chain_too_long", err.code)
    assert(tls.engines { max_depth = 1 })
  end)

  it("happens at the time it is told", function()
    local later = os.time() + 400 * 86400
    for _, time in ipairs { later, "2037-01-31", function()
      return later
    end } do
      local client, err = tls.engines { time = time }
      assert.is_nil(client)
      assert.equal("cert_expired", err.code)
    end
    assert(tls.engines { time = os.time() })
  end)

  it("is strict, and less so where that is said", function()
    local plain = pki.issue(root, { extensions = { { authority_key_id = false } } })
    local cases = { { true, "cert_nonconforming" }, { "anchors", "cert_nonconforming" }, { false } }
    for _, case in ipairs(cases) do
      local client, err = tls.engines({ strict = case[1] }, { identity = plain })
      assert.equal(case[2], err and not client and err.code or nil)
    end
    local bare = pki.root { extensions = { { key_usage = false } } }
    assert(tls.engines({ trust = bare.cert }, { identity = pki.issue(bare) }))
    local client, err = tls.engines({ trust = bare.cert, strict = "anchors" }, { identity = pki.issue(bare) })
    assert.is_nil(client)
    assert.is_true(err:is "verify")
  end)
end)
