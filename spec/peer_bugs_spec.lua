-- What other libraries got wrong, each as something that must not happen here.
local connect = require("lacre.connect").connect
local context = require "lacre.context"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tcp = require "lacre.tcp"
local tls = require "spec.support.tls"
local wrap = require("lacre.wrap").wrap

local root, id = tls.root, tls.id

local function collect()
  collectgarbage()
  collectgarbage()
end

describe("objects", function()
  it("lend nothing that is freed with them: certificates outlive their connection", function()
    local me = pki.client(root)
    local client, server = tls.engines({ cert = me.cert, key = me.key }, { client_auth = "required", client_trust = root.cert })
    assert(client, server)
    local mine, yours, chain = client:local_cert(), server:peer_cert(), client:verified_chain()
    for _ = 1, 20 do
      assert.equal(mine, client:local_cert())
      client:peer_chain()
      collect()
    end
    client:close()
    server:close()
    client, server = nil, nil -- luacheck: ignore
    collect()
    assert.equal(me.cert, mine)
    assert.equal(me.cert, yours)
    assert.equal("CN=localhost", tostring(chain[1]:subject()))
  end)

  it("keep what they need: a connection outlives its context", function()
    local client = tls.client():engine { server_name = "localhost" }
    local server = tls.server():engine()
    collect()
    assert(tls.shake(client, server))
    collect()
    assert.is_true(client:write "x")
    tls.carry(client, server)
    assert.equal("x", server:read())
  end)

  it("tell absence as nil: a server whose client showed no certificate", function()
    local _, server = tls.engines()
    assert.is_nil(server:peer_cert())
    assert.is_nil(server:peer_chain())
    assert.is_nil(server:verified_chain())
    assert.equal("none", server:info().verified)
  end)

  it("answer after close, each method, with nil and an error or a plain value", function()
    local client = tls.engines()
    client:close()
    client:close()
    for _, name in ipairs { "handshake", "read", "shutdown", "info", "peer_cert", "peer_chain", "verified_chain", "local_cert",
      "alpn", "version", "server_name", "state", "is_open", "pending_in", "pending_out", "drain", "feed_eof" } do
      local result, err = client[name](client)
      assert.is_true(not result or result == 0 or result == "closed" or name == "server_name", name)
      assert.is_true(result ~= nil or err.code == "closed", name)
    end
    for _, given in ipairs { { "write", "x" }, { "feed", "x" }, { "export", "l", 4 }, { "advance", "x" } } do
      local result, err = client[given[1]](client, given[2], given[3])
      assert.is_nil(result)
      assert.equal("closed", err.code)
    end
    assert.equal("lacre.engine: closed", tostring(client))
  end)

  it("that are closed have no address, and say why", function()
    local door = assert(tcp.listen { port = 0 })
    local _, port = door:address()
    local plain = assert(tcp.connect("127.0.0.1", port))
    local listener = assert(tls.server():listen { port = 0 })
    for _, one in ipairs { door, plain, listener } do
      assert.is_string((one:address()))
      one:close()
      assert.equal("closed", select(2, one:address()).code)
    end
    assert.equal("closed", select(2, plain:peer_address()).code)
  end)

  it("are told from those of another type, whatever they are handed", function()
    local client = tls.engines()
    local methods = getmetatable(client.core).__index
    for _, name in ipairs { "read", "write", "handshake", "info", "peer_chain", "export", "close" } do
      for _, wrong in ipairs { io.stdout, {}, id.cert, id.key, 5 } do
        assert.has_error(function()
          methods[name](wrong, "x", 1)
        end)
      end
    end
  end)
end)

