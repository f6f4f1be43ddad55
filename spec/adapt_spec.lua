local adapt = require "lacre.adapt"
local connect = require("lacre.connect").connect
local tcp = require "lacre.tcp"
local listener = require "lacre.listener"
local tls = require "spec.support.tls"
local wrap = require("lacre.wrap").wrap

local function has(name)
  return (pcall(require, name))
end

describe("adapt.luasocket", function()
  it("has the shape of LuaSocket's objects", function()
    tls.with_server({}, function(c)
      c:write "line\r\n12345rest"
      c:read "l"
    end, function(port)
      local s = adapt.luasocket(assert(connect("localhost", port, { trust = tls.root.cert })))
      assert.equal("SSL", tostring(s):sub(1, 3))
      assert.equal("line", s:receive "*l")
      assert.equal("12345", s:receive(5))
      s:settimeout(0)
      local data, err, partial = s:receive(10)
      assert.is_nil(data)
      assert.equal("wantread", err)
      assert.equal("rest", partial)
      s:settimeout(0.01)
      data, err, partial = s:receive(10)
      assert.is_nil(data)
      assert.equal("timeout", err)
      assert.equal("", partial)
      s:settimeout(nil)
      assert.is_true(s:getfd() >= 0)
      assert.is_false(s:dirty())
      assert.same({ "127.0.0.1", port }, { s:getpeername() })
      assert.equal(4, s:send("xgo\n", 2))
      data, err = s:receive "*l"
      assert.is_nil(data)
      assert.equal("closed", err)
      assert.equal(1, s:close())
      assert.is_nil((s:send "x"))
    end)
  end)

  it("never waits, with a limit of 0, for a handshake either", function()
    local door = assert(tcp.listen { port = 0 })
    local plain = assert(tcp.connect("127.0.0.1", select(2, door:address())))
    local s = adapt.luasocket(assert(wrap(plain, { context = tls.client(), server_name = "localhost", handshake = false })))
    s:settimeout(0)
    assert.same({ nil, "wantread" }, { s:dohandshake() })
    assert.same({ nil, "wantread", "" }, { s:receive "*l" })
    assert.same({ nil, "wantread", 0 }, { s:send "x" })
    s:settimeout(0.01)
    assert.same({ nil, "timeout" }, { s:dohandshake() })
    s:close()
    door:close()
  end)

  it("raises what is no connection", function()
    assert.has_error(function()
      adapt.luasocket {}
    end)
  end)
end)

-- an echo server and a client, both run by `spawn` of a foreign loop; `run` runs it
local function talk(spawn, run)
  local server = assert(listener.listen { port = 0, identity = tls.id })
  local _, port = server:address()
  local result
  spawn(function()
    local c = assert(server:accept())
    c:write(assert(c:read "l"), "\n")
    c:close()
  end)
  spawn(function()
    local c = assert(connect("127.0.0.1", port, { trust = tls.root.cert }))
    c:set_timeout(0.01)
    local _, err = c:read "l"
    assert.equal("timeout", err.code)
    c:set_timeout(3)
    c:write "hello\n"
    result = c:read "l"
    c:close()
  end)
  run()
  server:close()
  adapt.none()
  assert.equal("hello", result)
end

-- who connects and says nothing must hold up nobody, least of all in the handshake
if has "copas" then
  describe("adapt.copas", function()
    it("waits inside of its loop, for the handshake too", function()
      local copas, socket = require "copas", require "socket"
      local door = assert(socket.bind("127.0.0.1", 0))
      local port = tonumber((select(2, door:getsockname())))
      copas.addserver(door, function(plain)
        local conn = assert(wrap(plain, { context = tls.server(), handshake = false }))
        local wrapped = adapt.copas(conn)
        local line = wrapped:receive "*l"
        if line then
          wrapped:send(line .. "\n")
        end
        conn:close()
      end)
      local silent, answers = assert(socket.connect("127.0.0.1", port)), {}
      for i = 1, 3 do
        copas.addthread(function()
          local plain = socket.tcp()
          copas.connect(plain, "127.0.0.1", port)
          local conn = assert(wrap(plain, { context = tls.client(), server_name = "localhost", handshake = false }))
          local wrapped = adapt.copas(conn)
          assert(wrapped:send("hello " .. i .. "\n"))
          answers[i] = wrapped:receive "*l"
          conn:close()
        end)
      end
      local over = socket.gettime() + 5
      while #answers < 3 and socket.gettime() < over do
        copas.step(0.05)
      end
      silent:close()
      copas.step(0.05)
      door:close()
      assert.same({ "hello 1", "hello 2", "hello 3" }, answers)
    end)
  end)
end

if has "cqueues" then
  describe("adapt.cqueues", function()
    it("waits inside of its loop", function()
      local queue = require("cqueues").new()
      adapt.cqueues()
      talk(function(fn)
        queue:wrap(fn)
      end, function()
        assert(queue:loop(5))
      end)
      queue = nil -- luacheck: ignore
      collectgarbage()
    end)
  end)
end

if has "luv" then
  local uv = require "luv"
  describe("adapt.luv", function()
    it("waits inside of its loop", function()
      adapt.luv(uv)
      talk(function(fn)
        local thread = coroutine.create(fn)
        local timer = uv.new_timer()
        timer:start(0, 0, function()
          timer:close()
          assert(coroutine.resume(thread))
        end)
      end, function()
        uv.run()
      end)
    end)

    local function spawn(fn)
      assert(coroutine.resume(coroutine.create(fn)))
    end

    it("tells who waits that the connection is closed, and lets two wait for one", function()
      adapt.luv(uv)
      local server = assert(listener.listen { port = 0, identity = tls.id })
      local _, port = server:address()
      local accepted, seen, got, read
      spawn(function()
        local c = assert(server:accept(3))
        spawn(function()
          accepted = select(2, server:accept(3)).code
        end)
        assert(c:handshake())
        got = 0
        spawn(function()
          while got < 4000000 do
            got = got + #assert(c:receive())
          end
          c:write "line\n"
        end)
      end)
      spawn(function()
        local c = assert(connect("127.0.0.1", port, { trust = tls.root.cert }))
        spawn(function()
          read = c:read "l"
          seen = select(2, c:read "l").code
        end)
        c:write(("x"):rep(4000000))
        local timer = uv.new_timer()
        timer:start(100, 0, function()
          timer:close()
          c:close()
          server:close()
        end)
      end)
      uv.run()
      adapt.none()
      assert.same({ "closed", "closed", 4000000, "line" }, { accepted, seen, got, read })
    end)
  end)
end
