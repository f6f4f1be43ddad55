local adapt = require "lacre.adapt"
local connect = require("lacre.connect").connect
local listener = require "lacre.listener"
local tls = require "spec.support.tls"

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
  end)
end
