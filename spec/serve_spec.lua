local connect = require("lacre.connect").connect
local core = require "lacre.core"
local lacre = require "lacre"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local serve = require("lacre.serve").serve
local tcp = require "lacre.tcp"
local time = require "lacre.time"
local tls = require "spec.support.tls"
local wrap = require("lacre.wrap").wrap

local root = tls.root

local function client(port)
  return connect("localhost", port, { trust = root.cert, timeout = 3 })
end

local function serving(given, handler, run)
  loop.run(function()
    local set = { port = 0, identity = tls.id, grace = 1, on_error = function() end }
    for name, value in pairs(given) do
      set[name] = value
    end
    local service = assert(serve(set, handler))
    local _, port = service:address()
    local ok, why = loop.pcall(run, port, service)
    service:stop()
    service:wait()
    if not ok then
      error(why, 0)
    end
  end)
end

-- the pipe of signals is made once a process
core.signals.watch "WINCH"
core.signals.forget "WINCH"

describe("serve", function()
  it("knows every option, whoever it is handed on to", function()
    local rows = {
      { serve, "max_conections", "max_connections" }, { serve, "reuse_prt", "reuse_port" },
      { lacre.http.serve, "listng", "listing" }, { lacre.http.serve, "grase", "grace" },
    }
    for _, row in ipairs(rows) do
      assert.error_matches(function()
        row[1]({ port = 0, [row[2]] = 1 }, print)
      end, ("bad option '%s' to 'serve' %%(unknown; did you mean '%s'%%?%%)"):format(row[2], row[3]))
    end
  end)

  it("handles each connection in its own task, and closes it", function()
    serving({}, function(c, peer)
      c:write(peer.address, " ", tostring(peer.server_name), "\n")
    end, function(port, service)
      local results = loop.map({ 1, 2, 3, 4, 5 }, function()
        local c = assert(client(port))
        local line = c:read "l"
        local rest, err = c:read "l"
        assert.is_nil(rest)
        assert.equal("closed", err.code)
        c:close()
        return line
      end)
      assert.same({ "127.0.0.1 localhost", "127.0.0.1 localhost", "127.0.0.1 localhost", "127.0.0.1 localhost",
        "127.0.0.1 localhost" }, results)
      assert.equal(5, service:stats().accepted)
    end)
  end)

  it("survives its handlers, garbage, and clients that refuse it", function()
    local told = {}
    serving({ on_error = function(err, peer)
      told[#told + 1] = type(err) == "string" and "raised" or err.code
      assert.equal("127.0.0.1", peer.address)
      error "also this"
    end }, function()
      error("boom", 0)
    end, function(port, service)
      local before = io.stderr
      io.stderr = { write = function() end } -- luacheck: ignore
      client(port):close()
      local plain = assert(tcp.connect("127.0.0.1", port))
      plain:write "GET / HTTP/1.0\r\n\r\n"
      plain:read "a"
      plain:close()
      assert.is_nil((connect("localhost", port, { trust = pki.root().cert })))
      loop.sleep(0.05)
      io.stderr = before -- luacheck: ignore
      table.sort(told)
      assert.same({ "not_tls", "raised", "server_cert_rejected" }, told)
      assert.same({ 1, 2 }, { service:stats().errors, service:stats().failed })
      assert.equal(0, service:stats().open)
    end)
  end)

  it("lets those out again whose handshake raised, and hellos too long for another context", function()
    local told = {}
    local tenant = tls.server {}
    serving({ on_client_hello = function() return tenant end, on_error = function(err)
      told[#told + 1] = err.code
    end }, tls.echo, function(port, service)
      local plain = assert(tcp.connect("127.0.0.1", port))
      plain:write(tls.long_hello(65800))
      assert.is_true(#(plain:read "a" or "") > 0)
      plain:close()
      loop.sleep(0.05)
      assert.same({ "hook_failed" }, told)
      assert.equal(0, service:stats().open)
    end)
  end)

  it("lets in only so many at once", function()
    local most, now = 0, 0
    serving({ max_connections = 2 }, function(c)
      now = now + 1
      most = math.max(most, now)
      loop.sleep(0.01)
      c:read "l"
      now = now - 1
    end, function(port)
      loop.map({ 1, 2, 3, 4, 5, 6 }, function()
        local c = assert(client(port))
        c:write "x\n"
        c:read "a"
        c:close()
      end)
    end)
    assert.equal(2, most)
  end)

  it("stops accepting at once, and cuts off who stays too long", function()
    local ended
    serving({ grace = 0.1 }, function(c)
      ended = select(2, c:receive())
    end, function(port, service)
      local c = assert(client(port))
      loop.sleep(0.02)
      local began = time.monotonic()
      service:stop()
      local late, err = client(port)
      assert.is_nil(late)
      assert.equal("connection_refused", err.code)
      service:wait()
      assert.is_true(time.monotonic() - began < 1)
      c:close()
    end)
    assert.equal("closed", ended.code)
  end)

  it("calls a client of IPv4 by its address of IPv4, on a socket of both families too", function()
    local seen
    serving({ host = "*" }, function(_, peer)
      seen = peer.address
    end, function(port)
      local c = assert(connect("127.0.0.1", port, { trust = root.cert, server_name = "localhost", timeout = 3 }))
      c:read "a"
      c:close()
    end)
    assert.equal("127.0.0.1", seen)
  end)

  it("gives less time when told again", function()
    loop.run(function()
      local service = assert(serve({ port = 0, identity = tls.id, grace = 60 }, tls.echo))
      local c = assert(connect("localhost", select(2, service:address()), { trust = root.cert }))
      loop.sleep(0.02)
      service:stop()
      service:stop()
      assert.is_false(service:rest(c, error))
      loop.sleep(0.02)
      assert.equal(1, service:stats().open)
      service:stop(0)
      service:wait()
      assert.equal("unexpected_eof", select(2, c:read "l").code)
    end)
  end)

  it("lets those inside finish", function()
    local finished
    serving({ grace = 2 }, function(c)
      loop.sleep(0.05)
      finished = c:write "done\n" ~= nil
    end, function(port, service)
      local c = assert(client(port))
      loop.sleep(0.01)
      service:stop()
      assert.equal("done", c:read "l")
      c:close()
      service:wait()
    end)
    assert.is_true(finished)
  end)

  it("changes its certificate without dropping anybody", function()
    serving({}, tls.echo, function(port, service)
      local c = assert(client(port))
      local other = pki.root()
      service:reload(tls.server { identity = pki.issue(other) })
      local d = assert(connect("localhost", port, { trust = other.cert }))
      c:write "x\n"
      assert.equal("x", c:read "l")
      c:close()
      d:close()
    end)
  end)

  it("costs no wake-ups for a thousand connections that are idle", function()
    local function switches()
      local handle = io.open "/proc/self/status"
      local text = handle and handle:read "*a" or ""
      if handle then
        handle:close()
      end
      return tonumber(text:match "\nvoluntary_ctxt_switches:%s*(%d+)")
    end
    local limit = io.popen "ulimit -n"
    local most = tonumber(limit:read "*l") or 1 / 0
    limit:close()
    if not switches() or most < 2200 then
      return pending "needs /proc and 2200 descriptors"
    end
    serving({ handshake_timeout = 60 }, tls.echo, function(port, service)
      local held = {}
      for i = 1, 1000 do
        held[i] = assert(tcp.connect("127.0.0.1", port))
      end
      loop.sleep(0.05)
      assert.equal(1000, service:stats().open)
      local before, began = switches(), os.clock()
      loop.sleep(0.3)
      local woken, busy = switches() - before, os.clock() - began
      for _, one in ipairs(held) do
        one:close()
      end
      assert.is_true(woken <= 10, woken .. " wake-ups")
      assert.is_true(busy < 0.05, busy .. " s")
    end)
  end)

  it("outside of a loop serves until a signal", function()
    local ok = serve({ port = 0, identity = tls.id, on_listen = function()
      loop.spawn(function()
        loop.sleep(0.02)
        os.execute("kill -TERM $PPID")
      end)
    end }, tls.echo)
    assert.is_true(ok)
  end)

  it("raises what is a mistake", function()
    for _, case in ipairs { {}, { { port = 0, identity = tls.id } }, { { prot = 0 }, print }, { { port = 0, max_connections = "x" }, print },
      { { port = 0, identity = tls.id, max_connections = 0 }, print }, { { port = 0, identity = tls.id, backlog = 0 }, print } } do
      assert.has_error(function()
        serve(case[1], case[2])
      end)
    end
  end)
end)

describe("wrap", function()
  it("knows every option, whoever it is handed on to", function()
    local ctx = tls.client { trust = root.cert }
    local rows = {
      { { role = "client", server_nam = "localhost" }, "'server_nam' to 'wrap' %(unknown; did you mean 'server_name'" },
      { { context = ctx, server_name = "localhost", close_f = true }, "'close_f' to 'wrap' %(unknown; did you mean 'close_fd'" },
      { { role = "server", idntity = tls.id }, "'idntity' to 'wrap' %(unknown; did you mean 'identity'" },
      { { role = "clinet" }, "'role' to 'wrap' %(\"client\" or \"server\" expected" },
    }
    for _, row in ipairs(rows) do
      assert.error_matches(function()
        wrap({ read = print, write = print, close = print }, row[1])
      end, row[2])
    end
  end)

  -- a server over a plain socket, and a client's end of it
  local function with_pair(run)
    loop.run(function()
      local l = assert(tcp.listen { port = 0 })
      local _, port = l:address()
      local task = loop.spawn(function()
        local plain = assert(l:accept(3))
        local c = assert(wrap(plain, { context = tls.server() }))
        tls.echo(c)
        c:close()
      end)
      local ok, why = loop.pcall(run, port)
      l:close()
      task:join(3)
      if not ok then
        error(why, 0)
      end
    end)
  end

  local function talk(c)
    c:write "hello\n"
    assert.equal("hello", c:read "l")
    assert.equal("localhost", c:server_name())
    c:close()
  end

  it("takes a plain socket", function()
    with_pair(function(port)
      talk(assert(wrap(assert(tcp.connect("127.0.0.1", port)), { context = tls.client(), server_name = "localhost" })))
    end)
  end)

  it("takes a plain socket that has said what it had to say", function()
    loop.run(function()
      local server = assert(lacre.tcp.listen { port = 0 })
      local _, port = server:address()
      local task = loop.spawn(function()
        local plain = server:accept()
        assert.equal("upgrade", plain:read())
        plain:write "yes\n"
        local conn = assert(plain:starttls { context = tls.server() })
        conn:write(conn:read())
        conn:close()
        plain = server:accept()
        plain:write "yes\nand more"
      end)
      local plain = assert(lacre.tcp.connect("127.0.0.1", port))
      plain:write "upgrade\n"
      assert.equal("yes", plain:read())
      local conn = lacre.assert(plain:starttls { trust = tls.root.cert, server_name = "localhost" })
      assert.equal("chain", conn:info().verified)
      conn:write "hello\n"
      assert.equal("hello", conn:read "a")
      conn:close()
      assert.is_false(plain:is_open())
      plain = assert(lacre.tcp.connect("127.0.0.1", port))
      assert.equal("yes", plain:read())
      assert.equal("plaintext_pending", select(2, plain:starttls { trust = tls.root.cert, server_name = "localhost" }).code)
      assert.has_error(function()
        plain:starttls { trust = tls.root.cert }
      end)
      plain:close()
      task:join(2)
      server:close()
    end)
  end)

  it("takes a descriptor, its own or lent", function()
    with_pair(function(port)
      local socket = assert(tcp.connect("127.0.0.1", port)).socket
      local fd = socket:fd()
      talk(assert(wrap(fd, { role = "client", trust = root.cert, server_name = "localhost", close_fd = false, handshake = true })))
      assert.is_true(socket:fd() == fd)
      socket:close()
    end)
    local c, err = wrap(9999, { context = tls.client(), server_name = "x" })
    assert.is_nil(c)
    assert.equal("closed", err.code)
  end)

  it("takes anything that reads and writes", function()
    with_pair(function(port)
      local plain = assert(tcp.connect("127.0.0.1", port))
      local closed
      local c = assert(wrap({
        read = function(_, max)
          return plain:receive(max)
        end,
        write = function(_, bytes)
          return plain:write(bytes)
        end,
        close = function()
          closed = true
          plain:close()
        end,
      }, { context = tls.client(), server_name = "localhost" }))
      assert.is_true(c:handshake())
      assert.equal("chain", c:info().verified)
      talk(c)
      assert.is_true(closed)
    end)
  end)

  -- a client over a server's engine in memory, whose streams do as they like
  local function over_memory(read, write)
    local far = assert(tls.server():engine())
    local moved = {
      read = function()
        far:handshake()
        return far:drain()
      end,
      write = function(bytes)
        return far:feed(bytes)
      end,
    }
    return far, assert(wrap({
      read = function(_, max)
        return (read or moved.read)(moved.read, max)
      end,
      write = function(_, bytes)
        return (write or moved.write)(write and moved.write or bytes, bytes)
      end,
      close = function() end,
    }, { context = tls.client(), server_name = "localhost", handshake_timeout = 0.2, io_timeout = 0.2 }))
  end

  it("loses nothing of a stream that gives more than was asked for, or takes less than it is given", function()
    local far, c
    far, c = over_memory(nil, function(feed, bytes)
      return feed(bytes:sub(1, 100))
    end)
    assert.is_true(c:handshake())
    c:write(("x"):rep(1000))
    assert.is_true(far:handshake())
    assert.equal(1000, #far:read())
    far, c = over_memory()
    assert.is_true(c:handshake())
    assert.is_true(far:handshake())
    local text = ("0123456789"):rep(50000)
    for at = 1, #text, 10000 do
      assert(far:write(text:sub(at, at + 9999)))
    end
    far:shutdown()
    assert.equal(text, c:read "a")
  end)

  it("tells what a stream did that is not one, and is not held by one that never ends", function()
    local cases = {
      { function() return {} end, "io_error" }, { function() return true end, "io_error" }, { function() return 42 end, "io_error" },
      { function() return nil, "timeout" end, "timeout" }, { function() return nil, "closed" end, "unexpected_eof" },
      { function() return nil, "broken" end, "io_error" }, { function() end, "unexpected_eof" },
      { function() return ("\22\3\3\0\4\0\0\0\0"):rep(1000) end, "handshake_timeout" },
    }
    for _, case in ipairs(cases) do
      local _, c = over_memory(case[1])
      local began = loop.now()
      local done, err = c:handshake()
      assert.is_nil(done)
      assert.equal(case[2], err.code)
      assert.is_true(loop.now() - began < 2)
    end
    local _, c = over_memory(nil, function()
      return 0
    end)
    assert.equal("io_error", select(2, c:handshake()).code)
  end)

  it("takes TLS inside of TLS", function()
    with_pair(function(port)
      local outer = assert(wrap(assert(tcp.connect("127.0.0.1", port)), { context = tls.client(), server_name = "localhost" }))
      local inner_server = assert(tls.server():engine())
      local inner = assert(wrap({
        read = function()
          return inner_server:drain()
        end,
        write = function(_, bytes)
          inner_server:feed(bytes)
          inner_server:handshake()
          return true
        end,
        close = function() end,
      }, { context = tls.client(), server_name = "localhost", handshake = true }))
      assert.is_true(inner:is_open())
      inner:close()
      talk(outer)
    end)
  end)

  it("takes a LuaSocket object, whatever it is", function()
    local ok, socket = pcall(require, "socket")
    if not ok then
      return pending "LuaSocket is not installed"
    end
    with_pair(function(port)
      local object = assert(socket.connect("127.0.0.1", port))
      talk(assert(wrap(object, { context = tls.client(), server_name = "localhost" })))
      object:close()
    end)
  end)

  it("refuses bytes that came before TLS", function()
    loop.run(function()
      local l = assert(tcp.listen { port = 0 })
      local _, port = l:address()
      local a = assert(tcp.connect("127.0.0.1", port))
      local b = assert(l:accept(1))
      b:write "early"
      loop.sleep(0.01)
      local c, err = wrap(a, { context = tls.client(), server_name = "localhost" })
      assert.is_nil(c)
      assert.equal("plaintext_pending", err.code)
      a:close()
      b:close()
      l:close()
    end)
  end)

  it("raises what is a mistake", function()
    local fd = 0
    for i, case in ipairs {
      { nil, { context = tls.client(), server_name = "x" } }, { "x", { context = tls.client(), server_name = "x" } },
      { {}, { context = tls.client(), server_name = "x" } }, { fd, {} }, { fd, { context = tls.client() } },
      { fd, { role = "client", context = tls.server() } }, { fd, { context = tls.client(), trust = "x", server_name = "y" } },
      { fd, { role = "middle" } },
    } do
      assert.has_error(function()
        wrap(case[1], case[2])
      end, nil, "case " .. i)
    end
  end)
end)
