local conn = require "lacre.conn"
local health = require "lacre.tool.health"
local info = require "lacre.tool.info"
local json = require "lacre.report.json"
local listen = require("lacre.listener").listen
local loop = require "lacre.loop"
local pin = require "lacre.tool.pin"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local reception = require "lacre.net.reception"
local settings = require "lacre.tls.settings"
local tcp = require "lacre.tcp"
local style = require("lacre.report.style").new(false)
local time = require "lacre.time"
local tls = require "spec.support.tls"
local in_zoo = require "spec.support.zoo"

local function serving(set, run, handle)
  loop.run(function()
    local door = assert(listen(set))
    local _, port = door:address()
    loop.spawn(function()
      repeat
        local visitor = door:accept()
        if visitor then
          loop.spawn(function()
            if visitor:handshake() and handle then
              handle(visitor)
            end
            visitor:close()
          end)
        end
      until not visitor
    end)
    local ok, why = loop.pcall(run, "localhost:" .. port)
    door:close()
    if not ok then
      error(why, 0)
    end
  end)
end

describe("info", function()
  it("tells version, suite, group, signature, names, path, pins and times", function()
    in_zoo({ "good" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local found = assert(info(at.good, { trust = root }))
      assert.same({ "1.3", true, "pass", "no" }, { found.version, found.verify.ok, found.grade, found.client_cert })
      assert.equal("CN=good.zoo.test", tostring(found.cert:subject()))
      assert.equal(2, #found.chain)
      assert.equal(3, #found.verified_chain)
      assert.equal(found.cert:pin(), found.pins[1])
      assert.is_true(found.timing.total >= found.timing.handshake)
      assert.is_false(info.failed(found))
      local text = info.text(found, style)
      for _, word in ipairs { "version      TLS 1.3", "verified     yes", "path         good.zoo.test <- Zoo Issuing CA <- Zoo Root",
        "verdict      PASS", "ocsp staple  none", "names      good.zoo.test, localhost" } do
        assert.truthy(text:find(word, 1, true), word)
      end
      local data = assert(json.decode(json.encode(info.to_table(found))))
      assert.equal("1.3", data.version)
      assert.is_true(data.verify.ok)
    end)
  end)

  it("tells of servers that do not verify, are old or weak, and says no", function()
    in_zoo({ "expired", "tls10", "anonymous", "dh1024", "client-cert-13" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local expired = assert(info(at.expired, { trust = root }))
      assert.same({ false, "cert_expired" }, { expired.verify.ok, expired.verify.error.code })
      assert.is_true(info.failed(expired))
      assert.matches("verified     NO: certificate CN=expired", info.text(expired, style))
      local old = assert(info(at.tls10, { trust = root }))
      assert.same({ "1.0", "fail" }, { old.version, old.grade })
      assert.is_true(info.failed(old))
      local anonymous = assert(info(at.anonymous, { trust = root }))
      assert.is_false(anonymous.verify.ok)
      assert.matches("there is no certificate", info.text(anonymous, style))
      assert.equal(1024, assert(info(at.dh1024, { trust = root })).dh.bits)
      assert.equal("required", assert(info(at["client-cert-13"], { trust = root })).client_cert)
    end)
  end)

  it("warns by the threshold that is asked for, and hints at a better one", function()
    local private = pki.self_signed { valid_for = "30d" }
    serving({ port = 0, identity = private }, function(at)
      local found = assert(info(at, { trust = private.cert }))
      assert.same({ "warn", "EXPIRES_SOON" }, { found.grade, found.problems[1].code })
      assert.matches("for short%-lived certificates try %-%-warn auto%)$", found.problems[1].message)
      assert.is_false(info.failed(found))
      for _, threshold in ipairs { "auto", "33%", "7d", 86400 } do
        assert.equal("pass", assert(info(at, { trust = private.cert, warn = threshold })).grade, threshold)
      end
      assert.equal("warn", assert(info(at, { trust = private.cert, warn = "100%" })).grade)
      local _, err = info(at, { trust = private.cert, warn = "soon" })
      assert.same({ "bad_time", "config", "write 30d, 12h, 33%, 30d,33% or auto" }, { err.code, err.stage, err.hint })
    end)
  end)

  it("shows a client certificate to a server that requires one", function()
    local set = { port = 0, identity = tls.id, client_trust = tls.root.cert, client_auth = "required" }
    local mine, strange = pki.issue(tls.inter, { profile = "client" }), pki.self_signed { profile = "client" }
    serving(set, function(at)
      assert.equal("required", assert(info(at, { trust = tls.root.cert })).client_cert)
      local found = assert(info(at, { trust = tls.root.cert, cert = { mine.cert, tls.inter.cert }, key = mine.key }))
      assert.same({ "requested", "pass" }, { found.client_cert, found.grade })
      found = assert(info(at, { trust = tls.root.cert, cert = strange.cert, key = strange.key }))
      assert.same({ "rejected", "fail" }, { found.client_cert, found.grade })
    end, function(visitor)
      visitor:receive()
    end)
  end)

  it("explains what it tells", function()
    in_zoo({ "expired" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local text = info.text(assert(info(at.expired, { trust = root, text = true })), style)
      assert.truthy(text:find("The certificate has expired. Renew it.", 1, true))
      assert.truthy(text:find("How both sides agreed on a key", 1, true))
    end)
  end)

  it("tells the name that was asked for where it is not the host", function()
    in_zoo({ "good" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local function told(target, given)
        given.trust = root
        return info.text(assert(info(target, given)), style):match "^host +[^\n]*%((.-)\n"
      end
      assert.equal("127.0.0.1), asked for good.zoo.test", told("good.zoo.test@" .. at.good, {}))
      assert.equal("127.0.0.1), asked for good.zoo.test", told(at.good, { server_name = "good.zoo.test" }))
      assert.equal("127.0.0.1)", told(at.good, {}))
    end)
  end)

  it("returns why there was no handshake", function()
    in_zoo({ "plain-http", "refused", "starttls-stripped", "silent" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local function code(target, given)
        given.trust = root
        return select(2, info(target, given)).code
      end
      assert.equal("not_tls", code(at["plain-http"], {}))
      assert.equal("connection_refused", code(at.refused, {}))
      assert.equal("starttls_unsupported", code(at["starttls-stripped"] .. "/smtp", {}))
      assert.equal("handshake_timeout", code(at.silent, { timeout = 0.2 }))
      assert.equal("bad_name", code("a b", {}))
      assert.matches("^write host, host:port", select(2, info "a b").hint)
      assert.matches("^write host, host:port", select(2, info "a:25/nonsense").hint)
    end)
  end)

  it("speaks STARTTLS first where it is asked to", function()
    in_zoo({ "starttls" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      assert.is_true(assert(info(at.starttls .. "/smtp", { trust = root })).verify.ok)
      assert.is_true(assert(info(at.starttls, { trust = root, starttls = "smtp" })).verify.ok)
    end)
  end)

  it("with probe, finds every version, suite and group", function()
    in_zoo({ "old-offered", "tls12" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local found = assert(info(at["old-offered"], { trust = root, probe = true }))
      assert.same({ ["SSL 3.0"] = false, ["1.0"] = true, ["1.1"] = true, ["1.2"] = true, ["1.3"] = true }, found.supports)
      assert.equal(3, #found.capabilities.suites["1.3"])
      local suites = table.concat(found.capabilities.suites["1.2"], " ")
      assert.truthy(suites:find "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA ")
      assert.truthy(suites:find "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")
      assert.truthy((" " .. table.concat(found.capabilities.groups, " ")):find " X25519")
      assert.equal("OFFERS_OLD_TLS", found.problems[1].code)
      assert.matches("versions     1%.0, 1%.1, 1%.2, 1%.3\n", info.text(found, style))
      local plain = assert(info(at.tls12, { trust = root, probe = true }))
      assert.same({ false, true, false }, { plain.supports["1.1"], plain.supports["1.2"], plain.supports["1.3"] })
      assert.is_nil(plain.capabilities.groups)
      assert.is_false(plain.capabilities.hsts)
    end)
  end)

  it("with probe, tells what a server did not answer, and does not wait for it long", function()
    in_zoo({ "old-ignored" }, function(at, menagerie)
      local began = time.monotonic()
      local found = assert(info(at["old-ignored"], { trust = menagerie.pki:trust(), probe = true, timeout = 5 }))
      assert.is_true(time.monotonic() - began < 4)
      assert.same({ "SSL 3.0", "TLS 1.0", "TLS 1.1" }, found.capabilities.unanswered)
      assert.same({ ["1.2"] = true, ["1.3"] = true }, found.supports)
      assert.equal("OLD_TLS_UNKNOWN", found.notes[1].code == "OLD_TLS_UNKNOWN" and found.notes[1].code
        or found.notes[2].code)
      assert.matches("unanswered   SSL 3.0, TLS 1.0, TLS 1.1", info.text(found, style))
      assert.equal("pass", found.grade)
      assert(json.encode(info.to_table(found)))
    end)
  end)

  it("says why a server refused, and with probe what it does speak", function()
    in_zoo({ "rc4", "ssl3", "null", "plain-http" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local found, err = info(at.rc4, { trust = root })
      assert.is_nil(found)
      assert.equal("TLS_RSA_WITH_RC4_128_SHA (RC4) is the best it offers", err.hint)
      found = assert(info(at.rc4, { trust = root, probe = true }))
      assert.same({ "fail", "WEAK_CIPHER" }, { found.grade, found.problems[1].code })
      assert.same({ "TLS_RSA_WITH_RC4_128_SHA" }, found.capabilities.suites["1.2"])
      assert.is_true(info.failed(found))
      assert.matches("handshake +none: .*\nversions +1.2\n", info.text(found, style))
      assert.truthy(json.encode(info.to_table(found)))
      assert.is_true(assert(info(at.ssl3, { trust = root, probe = true })).supports["SSL 3.0"])
      assert.is_true(assert(info(at.null, { trust = root, probe = true })).supports["1.2"])
      assert.equal("not_tls", select(2, info(at["plain-http"], { trust = root, probe = true })).code)
    end)
  end)

  it("with probe, tells weak suites that stand behind good ones", function()
    local id = tls.id
    loop.run(function()
      local ctx = assert(settings.lab("server", { identity = id, min_version = "1.2", max_version = "1.2", session_tickets = false,
        ciphers = { "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA" } }))
      local door = reception.open(assert(tcp.listen { port = 0 }), function(plain)
        local visitor = conn.over(ctx, plain.socket, { handshake_timeout = 3, io_timeout = 3 })
        if visitor:handshake() then
          visitor:receive()
        end
        visitor:abort()
      end)
      local target = "localhost:" .. select(2, door.door:address())
      local found = assert(info(target, { trust = tls.root.cert, probe = true }))
      local plain = assert(info(target, { trust = tls.root.cert }))
      door:close()
      assert.same({ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "pass", "fail" }, { found.cipher, plain.grade, found.grade })
      assert.equal("it accepts TLS_ECDH_anon_WITH_AES_128_CBC_SHA (ANON)", found.problems[1].message)
    end)
  end)

  it("finds post-quantum key exchange where this OpenSSL has none", function()
    in_zoo({ "pq-only" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      if not at["pq-only"] then
        return -- this OpenSSL has it
      end
      local found = assert(info(at["pq-only"], { trust = root, probe = true }))
      assert.same({ "X25519MLKEM768" }, found.capabilities.groups)
      assert.same({ "TLS_AES_128_GCM_SHA256" }, found.capabilities.suites["1.3"])
      assert.equal("CLIENT_TOO_OLD", found.problems[1].code)
    end)
  end)

  it("offers a key exchange by name to a server that wants no other", function()
    serving({ port = 0, identity = tls.id, min_version = "1.3", groups = { "ffdhe2048" } }, function(at)
      local found = assert(info(at, { trust = tls.root.cert, probe = true }))
      assert.same({ "ffdhe2048", "pass", "ffdhe2048" }, { found.group, found.grade, table.concat(found.capabilities.groups) })
      assert.equal(found.pins[1], found.capabilities.default_pin)
      assert.equal("pass", assert(health { at, trust = tls.root.cert })[1].grade)
    end)
  end)

  it("says in words that are true what is not there", function()
    in_zoo({ "static-rsa", "client-cert-13", "expired" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      local text = info.text(assert(info(at["static-rsa"], { trust = root, text = true, probe = true })), style)
      assert.matches("group        none\n +The client encrypts a secret with the certificate's key", text)
      assert.matches("signature    none\n +The server signed nothing", text)
      assert.matches("resumption   unknown: it could not be tested", text)
      local wary = assert(info(at["client-cert-13"], { trust = root, probe = true }))
      assert.is_nil(wary.capabilities.resumption)
    end)
  end)

  it("tells of a path that is too long, that it is, and of none that is not trusted", function()
    local top = pki.root { path_length = false }
    local issuer = top
    for i = 1, 12 do
      issuer = pki.intermediate(issuer, { subject = "CN=Deep " .. i, path_length = false })
    end
    serving({ port = 0, identity = pki.issue(issuer) }, function(at)
      local found = assert(info(at, { trust = top.cert }))
      assert.equal(1, #found.problems)
      assert.same({ "VERIFY", "CN=Deep 4 is too far from a root: the chain is too long" },
        { found.problems[1].code, found.problems[1].message })
    end)
  end)

  it("tells that the path ends before long beside what is wrong already, and where to get what is missing", function()
    local soon = pki.intermediate(tls.root, { subject = "CN=Soon", not_after = time.now() + 5 * 86400 })
    serving({ port = 0, identity = pki.issue(soon, { hosts = { "other.example" }, not_after = time.now() + 4 * 86400 }) }, function(at)
      local seen = {}
      for i, problem in ipairs(assert(info(at, { trust = tls.root.cert })).problems) do
        seen[i] = problem.code
      end
      assert.same({ "HOSTNAME_MISMATCH", "EXPIRES_SOON", "CHAIN_EXPIRES_SOON" }, seen)
    end)
    for _, url in ipairs { "file:///etc/passwd", "ldap://ca.example/x", "http://ca.example/inter.crt" } do
      local leaf = pki.issue(tls.inter, { issuer_urls = { url } })
      leaf.chain = {}
      serving({ port = 0, identity = leaf }, function(at)
        local problem = assert(info(at, { trust = tls.root.cert })).problems[1]
        assert.same({ "CHAIN_INCOMPLETE", url:find "^http" and url or nil }, { problem.code, problem.url })
        assert.equal(url:find "^http" ~= nil, problem.message:find(url, 1, true) ~= nil)
      end)
    end
  end)

  it("names the certificates that are not needed", function()
    for _, row in ipairs {
      { { tls.inter.cert, tls.inter.cert }, "1 of the 3 certificates sent is not needed: CN=Test Intermediate,O=Lacre (again)" },
      { { pki.root({ subject = "CN=A" }).cert, tls.inter.cert, pki.root({ subject = "CN=B" }).cert },
        "2 of the 4 certificates sent are not needed: CN=A, CN=B" },
    } do
      serving({ port = 0, identity = { cert = tls.id.cert, key = tls.id.key, chain = row[1] } }, function(at)
        assert.equal(row[2], assert(info(at, { trust = tls.root.cert })).problems[1].message)
      end)
    end
  end)

  it("with probe, finds resumption and HSTS", function()
    serving({ port = 0, identity = tls.id }, function(target)
      local found = assert(info(target, { trust = tls.root.cert, probe = true }))
      assert.is_true(found.capabilities.resumption)
      assert.equal(63072000, found.capabilities.hsts.max_age)
    end, function(visitor)
      if visitor:read "l" then
        visitor:write "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\n\r\n"
      end
    end)
  end)

  it("takes HSTS that is taken back for none", function()
    for _, age in ipairs { "60", "0", "" } do
      serving({ port = 0, identity = tls.id }, function(target)
        local found = assert(health { target, trust = tls.root.cert, require = { "hsts" } })[1]
        assert.equal(age == "60" and "pass" or "fail", found.grade)
      end, function(visitor)
        if visitor:read "l" then
          visitor:write("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=", age, "\r\n\r\n")
        end
      end)
    end
  end)
end)

describe("pin", function()
  it("prints the pins of a server that refuses usual clients", function()
    in_zoo({ "p224", "rsa512", "ccm8", "rc4" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      for _, name in ipairs { "p224", "rsa512", "ccm8" } do
        if at[name] then
          local found = assert(pin { at[name], trust = root })
          assert.equal("CN=" .. name .. ".zoo.test", found.pins[1].subject)
        end
      end
      assert.equal("handshake_failed", select(2, pin { at.rc4, trust = root }).code)
    end)
  end)

  it("prints the pins of the verified chain, and compares", function()
    in_zoo({ "good", "self-signed", "starttls", "anonymous" }, function(at, menagerie)
      local root = menagerie.pki:trust()
      assert.equal("handshake_failed", select(2, pin(at.anonymous, { trust = root })).code)
      local found = assert(pin(at.good, { trust = root }))
      assert.is_true(found.verified)
      assert.same({ "leaf", "intermediate", "root" }, { found.pins[1].role, found.pins[2].role, found.pins[3].role })
      assert.is_true(assert(pin(at.good, { trust = root, expect = { found.pins[3].pin } })).match)
      assert.matches("\n# the chain verifies; .* trust on first use", pin.text(found, style))
      local other = assert(pin(at["self-signed"], { trust = root, expect = { found.pins[1].pin } }))
      assert.same({ false, false }, { other.verified, other.match })
      assert.is_true(pin.failed(other))
      assert.matches("\n# NOT VERIFIED %(self_signed%); .* trust on first use", pin.text(other, style))
      assert.is_true(assert(pin(at.starttls .. "/smtp", { trust = root })).verified)
    end)
  end)

  it("of many files and hosts says whose each is, and compares each", function()
    local one, other = pki.self_signed(), pki.self_signed()
    local path = pki.file("one.crt", one.cert:to_pem())
    local sealed = pki.file("sealed.key", one.key:to_pem { password = "sesame" })
    local strange = pki.file("other.crt", other.cert:to_pem())
    local set = { path, sealed, same_as = { path }, password = "sesame" }
    local found = assert(pin(set))
    assert.same({ path, sealed }, { found.pins[1].target, found.pins[2].target })
    assert.same({ true, false }, { found.match, pin.failed(found) })
    local text = pin.text(found, style)
    for _, words in ipairs { path .. ": leaf CN=", path .. ": match\n", sealed .. ": key\n", sealed .. ": match" } do
      assert.is_truthy(text:find(words, 1, true), text)
    end
    found = assert(pin { path, strange, same_as = { path } })
    assert.same({ true, false }, { found.targets[1].match, found.targets[2].match })
    assert.same({ false, true }, { found.match, pin.failed(found) })
    assert.equal("file_not_found", select(2, pin "nowhere.crt").code)
    assert.equal("file_not_found", select(2, pin "./nowhere").code)
    found = assert(pin { path, "localhost:" .. process.dead_port })
    assert.equal("connection_refused", found.targets[2].error.code)
    assert.equal(3, pin.failed(found))
    assert.matches("\n# localhost:" .. process.dead_port .. ": connection_refused: ", pin.text(found, style))
    assert.same({ 2, 1, "file" }, { #pin.to_table(found).targets, #pin.to_table(found).pins, pin.to_table(found).targets[1].source })
    local none, err = pin(sealed)
    assert.is_nil(none)
    assert.equal("password_required", err.code)
    assert.equal(found.pins[1].pin, assert(pin { target = path }).pins[1].pin)
    pki.clean()
  end)

  it("is the same of a file, and of a renewal with the same key", function()
    local ca = pki.root()
    local leaf = pki.issue(ca)
    local renewed = pki.issue(ca, { key = leaf.key, valid_for = "200d" })
    local path = pki.file("leaf.pem", leaf.cert:to_pem())
    assert.is_true(assert(pin(path, { expect = { renewed.cert:pin() } })).match)
    assert.equal(leaf.cert:pin(), assert(pin(pki.file("leaf.key", leaf.key_pem))).pins[1].pin)
    pki.clean()
  end)
end)