describe("verification", function()
  it("happens where only the handshake is asked for", function()
    local client = tls.client({ trust = pki.root().cert }):engine { server_name = "localhost" }
    local done, err = tls.shake(client, tls.server():engine())
    assert.is_nil(done)
    assert.is_true(err:is "verify")
    assert.is_nil((client:handshake()))
    assert.is_nil((client:read()))
    assert.is_nil((client:write "secret"))
  end)

  it("is not replaced by on_verify, which is not even asked", function()
    local asked = false
    local client, err = tls.engines { trust = pki.root().cert, on_verify = function()
      asked = true
      return true
    end }
    assert.is_nil(client)
    assert.is_true(err:is "verify")
    assert.is_false(asked)
  end)

  it("looks for pins in the chain that was verified, not in what was sent", function()
    local pinned = pki.root { subject = "CN=Pinned" }
    local attacker = pki.issue(root)
    attacker.chain = { pinned.cert }
    local client, err = tls.engines({ pins = { pinned.cert:pin(), allow_no_backup = true } },
      { identity = { cert = attacker.cert, key = attacker.key, chain = { pinned.cert } } })
    assert.is_nil(client)
    assert.equal("pin_mismatch", err.code)
  end)

  it("goes by the certificate's names, never by its subject, partial wildcards or wildcards too deep", function()
    local cases = {
      { { "a.test" }, "CN=b.test", "b.test" }, { { "f*.test.example" }, "CN=x", "foo.test.example", true },
      { { "*.test.example" }, "CN=x", "a.b.test.example" }, { { "*.test.example" }, "CN=x", "test.example" },
      { { "a.test" }, "CN=x", "a.test.evil.example" }, { { "127.0.0.1" }, "CN=x", "127.0.0.2" },
    }
    for _, case in ipairs(cases) do
      local ok, bad = pcall(pki.issue, root, { hosts = case[1], subject = case[2] })
      if ok then
        local client = tls.client():engine { server_name = case[3] }
        local _, err = tls.shake(client, tls.server({ identity = bad }):engine())
        assert.equal("hostname_mismatch", err.code, case[3])
      else
        assert.is_true(case[4])
      end
    end
    local wild = pki.issue(root, { hosts = { "*.test.example" } })
    assert(tls.engines(nil, { identity = wild }, "a.test.example"))
  end)

  it("ends with a refusal where a hook raises, or gives what is only nearly true", function()
    for _, answer in ipairs { 1, "true", {}, false } do
      local client, err = tls.engines { on_verify = function()
        return answer
      end }
      assert.is_nil(client)
      assert.equal("verify_rejected", err.code)
    end
    local _, told = tls.engines { on_verify = function()
      return nil, "on leave"
    end }
    assert.equal("on leave", told.cause)
    assert.matches("did not accept the peer: on leave", told.message)
    local me = pki.client(root)
    for _, role in ipairs { "client", "server" } do
      local hook = { on_verify = function()
        error "raised"
      end, client_auth = role == "server" and "required" or nil, client_trust = role == "server" and root.cert or nil }
      local client = tls.client(role == "client" and hook or { cert = me.cert, key = me.key })
      local server = tls.server(role == "server" and hook or nil)
      local c, s = client:engine { server_name = "localhost" }, server:engine()
      local _, err, _, why = tls.shake(c, s)
      assert.equal("hook_failed", (role == "client" and err or why).code)
    end
  end)
end)

describe("protocols above TLS", function()
  it("are compared whole", function()
    for _, case in ipairs { { "p/1", "http/1.1" }, { "http/1.1", "http" }, { "h", "h2" } } do
      local client, err = tls.engines({ alpn = { case[1] } }, { alpn = { case[2] } })
      assert.is_nil(client)
      assert.equal("alpn_mismatch", err.code)
    end
  end)
end)

