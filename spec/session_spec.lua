local context = require "lacre.context"
local has_hybrid = require("lacre").openssl.features.mlkem
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local tls = require "spec.support.tls"
local time = require "lacre.time"

local other = pki.root { subject = "CN=Other Root" }

-- OpenSSL resumes no session of TLS 1.2 whose connection was dropped without an end, so none is dropped in a spec
local kept = {}

after_each(function()
  kept = {}
end)

-- one connection that says something both ways, so that tickets arrive
local function talk(client, server, name)
  local c = assert(client:engine { server_name = name or "localhost" })
  local s = assert(server:engine())
  kept[#kept + 1] = c
  local done, err, accepted, why = tls.shake(c, s)
  if not done or not accepted then
    return nil, err or why, c, s
  end
  s:write "x"
  tls.carry(s, c)
  local data
  data, err = c:read()
  if not data then
    return nil, err, c, s
  end
  assert.equal("x", data)
  assert.equal(c:info().resumed, s:info().resumed)
  return c:info().resumed, nil, c, s
end

for _, version in ipairs { "1.3", "1.2" } do
  describe("a session of TLS " .. version, function()
    local both = { max_version = version }

    it("is resumed, by the same context and for the same name, with what was verified", function()
      local client, server = tls.client(both), tls.server(both)
      assert.is_false((talk(client, server)))
      for _ = 1, 3 do
        local resumed, _, c, s = talk(client, server)
        assert.is_true(resumed)
        assert.equal(3, #c:verified_chain())
        assert.equal(2, #c:peer_chain())
        assert.equal("chain", c:info().verified)
        assert.equal("localhost", s:server_name())
      end
      assert.is_true(client:flush_sessions())
      assert.is_false((talk(client, server)))
    end)

    it("is not resumed where nobody wants it", function()
      local server = tls.server(both)
      local client = tls.client { max_version = version, sessions = false }
      assert.is_false((talk(client, server)))
      assert.is_false((talk(client, server)))
      server, client = tls.server { max_version = version, session_tickets = false }, tls.client(both)
      assert.is_false((talk(client, server)))
      assert.is_false((talk(client, server)))
    end)

    it("is not resumed by another context, nor after it was derived", function()
      local client, server = tls.client(both), tls.server(both)
      talk(client, server)
      assert.is_false((talk(assert(client:with {}), server)))
      assert.is_false((talk(client, assert(server:with {}))))
      assert.is_false((talk(client, tls.server(both))))
    end)

    it("is not resumed for another name, on either side", function()
      local id = pki.issue(tls.root, { hosts = { "a.test", "b.test" } })
      local client, server = tls.client(both), tls.server { identity = id, max_version = version }
      assert.is_false((talk(client, server, "a.test")))
      assert.is_true((talk(client, server, "a.test")))
      assert.is_false((talk(client, server, "b.test")))
      -- and a client that would offer it gets a full handshake: sessions are bound to the name on the wire
      local c = assert(client:engine { server_name = "a.test", sni = "b.test" })
      local s = assert(server:engine())
      assert.is_true((tls.shake(c, s)))
      assert.is_false(c:info().resumed)
    end)

    it("is judged again: dates", function()
      local now = time.now()
      local clock = now
      local id = pki.issue(tls.root, { not_before = now - 100, not_after = now + 100 })
      local server = tls.server { identity = id, max_version = version }
      local client = tls.client { max_version = version, time = function()
        return clock
      end }
      assert.is_false((talk(client, server)))
      assert.is_true((talk(client, server)))
      clock = now + 1000
      local resumed, err = talk(client, server)
      assert.is_nil(resumed)
      assert.equal("cert_expired", err.code)
    end)

    it("is judged again: pins that expire", function()
      local now = time.now()
      local clock = now
      local client = tls.client { max_version = version, time = function()
        return clock
      end, pins = { tls.id.cert:pin(), other.cert:pin(), expires = now + 100 } }
      local server = tls.server(both)
      assert.is_false((talk(client, server)))
      assert.is_true((talk(client, server)))
      clock = now + 1000
      local resumed, err = talk(client, server)
      assert.is_nil(resumed)
      assert.equal("pin_expired", err.code)
    end)

    it("is judged again: on_verify", function()
      local asked, answer = {}, true
      local client = tls.client { max_version = version, on_verify = function(peer)
        asked[#asked + 1] = peer.resumed
        return answer
      end }
      local server = tls.server(both)
      assert.is_false((talk(client, server)))
      assert.is_true((talk(client, server)))
      assert.same({ false, true }, asked)
      answer = false
      local resumed, err, c = talk(client, server)
      assert.is_nil(resumed)
      assert.equal("verify_rejected", err.code)
      assert.is_nil((c:write "x"))
    end)

    it("with trust in pins keeps to the pin", function()
      local client = tls.client { max_version = version, trust = "pins", pins = { tls.id.cert:pin(), allow_no_backup = true } }
      local server = tls.server(both)
      assert.is_false((talk(client, server)))
      local resumed, _, c = talk(client, server)
      assert.is_true(resumed)
      assert.equal("pins", c:info().verified)
    end)

    it("of a client with a certificate is not resumed, unless that is asked for, and then judged again", function()
      local clients = pki.root { subject = "CN=Clients" }
      local client = tls.client { max_version = version, identity = pki.client(clients) }
      local server = tls.server { max_version = version, client_auth = "required", client_trust = clients.cert }
      assert.is_false((talk(client, server)))
      assert.is_false((talk(client, server)))
      local asked, answer = 0, true
      server = tls.server {
        max_version = version, client_auth = "required", client_trust = clients.cert, session_tickets = { count = 1 },
        on_verify = function(peer)
          asked = asked + 1
          return answer and peer.cert ~= nil
        end,
      }
      assert.is_false((talk(client, server)))
      assert.is_true((talk(client, server)))
      assert.equal(2, asked)
      answer = false
      local resumed = talk(client, server)
      assert.is_nil(resumed)
    end)

    it("without a certificate opens no door that needs one", function()
      local clients = pki.root { subject = "CN=Clients" }
      local keys = { ("k"):rep(80) }
      local open = tls.server { max_version = version, session_tickets = { keys = keys } }
      local closed = tls.server {
        max_version = version, session_tickets = { keys = keys }, client_auth = "required", client_trust = clients.cert,
      }
      local client = tls.client(both)
      assert.is_false((talk(client, open)))
      local resumed, err = talk(client, closed)
      assert.is_nil(resumed)
      assert.equal("client_cert_required", err.code)
    end)

    it("carries what leads from a client's certificate to its CA, and is not resumed where that is not good any more", function()
      local clients = pki.root { subject = "CN=Clients" }
      local now = time.now()
      local server = tls.server { max_version = version, client_auth = "required", client_trust = clients.cert,
        session_tickets = { count = 2 }, time = function() return now end }
      local user = pki.client(pki.intermediate(clients), { not_after = now + 3600 })
      local client = tls.client { identity = user }
      assert.is_false((talk(client, server)))
      for _ = 1, 3 do
        assert.is_true((talk(client, server)))
      end
      now = now + 7200
      local resumed, err, at_client = talk(client, server)
      assert.is_nil(resumed)
      if version == "1.3" then -- there a client is done before it is judged
        _, err = at_client:read()
      end
      assert.equal("client_cert_rejected", err.code)
      assert.equal("certificate_expired", err.alert)
    end)

    it("with a long way from a client's certificate to its CA begins anew", function()
      local clients = pki.root { subject = "CN=Clients" }
      local names = {}
      for i = 1, 200 do
        names[i] = ("%03d.%s.test"):format(i, ("x"):rep(40))
      end
      local above = pki.intermediate(clients, { hosts = names })
      local server = tls.server { max_version = version, client_auth = "required", client_trust = clients.cert,
        session_tickets = { count = 2 } }
      local client = tls.client { identity = pki.client(above) }
      for _ = 1, 3 do
        assert.is_false((talk(client, server)))
      end
    end)

    it("is resumed by a context with the same keys that is the same in all else, and by no other", function()
      local clients, strangers = pki.root { subject = "CN=Clients" }, pki.root { subject = "CN=Strangers" }
      local keys = { ("a"):rep(80), ("b"):rep(80) }
      local function shared(given)
        local set = { max_version = version, session_tickets = { keys = given.keys or keys }, identity = given.identity,
          client_auth = given.client_auth, client_trust = given.client_trust, alpn = given.alpn, on_verify = given.on_verify }
        return tls.server(set)
      end
      local client = tls.client(both)
      assert.is_false((talk(client, shared {})))
      for _ = 1, 3 do
        assert.is_true((talk(client, shared {}))) -- each its own context, as in other processes
      end
      assert.is_true((talk(client, shared { keys = { ("c"):rep(80), keys[1], keys[2] } }))) -- rotated
      assert.is_true((talk(client, shared { keys = { ("c"):rep(80), keys[1] } })))
      local differences = {
        { identity = pki.issue(tls.inter) }, { client_auth = "optional", client_trust = clients.cert }, { alpn = { "h2" } },
        { client_auth = "none", on_verify = function() return true end },
      }
      for i, given in ipairs(differences) do
        client = tls.client(both)
        assert.is_false((talk(client, shared {})))
        assert.is_false((talk(client, shared(given))), "difference " .. i)
      end
      client = tls.client { max_version = version, identity = pki.issue(clients, { profile = "client", hosts = { "u@a.test" } }) }
      local ours = { client_auth = "required", client_trust = clients.cert }
      assert.is_false((talk(client, shared(ours))))
      assert.is_true((talk(client, shared(ours))))
      assert.is_nil((talk(client, shared { client_auth = "required", client_trust = strangers.cert })))
      assert.is_true((talk(client, shared(ours))))
      assert.is_false((talk(client, shared { client_auth = "required", client_trust = { clients.cert, strangers.cert } })))
    end)

    it("lives as long as its key, in processes that share keys", function()
      local a = tls.server { max_version = version, session_tickets = { keys = { ("a"):rep(80), ("b"):rep(80) } } }
      local client = tls.client(both)
      assert.is_false((talk(client, a)))
      assert.is_true((talk(client, a)))
      assert.is_true(a:flush_sessions())
      assert.is_false((talk(client, a)))
    end)
  end)
end

describe("session options", function()
  it("raise what is wrong", function()
    for _, tickets in ipairs { { count = 0 }, { count = 99 }, { keys = { "short" } }, { keys = {} }, { lifetime = "30d" }, { x = 1 } } do
      assert.has_error(function()
        context.server { identity = tls.id, session_tickets = tickets }
      end)
    end
    for _, limit in ipairs { -1, 1e6 } do
      assert.has_error(function()
        context.client { trust = tls.root.cert, sessions = limit }
      end)
    end
  end)

  it("bound what a client keeps", function()
    local client, server = tls.client { sessions = 2, max_version = "1.2" }, tls.server { max_version = "1.2",
      identity = pki.issue(tls.root, { hosts = { "*.w.test" } }) }
    for _, name in ipairs { "a.w.test", "b.w.test", "c.w.test" } do
      assert.is_false((talk(client, server, name)))
    end
    assert.is_true((talk(client, server, "c.w.test")))
    assert.is_true((talk(client, server, "b.w.test")))
    assert.is_false((talk(client, server, "a.w.test")))
  end)
end)

describe("identities by name", function()
  local a = pki.issue(tls.root, { hosts = { "a.test" } })
  local wild = pki.issue(tls.root, { hosts = { "*.w.test" } })
  local rsa = pki.issue(tls.root, { hosts = { "a.test" }, key_type = "rsa:2048" })
  local exact = pki.issue(tls.root, { hosts = { "x.w.test" } })

  local function shown(server, name, given)
    local c = assert(tls.client(given):engine { server_name = name })
    local s = assert(server:engine())
    local done, err, _, why = tls.shake(c, s)
    return done and c:peer_cert() or nil, err, why
  end

  for _, version in ipairs { "1.3", "1.2" } do
    it("are chosen, exact before wildcard, over TLS " .. version, function()
      local server = tls.server { identity = { a, wild, rsa, exact }, max_version = version }
      assert.equal(a.cert, shown(server, "a.test"))
      assert.equal(exact.cert, shown(server, "x.w.test"))
      assert.equal(wild.cert, shown(server, "y.w.test"))
      assert.equal(exact.cert, shown(server, "X.W.TEST."))
    end)

    it("are chosen by what the client can verify, over TLS " .. version, function()
      local server = tls.server { identity = { a, rsa }, max_version = version }
      assert.equal(rsa.cert, shown(server, "a.test", { sigalgs = { "rsa_pss_rsae_sha256" } }))
      assert.equal(a.cert, shown(server, "a.test", { sigalgs = { "ecdsa_secp256r1_sha256" } }))
    end)

    it("fall back to the first, or refuse, over TLS " .. version, function()
      local server = tls.server { identity = { a, exact }, max_version = version }
      local cert, err = shown(server, "z.test")
      assert.is_nil(cert)
      assert.equal("hostname_mismatch", err.code)
      server = tls.server { identity = { a, exact }, sni_unknown = "reject", max_version = version }
      local why
      cert, err, why = shown(server, "z.test")
      assert.is_nil(cert)
      assert.equal("unrecognized_name", err.code)
      assert.equal("unrecognized_name", why.code)
      assert.equal(exact.cert, shown(server, "x.w.test"))
    end)
  end
end)

describe("on_client_hello", function()
  local id = pki.issue(tls.root, { hosts = { "late.test" } })

  local function with_hook(hook, name, given)
    local set = { on_client_hello = hook }
    for key, value in pairs(given or {}) do
      set[key] = value
    end
    local c = assert(tls.client({ max_version = set.max_version, alpn = { "h2", "http/1.1" } }):engine {
      server_name = name or "localhost" })
    local s = assert(tls.server(set):engine())
    local done, err, accepted, why = tls.shake(c, s)
    return done and accepted and c, err, s, why
  end

  for _, version in ipairs { "1.3", "1.2" } do
    local given = { max_version = version }

    it("sees the hello, over TLS " .. version, function()
      local seen
      local c = with_hook(function(hello)
        seen = hello
        return true
      end, nil, given)
      assert.truthy(c)
      assert.equal("localhost", seen.server_name)
      assert.same({ "h2", "http/1.1" }, seen.alpn)
      assert.equal(version, seen.versions[1])
      assert.equal(version == "1.3" and has_hybrid and "X25519MLKEM768" or "X25519", seen.groups[1])
      assert.is_true(#seen.ciphers >= 3 and #seen.sigalgs > 3)
      assert.matches("^t1[23]d%d%d%d%dh2_%x+_%x+$", seen.fingerprint)
    end)

    it("gives an identity, over TLS " .. version, function()
      local c = with_hook(function()
        return id
      end, "late.test", given)
      assert.equal(id.cert, c:peer_cert())
    end)

    it("may wait, over TLS " .. version, function()
      loop.run(function()
        local c = with_hook(function()
          loop.sleep(0.001)
          return id
        end, "late.test", given)
        assert.truthy(c)
      end)
    end)

    it("refuses a hello that is too long to be read by another context, over TLS " .. version, function()
      local tenant = tls.server { identity = id }
      local s = assert(tls.server({ max_version = version, on_client_hello = function()
        return tenant
      end }):engine())
      s:feed(tls.long_hello(65800))
      local done, err = s:handshake()
      assert.is_nil(done)
      assert.equal("hook_failed", err.code)
      assert.matches("too long", err.message)
      assert.equal("failed", s:state())
      assert.is_true(#s:drain() > 0) -- the alert
    end)

    it("gives another context, of which everything holds, over TLS " .. version, function()
      local clients = pki.root { subject = "CN=Clients" }
      local tenant = tls.server { identity = id, client_auth = "required", client_trust = clients.cert,
        alpn = { "http/1.1" }, max_version = version }
      local c, _, s, why = with_hook(function()
        return tenant
      end, "late.test", given)
      assert.is_true(not c or version == "1.3")
      assert.equal("client_cert_required", why.code)
      assert.equal("failed", s:state())
      tenant = tls.server { identity = id, alpn = { "http/1.1" } }
      local err
      c, err, s = with_hook(function()
        return tenant
      end, "late.test", given)
      assert(c, tostring(err))
      assert.equal("http/1.1", c:alpn())
      assert.equal(id.cert, c:peer_cert())
      s:write "hello"
      tls.carry(s, c)
      assert.equal("hello", c:read())
    end)

    it("refuses, over TLS " .. version, function()
      for _, case in ipairs {
        { "handshake_failed", function() end },
        { "handshake_failed", function()
          return false, "not today"
        end },
        { "handshake_failed", function()
          return "yes"
        end },
        { "hook_failed", function()
          error "boom"
        end },
        { "hook_failed", function()
          return { cert = "/nonexistent", key = "x" }
        end },
      } do
        local c, err, s, why = with_hook(case[2], nil, given)
        assert.falsy(c)
        assert.equal("handshake_failed", err.code)
        assert.equal("peer", err.alert_from)
        assert.equal(case[1], why.code)
        assert.equal("failed", s:state())
      end
    end)
  end

  it("switches over sockets too", function()
    local tenant = tls.server { identity = id }
    tls.with_server({ on_client_hello = function(hello)
      return hello.server_name == "late.test" and tenant or true
    end }, tls.echo, function(port)
      local connect = require("lacre.connect").connect
      for name, cert in pairs { ["late.test"] = id.cert, localhost = tls.id.cert } do
        local c = assert(connect("127.0.0.1", port, { trust = tls.root.cert, server_name = name }))
        assert.equal(cert, c:peer_cert())
        c:write "x\n"
        assert.equal("x", c:read "l")
        c:close()
      end
    end)
  end)
end)

describe("keylog", function()
  it("hands lines to a function, and to a file", function()
    local lines = {}
    local client = tls.client { keylog = function(line)
      lines[#lines + 1] = line
    end }
    local path = os.tmpname()
    talk(client, tls.server { keylog = path })
    assert.is_true(#lines >= 4)
    assert.matches("^[A-Z_0-9]+ %x+ %x+$", lines[1])
    local handle = io.open(path)
    local text = handle:read "*a"
    handle:close()
    os.remove(path)
    assert.truthy(text:find(lines[1], 1, true))
  end)

  it("is off where nobody asked", function()
    assert.is_nil(tls.client():config().keylog)
  end)
end)
