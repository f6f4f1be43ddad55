local context = require "lacre.context"
local lacre_error = require "lacre.error"
local pin = require "lacre.pin"
local pki = require "spec.support.pki"
local tls = require "spec.support.tls"

local root, inter, id = tls.root, tls.inter, tls.id
local other = pki.root { subject = "CN=Other Root" }

-- bytes of application data and client certificates never reach the wrong peer: what the client sent
-- after its first flight is an alert and nothing else
local function only_an_alert(bytes)
  local types = {}
  local at = 1
  while #bytes - at >= 4 do
    local kind, _, _, high, low = bytes:byte(at, at + 4)
    types[#types + 1] = kind
    at = at + 5 + high * 256 + low
  end
  -- a change_cipher_spec of TLS 1.3's compatibility mode may stand before it
  return at == #bytes + 1 and (types[#types] == 21 or types[#types] == 23) and #bytes < 50 and #types <= 2
end

describe("engine", function()
  describe("refuses", function()
    local stranger = pki.self_signed()
    local weak = pki.issue(root, { key_type = "rsa:2048" })
    local cases = {
      { "a certificate that signs itself", "self_signed", identity = stranger },
      { "an unknown root", "unknown_issuer", identity = pki.issue(other) },
      { "a chain without its intermediate", "unknown_issuer", identity = { cert = id.cert, key = id.key } },
      { "an expired certificate", "cert_expired", identity = pki.expired(root) },
      { "a certificate of tomorrow", "cert_not_yet_valid", identity = pki.future(root) },
      { "a certificate for another host", "hostname_mismatch", identity = pki.wrong_host(root) },
      { "another name", "hostname_mismatch", identity = id, name = "other.test" },
      { "an address that is not in the certificate", "hostname_mismatch", identity = id, name = "127.0.0.2" },
      { "an IPv6 address that is not in it", "hostname_mismatch", identity = id, name = "::2" },
      { "a name that is only in the subject", "hostname_mismatch", name = "cn.example",
        identity = pki.issue(root, { subject = "CN=cn.example", hosts = { "a.example" } }) },
      { "a certificate for clients", "wrong_purpose", identity = pki.client(root, { hosts = { "localhost" } }) },
      { "an anchor that is another certificate", "self_signed", identity = stranger, set = { trust = id.cert } },
      { "another pin", "pin_mismatch", identity = id, set = { pins = { other.cert:pin(), allow_no_backup = true } } },
      { "a pin of the chain that is not the leaf's, when the leaf's is asked for", "pin_mismatch", identity = id,
        set = { pins = { root.cert:pin(), scope = "leaf", allow_no_backup = true } } },
      { "a pin set that is past its date", "pin_expired", identity = id,
        set = { pins = { id.cert:pin(), expires = 1000, allow_no_backup = true } } },
      { "another key when trust is pins", "pin_mismatch", identity = stranger,
        set = { trust = "pins", pins = { id.cert:pin(), allow_no_backup = true } } },
      { "a date that is over though the pin is right", "cert_expired", identity = pki.expired(root, { key = id.key }),
        set = { trust = "pins", pins = { id.cert:pin(), allow_no_backup = true } } },
      { "another name though the pin is right, when a name is said", "hostname_mismatch", identity = id, name = "b.test",
        set = { trust = "pins", pins = { id.cert:pin(), allow_no_backup = true } } },
      { "any certificate, but for a wrong pin", "pin_mismatch", identity = stranger,
        set = { insecure = { accept_any_certificate = true }, pins = { id.cert:pin(), allow_no_backup = true } } },
      { "a chain at a time when it was not valid", "cert_not_yet_valid", identity = id, set = { time = 86400 * 365 } },
      { "a pinned key at a time before 1970, when its certificate was not valid", "cert_not_yet_valid", identity = id,
        set = { trust = "pins", pins = { id.cert:pin(), allow_no_backup = true }, time = -86400 } },
      { "a veto of on_verify", "verify_rejected", identity = id, set = { on_verify = function()
        return 1
      end } },
      { "an error in on_verify", "hook_failed", identity = id, set = { on_verify = function()
        error "no"
      end } },
    }
    for _, version in ipairs { "1.3", "1.2" } do
      for _, case in ipairs(cases) do
        it(case[1] .. " over TLS " .. version, function()
          local set = { max_version = version }
          for name, value in pairs(case.set or {}) do
            set[name] = value
          end
          local server = assert(tls.server({ identity = case.identity }):engine())
          local client = assert(tls.client(set):engine { server_name = case.name or "localhost" })
          client:handshake()
          tls.carry(client, server)
          server:feed(client:drain())
          client:feed(server:drain())
          local done, err = client:handshake()
          assert.is_nil(done)
          assert.equal(case[2], err.code)
          assert.equal("verify", err.stage)
          assert.is_true(err:is "verify")
          assert.is_true(only_an_alert(client:drain()))
          assert.equal("failed", client:state())
          assert.is_nil((client:write "secret"))
          assert.equal("", client:drain())
        end)
      end
    end
    it("weak keys", function()
      assert.truthy(weak)
    end)
  end)

  describe("accepts", function()
    local v3 = { "localhost", "LOCALHOST.", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1" }
    for _, name in ipairs(v3) do
      it("the name " .. name, function()
        assert(tls.engines(nil, nil, name))
      end)
    end

    local cases = {
      { "its own root", { trust = root.cert } },
      { "an intermediate as anchor", { trust = inter.cert } },
      { "the leaf itself as anchor", { trust = id.cert } },
      { "a pin of the leaf", { pins = { id.cert:pin(), other.cert:pin() } } },
      { "a pin of the root", { pins = { root.cert:pin(), other.cert:pin() } } },
      { "a pin with trust in nothing else", { trust = "pins", pins = { id.cert:pin(), allow_no_backup = true } } },
      { "what on_verify accepts", { on_verify = function(peer)
        return peer.cert:pin() == id.cert:pin() and #peer.chain == 2 and #peer.verified_chain == 3
          and peer.role == "client" and peer.server_name == "localhost" and not peer.resumed
      end } },
      { "a pin that is only reported", { pins = { other.cert:pin(), report_only = true, allow_no_backup = true } } },
      { "an expired set that unpins", { pins = { other.cert:pin(), expires = 5, on_expired = "unpin", allow_no_backup = true } } },
    }
    for _, version in ipairs { "1.3", "1.2" } do
      for _, case in ipairs(cases) do
        it(case[1] .. " over TLS " .. version, function()
          local client, server = tls.engines(case[2], { max_version = version })
          assert(client, tostring(server))
          assert.equal(version, client:version())
          assert.is_true(client:write "hello")
          tls.carry(client, server)
          assert.equal("hello", server:read())
        end)
      end
    end
  end)

  it("tells about the connection", function()
    local client, server = tls.engines({ alpn = { "h2", "http/1.1" } }, { alpn = { "http/1.1" } })
    local info = client:info()
    assert.equal("client", info.role)
    assert.equal("1.3", info.version)
    assert.equal("TLS_AES_256_GCM_SHA384", info.cipher)
    assert.equal("http/1.1", info.alpn)
    assert.equal("http/1.1", server:alpn())
    assert.equal("localhost", server:info().server_name)
    assert.equal("localhost", server:server_name())
    assert.equal("chain", info.verified)
    assert.equal("ecdsa_sha256", info.sigalg)
    assert.is_false(info.resumed)
    assert.same({}, info.insecure)
    assert.equal(2, #client:peer_chain())
    assert.equal(3, #client:verified_chain())
    assert.equal(root.cert, client:verified_chain()[3])
    assert.equal(id.cert, client:peer_cert())
    assert.equal(id.cert, server:local_cert())
    assert.is_nil(server:peer_cert())
    assert.is_nil(server:verified_chain())
    assert.equal(client:export("EXPORTER-test", 32), server:export("EXPORTER-test", 32))
    assert.not_equal(client:export("EXPORTER-test", 32, "a"), server:export("EXPORTER-test", 32, "b"))
  end)

  it("tells which pin matched", function()
    local set = pin.set { other.cert:pin(), root.cert:pin() }
    local client = assert(tls.engines { pins = set })
    assert.equal(tostring(root.cert:pin()), client:info().pin)
    client = assert(tls.engines { pins = { other.cert:pin(), report_only = true, allow_no_backup = true } })
    assert.equal("mismatch", client:info().pin)
  end)

  it("has clients for which a name is never optional", function()
    assert.has_error(function()
      tls.client():engine()
    end)
    assert.has_error(function()
      tls.server():engine { server_name = "x" }
    end)
    for _, name in ipairs { "not a name", "*.example.com", "", "a..b", "-a.test" } do
      local made, err = tls.client():engine { server_name = name }
      assert.is_nil(made)
      assert.equal("bad_name", err.code)
    end
  end)

  describe("is a machine", function()
    it("that works however the bytes are cut", function()
      for _, version in ipairs { "1.3", "1.2" } do
        for _, size in ipairs { 1, 2, 3, 7, 100, 1000 } do
          local server = assert(tls.server({ max_version = version }):engine())
          local client = assert(tls.client():engine { server_name = "localhost" })
          assert.is_true(tls.shake(client, server, size))
          assert.is_true(client:is_open() and server:is_open())
          server:write(("0123456789"):rep(5000))
          local out, got = server:drain(), {}
          for at = 1, #out, 997 do
            client:feed(out:sub(at, at + 996))
            local data = client:read()
            while data do
              got[#got + 1] = data
              data = client:read()
            end
          end
          assert.equal(("0123456789"):rep(5000), table.concat(got))
        end
      end
    end)

    it("that takes no part of a handshake or a record for all of it, wherever the wire ends", function()
      for _, version in ipairs { "1.3", "1.2" } do
        local server, client = tls.server { max_version = version }, tls.client()
        local hello = client:engine { server_name = "localhost" }
        hello:handshake()
        local bytes = hello:drain()
        for cut = 0, #bytes - 1 do
          local s = server:engine()
          s:feed(bytes:sub(1, cut))
          s:feed_eof()
          local done, err = s:handshake()
          assert.is_nil(done)
          assert.equal("unexpected_eof", err.code, "hello " .. cut)
        end
        local longest
        local cut = 0
        repeat -- the length of what a server answers differs a little
          local c, s = client:engine { server_name = "localhost" }, server:engine()
          c:handshake()
          s:feed(c:drain())
          s:handshake()
          local answer = s:drain()
          longest = #answer - 8
          c:feed(answer:sub(1, cut))
          c:feed_eof()
          local done, err = c:handshake()
          assert.is_nil(done)
          assert.equal("unexpected_eof", err.code, "answer " .. cut)
          cut = cut + 1
        until cut >= longest
        for at = 0, 29 do
          local c, s = tls.engines({}, { max_version = version, session_tickets = false })
          s:write "hello"
          local record = s:drain()
          if at < #record then
            c:feed(record:sub(1, at))
            assert.is_false(c:read())
            c:feed_eof()
            assert.equal("unexpected_eof", select(2, c:read()).code, "record " .. at)
          end
        end
      end
    end)

    it("that is fed no more than it can hold, and drained in pieces", function()
      local client, server = tls.engines()
      assert.is_false(client:read()) -- tickets
      server:write(("x"):rep(600000))
      local out = {}
      repeat
        out[#out + 1] = server:drain(1000)
      until out[#out] == ""
      out = table.concat(out)
      local taken = client:feed(out)
      assert.equal(262144, taken)
      assert.equal(262144, client:pending_in())
      assert.equal(0, client:feed "more")
      local total = 0
      repeat
        local data = client:read()
        total = total + (data and #data or 0)
        if not data then
          taken = taken + client:feed(out:sub(taken + 1))
        end
      until total == 600000
      assert.equal(0, client:pending_in())
    end)

    it("that advances in one call", function()
      local server = assert(tls.server():engine())
      local client = assert(tls.client():engine { server_name = "localhost" })
      client:handshake()
      local text
      repeat
        assert(server:advance(client:drain()))
        text = assert(client:advance(server:drain()))
      until client:is_open() and server:is_open()
      assert.equal("", text)
      client:write "abc"
      assert.equal("abc", server:advance(client:drain()))
      client:write "def"
      client:shutdown()
      local none, err, rest = server:advance(client:drain())
      assert.is_nil(none)
      assert.equal("closed", err.code)
      assert.equal("def", rest)
    end)

    it("that advances by more than there is room for at once", function()
      local client, server = tls.engines()
      local piece = ("0123456789abcdef"):rep(1024)
      for _ = 1, 40 do
        assert(client:write(piece))
      end
      assert.equal(piece:rep(40), server:advance(client:drain()))
    end)

    it("whose states are told", function()
      local server = assert(tls.server():engine())
      local client = assert(tls.client():engine { server_name = "localhost" })
      assert.equal("handshaking", client:state())
      assert.is_false(client:is_open())
      tls.shake(client, server)
      assert.equal("open", client:state())
      client:shutdown()
      assert.equal("closing", client:state())
      tls.carry(client, server)
      local data, err = server:read()
      assert.is_nil(data)
      assert.equal("closed", err.code)
      assert.equal("closing", server:state())
      assert.is_true(server:write "still")
      server:shutdown()
      assert.equal("closed", server:state())
      tls.carry(server, client)
      assert.equal("still", client:read())
      data, err = client:read()
      assert.is_nil(data)
      assert.equal("closed", err.code)
      assert.equal("closed", client:state())
      data, err = client:write "x"
      assert.is_nil(data)
      assert.equal("closed", err.code)
    end)

    it("that tells a cut from an end", function()
      local client, server = tls.engines()
      server:write "part"
      tls.carry(server, client)
      client:feed_eof()
      assert.equal("part", client:read())
      local data, err = client:read()
      assert.is_nil(data)
      assert.same({ "unexpected_eof", "the connection ended without close_notify" }, { err.code, err.message })
      client = assert(tls.client():engine { server_name = "localhost" })
      client:handshake()
      client:feed_eof()
      data, err = client:handshake()
      assert.is_nil(data)
      assert.same({ "unexpected_eof", "the peer hung up during the handshake" }, { err.code, err.message })
      assert.equal("handshake", err.stage)
    end)

    it("that says it is too early", function()
      local client = assert(tls.client():engine { server_name = "localhost" })
      local data, err = client:read()
      assert.is_nil(data)
      assert.equal("handshake_incomplete", err.code)
      data, err = client:write "x"
      assert.is_nil(data)
      assert.equal("handshake_incomplete", err.code)
      data, err = client:export("EXPORTER-x", 8)
      assert.is_nil(data)
      assert.equal("handshake_incomplete", err.code)
    end)

    it("that answers in every state", function()
      local names = { "feed_eof", "drain", "handshake", "read", "shutdown", "state", "is_open", "pending_in",
        "pending_out", "info", "peer_cert", "peer_chain", "verified_chain", "local_cert", "alpn", "version",
        "server_name" }
      local function poke(engine)
        for _, name in ipairs(names) do
          engine[name](engine)
        end
        engine:feed "garbage"
        engine:write "x"
        engine:export("x", 10)
        engine:advance "more"
        assert.truthy(tostring(engine))
      end
      local client, server = tls.engines()
      poke(assert(tls.client():engine { server_name = "localhost" }))
      poke(assert(tls.server():engine()))
      poke(client)
      poke(client)
      poke(server)
    end)
  end)

  describe("tells what else speaks there", function()
    local cases = {
      { "HTTP/1.1 400 Bad Request\r\n\r\n", "http" },
      { "SSH-2.0-OpenSSH_9.2p1\r\n", "ssh" },
      { "220 mail.example ESMTP\r\n", "smtp", "^use starttls = " },
      { "220 (vsFTPd 3.0.3)\r\n", "ftp", "^use starttls = " },
      { "* OK IMAP ready\r\n", "imap", "^use starttls = " },
      { "+OK POP3 ready\r\n", "pop3", "^use starttls = " },
      { "200 news.example\r\n", "nntp", "^use starttls = " },
      { '"IMPLEMENTATION" "Dovecot"\r\n', "sieve", "^use starttls = " },
      { "\73\0\0\0\0108.0.36\0abcd", "mysql", "^use starttls = " },
      { "0\12\2\1\0\120\7\10\1\2\4\0\4\0", "ldap", "^use starttls = " },
      { "<stream:error>", "xmpp", "^use starttls = " },
      { "-ERR unknown command '\22\3\1', with args beginning with: \r\n", "redis" },
      { ("\0garbage\1\2\3"):rep(10), nil },
    }
    for _, case in ipairs(cases) do
      it((case[2] or "garbage"), function()
        local client = assert(tls.client():engine { server_name = "localhost" })
        client:handshake()
        client:drain()
        client:feed(case[1])
        local done, err = client:handshake()
        assert.is_nil(done)
        assert.equal("not_tls", err.code)
        assert.equal(case[2], err.detail.looks_like)
        assert.matches(case[3] or "check the port", err.hint)
      end)
    end

    it("a plain HTTP client", function()
      local server = assert(tls.server():engine())
      server:feed "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
      local done, err = server:handshake()
      assert.is_nil(done)
      assert.equal("not_tls", err.code)
      assert.equal("http", err.detail.looks_like)
    end)

    it("but a damaged record is no other protocol", function()
      local client, server = tls.engines()
      server:write "hello"
      local bytes = server:drain()
      client:feed(bytes:sub(1, 8) .. "\0\0" .. bytes:sub(11))
      local data, err = client:read()
      assert.is_nil(data)
      assert.equal("bad_record", err.code)
    end)
  end)

  describe("reports what both sides do not share", function()
    local cases = {
      { "a version", { min_version = "1.3" }, { max_version = "1.2" }, "protocol_version" },
      { "a cipher suite", { max_version = "1.2", ciphers = { "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" } },
        { ciphers = { "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" } }, "no_shared_cipher", "handshake_failed" },
      { "a protocol", { alpn = { "a" } }, { alpn = { "b" } }, "alpn_mismatch" },
      { "a group", { groups = { "X25519" } }, { groups = { "P-256" } }, "no_shared_group", "handshake_failed" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local server = assert(tls.server(case[3]):engine())
        local client = assert(tls.client(case[2]):engine { server_name = "localhost" })
        local done, err, accepted, why = tls.shake(client, server)
        assert.is_nil(done)
        assert.is_nil(accepted)
        assert.equal(case[4], why.code)
        assert.equal(case[5] or case[4], err.code)
        assert.equal("peer", err.alert_from)
      end)
    end

    it("a protocol that is required", function()
      local client, err = tls.engines { alpn = { "a" }, alpn_required = true }
      assert.is_nil(client)
      assert.equal("alpn_mismatch", err.code)
    end)
  end)

  describe("asks clients for certificates", function()
    local clients = pki.root { subject = "CN=Clients" }
    local agent = pki.client(clients)
    local cases = {
      { "none, when none is asked", "none", nil, nil },
      { "none, when optional", "optional", nil, nil },
      { "a good one", "required", agent, nil },
      { "none, when required", "required", nil, "client_cert_required", "client_cert_required" },
      { "one of another CA", "required", pki.client(root), "unknown_issuer", "client_cert_rejected" },
      { "one for servers", "required", pki.issue(clients), "wrong_purpose", "client_cert_rejected" },
      { "an expired one", "optional", pki.expired(clients, { profile = "client" }), "cert_expired", "client_cert_rejected" },
      { "one that on_verify refuses", "required", agent, "verify_rejected", nil, function()
        return false
      end },
      { "one that on_verify accepts", "required", agent, nil, nil, function(peer)
        return peer.role == "server" and peer.cert == agent.cert and #peer.verified_chain == 2
      end },
    }
    for _, version in ipairs { "1.3", "1.2" } do
      for _, case in ipairs(cases) do
        it(case[1] .. " over TLS " .. version, function()
          local server = assert(tls.server({
            max_version = version, client_auth = case[2], client_trust = case[2] ~= "none" and clients.cert or nil,
            on_verify = case[6],
          }):engine())
          local client = assert(tls.client({ identity = case[3] }):engine { server_name = "localhost" })
          local done, err, accepted, why = tls.shake(client, server)
          if not case[4] then
            assert(done and accepted, tostring(err or why))
            assert.equal(case[3] and case[3].cert, server:peer_cert())
            return
          end
          assert.is_nil(accepted)
          assert.equal(case[4], why.code)
          assert.is_nil((server:read()))
          assert.is_nil((server:write "x"))
          if case[5] and not err then
            done, err = client:read() -- TLS 1.3 tells it with the first read
          end
          if case[5] then
            assert.is_nil(done)
            assert.equal(case[5], err.code)
          end
        end)
      end
    end
  end)

  it("lets hooks wait", function()
    local loop = require "lacre.loop"
    local client = loop.run(function()
      return tls.engines { on_verify = function()
        loop.sleep(0.001)
        return true
      end }
    end)
    assert.truthy(client)
  end)

  it("is a context's, and contexts are of a role", function()
    assert.has_error(function()
      context.client { client_auth = "required" }
    end)
    assert.is_true(lacre_error.is(select(2, context.client { trust = "/nonexistent" })))
  end)
end)

describe("channel bindings", function()
  it("are the same on both sides, and other for other connections", function()
    local c, s = tls.engines()
    for _, kind in ipairs { "tls-exporter", "tls-server-end-point" } do
      local bound = c:channel_binding(kind)
      assert.equal(32, #bound)
      assert.equal(bound, s:channel_binding(kind))
    end
    local d = tls.engines()
    assert.not_equal(c:channel_binding "tls-exporter", d:channel_binding "tls-exporter")
    local none, err = c:channel_binding "tls-unique"
    assert.is_nil(none)
    assert.equal("unsupported", err.code)
    assert.equal("unsupported", select(2, c:channel_binding "tls-something").code)
  end)

  it("of TLS 1.2 may be tls-unique, in resumed connections too", function()
    local client, server = tls.client { max_version = "1.2" }, tls.server()
    local before
    for i = 1, 2 do
      local c, s = client:engine { server_name = "localhost" }, server:engine()
      assert.equal("unsupported", select(2, c:channel_binding "tls-unique").code)
      tls.shake(c, s)
      assert.equal(i == 2, c:info().resumed)
      local bound = c:channel_binding "tls-unique"
      assert.equal(12, #bound)
      assert.equal(bound, s:channel_binding "tls-unique")
      assert.not_equal(before, bound)
      before = bound
    end
  end)
end)