describe("names", function()
  it("of addresses are never sent as SNI", function()
    local seen = {}
    local server = tls.server { on_client_hello = function(hello)
      seen[#seen + 1] = tostring(hello.server_name)
      return true
    end }
    for _, name in ipairs { "127.0.0.1", "::1", "localhost", "LOCALHOST." } do
      assert(tls.shake(tls.client():engine { server_name = name }, server:engine()))
    end
    assert.same({ "nil", "nil", "localhost", "localhost" }, seen)
  end)

  it("on the wire do not change what is verified", function()
    local client = tls.client():engine { server_name = "other.test", sni = "localhost" }
    local _, err = tls.shake(client, tls.server():engine())
    assert.equal("hostname_mismatch", err.code)
  end)
end)

describe("the options of a caller", function()
  it("are not changed", function()
    local given = { trust = root.cert, alpn = { "a" }, insecure = {}, pins = { id.cert:pin(), allow_no_backup = true } }
    local copy = {}
    for name, value in pairs(given) do
      copy[name] = value
    end
    assert(context.client(given))
    assert.same(copy, given)
    assert.equal(1, #given.alpn)
  end)
end)

describe("records", function()
  it("are as large as may be", function()
    local client, server = tls.engines({ ciphers = { "TLS_AES_128_GCM_SHA256" } })
    client:write(("x"):rep(65536))
    local bytes, at, count = client:drain(), 1, 0
    while at < #bytes do
      local high, low = bytes:byte(at + 3, at + 4)
      at, count = at + 5 + high * 256 + low, count + 1
    end
    assert.equal(4, count)
    server:feed(bytes)
    assert.equal(16384, #server:read())
  end)
end)

describe("time", function()
  it("is not lost to a peer that stops reading: close and collection never wait for it", function()
    loop.run(function()
      local plain = assert(tcp.listen { port = 0 })
      local _, port = plain:address()
      local far
      loop.spawn(function()
        far = plain:accept(5)
      end)
      local c = assert(connect("localhost", port, { trust = root.cert, handshake = false, handshake_timeout = 0.1 }))
      local _, err = c:handshake()
      assert.equal("handshake_timeout", err.code)
      local before = loop.now()
      c:close()
      c = nil -- luacheck: ignore
      collect()
      assert.is_true(loop.now() - before < 0.5)
      far:close()
      plain:close()
    end)
  end)

  it("is not lost where another task waits to write: close ends that at once, and a second writer is a mistake", function()
    local stop
    tls.with_server({}, function(conn)
      conn:handshake()
      repeat
        loop.sleep(0.01)
      until stop
    end, function(port)
      for _, how in ipairs { "write", "send_file" } do
        local c = assert(connect("localhost", port, { trust = root.cert, io_timeout = 5 }))
        local zeros = assert(io.open("/dev/zero", "rb"))
        local err
        local writer = loop.spawn(function()
          if how == "write" then
            err = select(2, c:write(("x"):rep(3e7)))
          else
            err = select(2, c:send_file(zeros, 0, 3e7))
          end
        end)
        loop.sleep(0.1)
        local ok, why = loop.pcall(c.write, c, "y")
        assert.is_false(ok)
        assert.matches("another task waits to write", why)
        local before = loop.now()
        assert.is_true(c:close())
        writer:join(2)
        assert.equal("closed", err.code)
        assert.is_true(loop.now() - before < 1)
        zeros:close()
      end
      stop = true
    end)
  end)

  it("is not lost to a peer that never stops sending what TLS ignores, nor is that of others", function()
    local port = process.free_port()
    local peer = process.start { os.getenv "LUA" or "lua", "-e", ([[
      local door = assert(require("lacre.tcp").listen { port = %d })
      while true do
        local conn = door:accept()
        local requests = ("\22\3\3\0\4\0\0\0\0"):rep(7000) -- HelloRequest
        repeat until not conn or not conn:write(requests)
      end]]):format(port) }
    process.wait_for_port(port)
    local began, turns, err = loop.now(), 0, nil
    loop.run(function()
      local task = loop.spawn(function()
        err = select(2, connect("localhost", port, { trust = root.cert, handshake_timeout = 0.5 }))
      end)
      while task:status() ~= "done" and loop.now() - began < 5 do
        turns = turns + 1
        loop.sleep(0.01)
      end
    end)
    peer:stop()
    assert.equal("handshake_timeout", err.code)
    assert.is_true(loop.now() - began < 5)
    assert.is_true(turns > 3)
  end)

  it("is counted by a clock that nobody sets", function()
    local now = os.time
    os.time = function() -- luacheck: ignore
      return 0
    end
    local ok = loop.run(function()
      return loop.sleep(0.01)
    end)
    os.time = now -- luacheck: ignore
    assert.is_true(ok)
  end)
end)

describe("plaintext", function()
  it("before a handshake is never read as if it came through one", function()
    loop.run(function()
      local listener = assert(tcp.listen { port = 0 })
      local _, port = listener:address()
      loop.spawn(function()
        local near = assert(tcp.connect("127.0.0.1", port))
        near:write "GET / HTTP/1.0\r\n\r\n"
        near:shutdown()
        near:close()
      end)
      local plain = assert(listener:accept(5))
      local c = assert(wrap(plain, { context = tls.server() }))
      for _ = 1, 3 do
        local text, err = c:read "a"
        assert.is_nil(text)
        assert.is_true(err ~= nil)
      end
      local text = c:receive()
      assert.is_nil(text)
      c:close()
      listener:close()
    end)
  end)
end)

describe("sessions", function()
  it("carry no trust from a context that verified nothing to one that does", function()
    local server = tls.server { identity = pki.self_signed() }
    local lax = tls.client { insecure = { accept_any_certificate = true } }
    for _ = 1, 2 do
      local c, s = lax:engine { server_name = "localhost" }, server:engine()
      assert(tls.shake(c, s))
      s:write "x"
      tls.carry(s, c)
      c:read()
    end
    local strict = assert(lax:with { insecure = {} })
    local _, err = tls.shake(strict:engine { server_name = "localhost" }, server:engine())
    assert.equal("self_signed", err.code)
  end)

  it("made with one server context open nothing at another, whatever the name", function()
    local open, closed = tls.server(), tls.server { client_auth = "required", client_trust = root.cert }
    local client = tls.client { cert = nil }
    local c, s = client:engine { server_name = "localhost" }, open:engine()
    assert(tls.shake(c, s))
    s:write "x"
    tls.carry(s, c)
    c:read()
    c, s = client:engine { server_name = "localhost" }, closed:engine()
    local _, _, accepted, why = tls.shake(c, s)
    assert.is_nil(accepted)
    assert.equal("client_cert_required", why.code)
  end)
end)
