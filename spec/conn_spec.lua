local conn = require "lacre.conn"
local connect = require("lacre.connect").connect
local context = require "lacre.context"
local listener = require "lacre.listener"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tcp = require "lacre.tcp"
local time = require "lacre.time"
local tls = require "spec.support.tls"

local root = tls.root

-- a server that does what `handle` does with a plain socket, and a client in the same loop
local function with_plain(handle, client)
  loop.run(function()
    local server = assert(tcp.listen { port = 0 })
    local _, port = server:address()
    local task = loop.spawn(function()
      local socket = server:accept()
      if socket then
        handle(socket)
        socket:close()
      end
    end)
    local ok, why = loop.pcall(client, port)
    server:close()
    task:cancel()
    task:join(3)
    if not ok then
      error(why, 0)
    end
  end)
end

-- what a connection that must fail says
local function refused(port, given, name)
  local set = { trust = root.cert, timeout = 3, server_name = name }
  for key, value in pairs(given or {}) do
    set[key] = value
  end
  local made, err = connect("127.0.0.1", port, set)
  assert.is_nil(made)
  return err
end

describe("connect", function()
  it("gives a verified connection", function()
    tls.with_server({ alpn = { "x" } }, tls.echo, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert, alpn = { "x" } }))
      assert.is_true(conn.is(c))
      assert.equal(c, c:write("hello", 5, "\n"))
      assert.equal("hello5", c:read "l")
      local info = c:info()
      assert.equal("1.3", info.version)
      assert.equal("chain", info.verified)
      assert.equal("127.0.0.1", info.local_address)
      assert.equal(port, info.peer_port)
      assert.equal(7, info.bytes_written)
      assert.equal(7, info.bytes_read)
      assert.is_true(info.handshake_seconds > 0)
      assert.equal("x", c:alpn())
      assert.equal("localhost", c:server_name())
      assert.equal(3, #c:verified_chain())
      c:close()
    end)
  end)

  it("waits as it is told, for everything", function()
    local asked = {}
    local function mine(fd, events, seconds)
      asked[#asked + 1] = events
      return loop.wait(fd, events, seconds)
    end
    tls.with_server({}, tls.echo, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert, wait = mine }))
      assert.is_true(#asked >= 2)
      local before = #asked
      c:write "x\n"
      assert.equal("x", c:read "l")
      assert.is_true(#asked > before)
      c:close()
      local failed, err = connect("localhost", port, { trust = root.cert, wait = function()
        return nil, "timeout"
      end })
      assert.is_nil(failed)
      assert.is_true(err:is "timeout")
    end)
  end)

  it("takes its place in three forms", function()
    tls.with_server({}, tls.echo, function(port)
      for _, made in ipairs {
        assert(connect("localhost:" .. port, { trust = root.cert })),
        assert(connect { host = "localhost", port = port, trust = root.cert }),
        assert(connect("127.0.0.1", port, { context = tls.client() })),
        assert(tls.client():connect("localhost", port)),
        assert(tls.client():connect("localhost:" .. port, {})),
        assert(tls.client():connect { host = "localhost", port = port }),
      } do
        assert.is_true(made:is_open())
        made:close()
      end
    end)
  end)

  it("raises what is a mistake", function()
    local cases = {
      { {} }, { 5, 443 }, { "host", "443" }, { "host", 0 }, { "host", 70000 },
      { "host", 443, { verify = false } }, { "host", 443, { verify = "none" } }, { "host", 443, { trsut = "x" } },
      { "host", 443, { context = context.client, trust = "x" } }, { "host", 443, { client_auth = "required" } },
      { "host", 443, { context = tls.server() } }, { "host", 443, { context = tls.client(), alpn = { "x" } } },
      { "host", 443, { insecure = true } }, { "host", 443, { insecure = { accept_everything = true } } },
      { "host", 443, { timeout = "soon" } }, { "host", 443, { sni = true } }, { "host", 443, { trust = "pins" } },
      { "host", 443, { min_version = "1.0" } }, { "host", 443, { security_level = 1 } },
      { "host", 443, { ciphers = { "NULL" } } }, { "host", 443, { groups = { "P-257" } } },
    }
    for i, case in ipairs(cases) do
      assert.has_error(function()
        connect(case[1], case[2], case[3])
      end, nil, "case " .. i)
    end
    local ok, why = pcall(connect, "host", 443, { min_verison = "1.3" })
    assert.is_false(ok)
    assert.matches("bad option 'min_verison' to 'connect' %(unknown; did you mean 'min_version'%?%)", why)
    ok, why = pcall(connect, "host", 443, { verify = false })
    assert.is_false(ok)
    assert.matches("verification is always on", why)
  end)

  it("tells what is wrong with a place", function()
    local free = process.dead_port
    local err = refused(free)
    assert.equal("connection_refused", err.code)
    assert.equal("connect", err.stage)
    assert.equal("127.0.0.1", err.host)
    assert.equal(free, err.port)
    local made
    made, err = connect("no-such-host.invalid", 443, { trust = root.cert })
    assert.is_nil(made)
    assert.is_true(err:is "network")
    assert.equal("resolve", err.stage)
    made, err = connect("host with spaces:443", { trust = root.cert })
    assert.is_nil(made)
    assert.equal("bad_name", err.code)
  end)

  it("takes a resolver of one's own, and tries one address after the other", function()
    tls.with_server({}, tls.echo, function(port)
      local asked
      local function resolver(host, at, family)
        asked = { host, at, family }
        return { { address = "127.0.0.99", family = "ipv4" }, { address = "::1", family = "ipv6" },
          { address = "127.0.0.1", family = "ipv4" } }
      end
      for _, stagger in ipairs { 0.01, false } do
        local c = assert(connect("localhost", port, { trust = root.cert, resolver = resolver, happy_eyeballs = stagger }))
        assert.equal("127.0.0.1", c:info().peer_address)
        c:close()
      end
      assert.same({ "localhost", port, "any" }, asked)
      for _, bad in ipairs { "127.0.0.1", { "127.0.0.1" }, { {} } } do
        local why = refused(port, { resolver = function()
          return bad
        end })
        assert.equal("dns_failure", why.code)
      end
      local err = refused(port, { resolver = function()
        return {}
      end })
      assert.equal("host_not_found", err.code)
      err = refused(port, { resolver = function()
        return nil, "no idea"
      end })
      assert.equal("dns_failure", err.code)
    end)
  end)

  it("gives up in time on a peer that is silent", function()
    with_plain(function(socket)
      socket:receive()
      loop.sleep(2)
    end, function(port)
      local began = time.monotonic()
      local err = refused(port, { handshake_timeout = 0.05 })
      assert.equal("handshake_timeout", err.code)
      assert.equal("handshake", err.stage)
      assert.is_true(err.timeout)
      assert.is_true(time.monotonic() - began < 1)
    end)
  end)

  it("outside of the loop too", function()
    local socket = assert(tcp.listen { port = 0 })
    local _, port = socket:address()
    local err = refused(port, { handshake_timeout = 0.05 })
    assert.equal("handshake_timeout", err.code)
    err = refused(port, { timeout = 0.05 })
    assert.equal("handshake_timeout", err.code)
    socket:close()
  end)

  local others = {
    { "HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "not_tls", "http" },
    { "SSH", "SSH-2.0-x\r\n", "not_tls", "ssh" },
    { "garbage", ("\255\0\17"):rep(20), "not_tls" },
    { "nothing", "", "unexpected_eof" },
  }
  for _, case in ipairs(others) do
    it("tells a peer that speaks " .. case[1], function()
      with_plain(function(socket)
        socket:receive()
        socket:write(case[2])
      end, function(port)
        local err = refused(port)
        assert.equal(case[3], err.code)
        assert.equal("handshake", err.stage)
        assert.equal(case[4], err.detail and err.detail.looks_like)
      end)
    end)
  end

  it("never sends a byte of data to the wrong peer", function()
    for _, case in ipairs {
      { "hostname_mismatch", {}, "other.test" },
      { "untrusted", { trust = pki.root().cert } },
      { "pin_mismatch", { pins = { pki.root().cert:pin(), allow_no_backup = true } } },
    } do
      local outcomes = tls.with_server({}, function(c)
        return c:receive()
      end, function(port)
        local err = refused(port, case[2], case[3] or "localhost")
        assert.is_true(err:is "verify")
        assert.equal(port, err.port)
      end)
      assert.is_nil(outcomes[1][1])
      assert.is_true(outcomes[1][2]:is "protocol", tostring(outcomes[1][2]))
    end
  end)

  it("may leave the handshake to the first read or write", function()
    tls.with_server({}, tls.echo, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert, handshake = false }))
      assert.is_nil((c:version()))
      assert(c:write "x\n")
      assert.equal("x", c:read "l")
      c:close()
      c = assert(connect("localhost", port, { trust = root.cert, handshake = false, server_name = "b.test" }))
      local sent, err, count = c:write "x\n"
      assert.is_nil(sent)
      assert.equal("hostname_mismatch", err.code)
      assert.same({ "localhost", port, "b.test" }, { err.host, err.port, err.detail.expected }) -- where, and as whom
      assert.equal(0, count)
      local data, again = c:read "l"
      assert.is_nil(data)
      assert.equal(err, again)
      c:close()
    end)
  end)
end)

describe("conn", function()
  it("reads as files do", function()
    tls.with_server({}, function(c)
      c:write "one\r\ntwo\n\nlast"
      c:write(("z"):rep(40000), "\n", "tail")
      c:shutdown()
      c:receive()
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      assert.equal("one", c:read())
      assert.equal("two\n", c:read "L")
      assert.equal("", c:read "l")
      assert.equal("la", c:read(2))
      assert.equal("", c:read(0))
      assert.equal("st" .. ("z"):rep(39998), c:read(40000))
      assert.same({ "zz", n = 1 }, { c:read(2), n = select("#", c:read(0)) })
      assert.same({ "\nta" }, { c:read(3) })
      assert.equal("il", c:read "a")
      assert.equal("", c:read "a")
      local data, err, partial = c:read(1)
      assert.is_nil(data)
      assert.equal("closed", err.code)
      assert.equal("", partial)
      for _, bad in ipairs { "x", -1, 1.5, {}, false } do
        assert.has_error(function()
          c:read(bad)
        end)
      end
      c:close()
    end)
  end)

  it("gives lines", function()
    tls.with_server({}, function(c)
      c:write "a\nb\nc"
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      local seen = {}
      local next_line = c:lines()
      repeat
        seen[#seen + 1] = next_line()
      until #seen == 3
      assert.same({ "a", "b", "c" }, seen)
      assert.is_nil(next_line())
      c:close()
    end)
  end)

  it("has limits", function()
    tls.with_server({}, function(c)
      c:write(("x"):rep(9000), "\n")
      c:receive()
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      local data, err = c:read "l"
      assert.is_nil(data)
      assert.equal("line_too_long", err.code)
      c:set_limits { line = 10000, all = 100 }
      assert.equal(9000, #c:read "l")
      c:close()
      c = assert(connect("localhost", port, { trust = root.cert }))
      c:set_limits { all = 100 }
      data, err = c:read "a"
      assert.is_nil(data)
      assert.equal("too_large", err.code)
      assert.equal(9001, #c:read(9001))
      c:close()
    end)
  end)


  it("has one time limit for all of a read, however slowly its bytes come", function()
    local function drip(server)
      server:handshake()
      repeat
        loop.sleep(0.02)
      until not server:write "."
    end
    for _, format in ipairs { "l", "a", 500 } do
      tls.with_server({}, drip, function(port)
        local c = assert(connect("localhost", port, { trust = root.cert, io_timeout = 0.15 }))
        local text, err, partial = c:read(format)
        assert.is_nil(text)
        assert.equal("timeout", err.code)
        assert.is_true(#partial > 0 and #partial < 40, #partial)
        assert.equal(".", c:receive(1)) -- and nothing is lost
        c:close()
      end)
    end
  end)

  it("loses nothing when time runs out", function()
    tls.with_server({}, function(c)
      c:write "half"
      c:receive()
      c:write " line\nrest"
      c:receive()
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      c:set_timeout(0.05)
      local data, err, partial = c:read "l"
      assert.is_nil(data)
      assert.equal("timeout", err.code)
      assert.equal("half", partial)
      c:write "go"
      assert.equal("half line", c:read "l")
      data, err, partial = c:read(10)
      assert.is_nil(data)
      assert.equal("timeout", err.code)
      assert.equal("rest", partial)
      c:set_deadline(loop.now() + 0.01)
      c:set_timeout(false)
      data, err = c:read(10)
      assert.is_nil(data)
      assert.equal("timeout", err.code)
      assert.equal("rest", c:receive())
      c:close()
    end)
  end)

  it("never blocks a write past its time on a peer that stops reading, and goes on without a gap", function()
    local size = 20 * 1024 * 1024
    tls.with_server({}, function(c)
      c:handshake()
      loop.sleep(0.2)
      local total, sum = 0, 0
      while total < size do
        local data, err = c:receive()
        if not data then
          return err
        end
        total = total + #data
        for at = 1, #data, 1000 do
          sum = (sum + data:byte(at)) % 65536
        end
      end
      c:write(total, "\n")
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert, io_timeout = 0.05 }))
      local chunk = {}
      for i = 1, 64 do
        chunk[i] = string.char(64 + i % 26):rep(16384)
      end
      local bytes = table.concat(chunk):rep(size / (64 * 16384))
      local sent, stalls = 0, 0
      while sent < size do
        local done, err, count = c:write(bytes:sub(sent + 1))
        if done then
          count = size - sent
        else
          assert.equal("timeout", err.code)
          stalls = stalls + 1
        end
        sent = sent + count
        assert.is_true(stalls < 100)
      end
      assert.is_true(stalls > 0)
      c:set_timeout(5)
      assert.equal(tostring(size), c:read "l")
      c:close()
    end)
  end)

  it("sends what it took over even when other bytes come next", function()
    local received = {}
    tls.with_server({}, function(c)
      c:handshake()
      loop.sleep(0.15)
      while true do
        local data = c:receive()
        if not data then
          return
        end
        received[#received + 1] = data
      end
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert, io_timeout = 0.03 }))
      local a = ("a"):rep(16 * 1024 * 1024)
      local done, err, count = c:write(a)
      assert.is_nil(done)
      assert.equal("timeout", err.code)
      assert.is_true(count > 0 and count < #a)
      c:set_timeout(5)
      assert(c:write "BBB")
      assert(c:shutdown())
      loop.sleep(0.3)
      c:close()
      local text = table.concat(received)
      assert.equal(count + 3, #text)
      assert.equal("aaaBBB", text:sub(-6))
    end)
  end)

  it("tells a cut from an end", function()
    for _, how in ipairs { "close", "abort" } do
      tls.with_server({}, function(c)
        c:write "bye"
        c[how](c)
      end, function(port)
        local c = assert(connect("localhost", port, { trust = root.cert }))
        loop.sleep(0.02)
        local data, err, partial = c:read(10)
        assert.is_nil(data)
        assert.equal(how == "close" and "closed" or "unexpected_eof", err.code)
        assert.equal("bye", partial)
        c:close()
      end)
    end
  end)

  it("closes half", function()
    tls.with_server({}, function(c)
      local all = c:read "a"
      c:write(all:upper())
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      c:write "quiet"
      assert.is_true(c:shutdown())
      assert.is_true(c:shutdown())
      local sent, err = c:write "more"
      assert.is_nil(sent)
      assert.equal("closed", err.code)
      assert.equal("QUIET", c:read "a")
      c:close()
    end)
  end)

  it("closes without waiting for anybody", function()
    with_plain(function(socket)
      socket:receive()
      loop.sleep(1)
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert, handshake = false }))
      local began = time.monotonic()
      assert.is_true(c:close())
      assert.is_true(c:close())
      assert.is_true(time.monotonic() - began < 0.5)
    end)
  end)

  it("answers in every state", function()
    local names = { "handshake", "receive", "read", "shutdown", "info", "peer_cert", "peer_chain", "verified_chain",
      "local_cert", "alpn", "version", "server_name", "pending", "is_open", "getfd", "pollfd", "events", "timeout",
      "dirty" }
    local function poke(c)
      c:set_timeout(0.01)
      for _, name in ipairs(names) do
        c[name](c)
      end
      c:read "a"
      c:read(3)
      c:write "x"
      c:write ""
      c:export("EXPORTER-x", 4)
      assert.truthy(tostring(c))
      return c
    end
    tls.with_server({}, tls.echo, function(port)
      local function fresh(given)
        given.trust = root.cert
        return assert(connect("localhost", port, given))
      end
      poke(fresh { handshake = false }):close()
      poke(fresh { handshake = false, server_name = "wrong.test" }):close()
      local c = poke(fresh {})
      poke(c)
      c:close()
      poke(c)
      c = fresh {}
      c:abort()
      poke(c)
      for _, name in ipairs { "read", "write", "handshake", "info", "shutdown" } do
        local result, err = c[name](c, name == "write" and "x" or nil)
        assert.is_nil(result)
        assert.equal("closed", err.code)
      end
      assert.equal(-1, c:getfd())
    end)
  end)

  it("shows a refused client certificate with the first read of TLS 1.3", function()
    local clients = pki.root { subject = "CN=Clients" }
    tls.with_server({ client_auth = "required", client_trust = clients.cert }, function(c)
      return c:handshake()
    end, function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      local data, err = c:read "l"
      assert.is_nil(data)
      assert.equal("client_cert_required", err.code)
      assert.equal("read", err.stage)
      assert.truthy(err.hint)
      c:close()
    end)
  end)
end)

describe("listener", function()
  it("raises what is a mistake", function()
    for i, case in ipairs {
      false, {}, { port = 0 }, { port = 0, cert = "x" , trust = "y" }, { port = -1, context = tls.server() },
      { port = 1.5, context = tls.server() }, { port = 0, context = tls.client() },
      { port = 0, context = tls.server(), identity = tls.id }, { port = 0, identity = tls.id, client_auth = "required" },
      { port = 0, identity = tls.id, client_auth = "optional", client_trust = "system" },
    } do
      assert.has_error(function()
        listener.listen(case)
      end, nil, "case " .. i)
    end
  end)

  it("tells a port that is taken", function()
    local first = assert(listener.listen { port = 0, identity = tls.id })
    local host, port = first:address()
    assert.equal("127.0.0.1", host)
    local second, err = listener.listen { port = port, identity = tls.id }
    assert.is_nil(second)
    assert.equal("address_in_use", err.code)
    assert.equal(port, err.port)
    first:close()
  end)

  it("accepts for a time only, and never performs a handshake", function()
    local l = assert(listener.listen { port = 0, identity = tls.id })
    local _, port = l:address()
    local c, err = l:accept(0.01)
    assert.is_nil(c)
    assert.equal("timeout", err.code)
    local plain = assert(tcp.connect("127.0.0.1", port))
    c = assert(l:accept(1))
    assert.is_nil((c:version()))
    c:close()
    plain:close()
    l:close()
    l:close()
    c, err = l:accept(0.01)
    assert.is_nil(c)
    assert.equal("closed", err.code)
    assert.equal("lacre.listener: closed", tostring(l))
  end)

  it("serves many at once, the slow and the silent too", function()
    tls.with_server({}, tls.echo, function(port)
      local silent = {}
      for i = 1, 5 do
        silent[i] = assert(tcp.connect("127.0.0.1", port))
      end
      local results = loop.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(i)
        local c = assert(connect("localhost", port, { trust = root.cert }))
        assert(c:write(i, "\n"))
        local line = c:read "l"
        c:close()
        return tonumber(line)
      end, { concurrency = 10 })
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, results)
      for i = 1, 5 do
        silent[i]:close()
      end
    end)
  end)

  it("changes its context without dropping anybody", function()
    tls.with_server({}, tls.echo, function(port, server)
      local before = assert(connect("localhost", port, { trust = root.cert }))
      local other = pki.root()
      server:set_context(tls.server { identity = pki.issue(other) })
      assert.has_error(function()
        server:set_context(tls.client())
      end)
      local after = assert(connect("localhost", port, { trust = other.cert }))
      assert.is_true(refused(port):is "verify")
      before:write "still\n"
      assert.equal("still", before:read "l")
      before:close()
      after:close()
    end)
  end)
end)
