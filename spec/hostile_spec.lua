-- A server among enemies: damaged records, floods, the slow, the silent. Whatever they do, an honest client beside them
-- is served, nothing is left open, and the process lives. The damage is drawn from a seed, told when something fails.
local connect = require("lacre.connect").connect
local http = require "lacre.http"
local loop = require "lacre.loop"
local process = require "spec.support.process"
local serve = require("lacre.serve").serve
local tcp = require "lacre.tcp"
local tls = require "spec.support.tls"
local webfiles = require "lacre.webfiles"

local root = tls.root
local state = tonumber(os.getenv "SEED") or os.time() % 100000
local seed = state

-- a generator of its own: the same on every Lua
local function random(most)
  state = (state * 16807) % 2147483647
  return state % most + 1
end

local function flip(bytes)
  local at = random(#bytes)
  return bytes:sub(1, at - 1) .. string.char(random(256) - 1) .. bytes:sub(at + 1)
end

local damages = {
  flip,
  function(bytes)
    for _ = 1, random(20) do
      bytes = flip(bytes)
    end
    return bytes
  end,
  function(bytes) -- cut
    return bytes:sub(1, random(#bytes))
  end,
  function(bytes) -- said twice
    return bytes .. bytes
  end,
  function(bytes) -- something in between
    local at = random(#bytes)
    return bytes:sub(1, at) .. ("\0"):rep(random(64)) .. bytes:sub(at + 1)
  end,
  function(bytes) -- a length that lies
    return bytes:sub(1, 3) .. string.char(random(256) - 1, random(256) - 1) .. bytes:sub(6)
  end,
  function(bytes) -- another kind of record
    return string.char(random(256) - 1) .. bytes:sub(2)
  end,
  function() -- nothing of the kind
    local out = {}
    for i = 1, random(300) do
      out[i] = string.char(random(256) - 1)
    end
    return table.concat(out)
  end,
}

local function echoing(given, run)
  loop.run(function()
    local told = {}
    local set = { port = 0, identity = tls.id, grace = 0, handshake_timeout = 0.5, on_error = function(err)
      told[#told + 1] = err
    end }
    for name, value in pairs(given) do
      set[name] = value
    end
    local service = assert(serve(set, tls.echo))
    local _, port = service:address()
    local ok, why = loop.pcall(run, port, service, told)
    service:stop()
    service:wait()
    if not ok then
      error(("%s (SEED=%d)"):format(tostring(why), seed), 0)
    end
  end)
end

local function honest(port)
  local c, err = connect("localhost", port, { trust = root.cert, timeout = 5 })
  assert(c, tostring(err))
  c:write "still there\n"
  assert.equal("still there", c:read "l")
  c:close()
end

-- plays a client, whose flight number `which` is damaged
local function attack(port, which, version)
  local client = tls.client({ max_version = version, sessions = false }):engine { server_name = "localhost" }
  local socket = assert(tcp.connect("127.0.0.1", port, { timeout = 2 }))
  socket:set_timeout(1)
  for flight = 1, 4 do
    client:handshake()
    if client:is_open() and flight >= which then
      client:write "hello\n"
    end
    local bytes = client:drain()
    if bytes == "" then
      break
    end
    local damaged = flight >= which
    if not socket:write(damaged and damages[random(#damages)](bytes) or bytes) then
      break
    elseif damaged then
      socket:shutdown()
    end
    local answer = socket:receive()
    if not answer then
      break
    end
    client:feed(answer)
  end
  socket:close()
  client:close()
end

local function settle(service)
  for _ = 1, 300 do
    if service:stats().open == 0 then
      return true
    end
    loop.sleep(0.01)
  end
end

describe("a server", function()
  for _, version in ipairs { "1.3", "1.2" } do
    it("outlives damaged flights of TLS " .. version, function()
      echoing({}, function(port, service, told)
        for round = 1, 120 do
          attack(port, round % 3 + 1, version)
        end
        honest(port)
        assert.is_true(settle(service))
        for _, err in ipairs(told) do
          assert.is_true(type(err) == "table" and err.code ~= nil, tostring(err))
          assert.is_true(err:category() ~= "internal", tostring(err))
        end
      end)
    end)
  end

  it("is not held up by many who say nothing, or half of something", function()
    echoing({ handshake_timeout = 0.4 }, function(port, service)
      local hello = tls.client():engine { server_name = "localhost" }
      hello:handshake()
      local bytes, held = hello:drain(), {}
      for i = 1, 150 do
        held[i] = assert(tcp.connect("127.0.0.1", port))
        held[i]:write(bytes:sub(1, i % 3 == 0 and 0 or i % #bytes))
      end
      local before = loop.now()
      honest(port)
      assert.is_true(loop.now() - before < 1)
      assert.is_true(settle(service))
      for _, one in ipairs(held) do
        one:close()
      end
      assert.equal(150, service:stats().failed)
    end)
  end)

  it("bears clients that come and go at once", function()
    echoing({}, function(port, service)
      for _ = 1, 200 do
        assert(tcp.connect("127.0.0.1", port)):close()
      end
      honest(port)
      assert.is_true(settle(service))
    end)
  end)

  it("is not drawn into endless empty records, alerts or key updates", function()
    echoing({}, function(port, service)
      local socket = assert(tcp.connect("127.0.0.1", port))
      socket:set_timeout(2)
      socket:write(("\23\3\3\0\0"):rep(5000))
      socket:write(("\21\3\3\0\2\1\0"):rep(5000))
      socket:read "a"
      socket:close()
      local c = assert(connect("localhost", port, { trust = root.cert }))
      for _ = 1, 300 do
        c:write ""
      end
      c:write "x\n"
      assert.equal("x", c:read "l")
      c:close()
      honest(port)
      assert.is_true(settle(service))
    end)
  end)

  it("lets nobody read slower than its time allows", function()
    echoing({ io_timeout = 0.3 }, function(port, service)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      c:set_timeout(1)
      local sent = true
      for _ = 1, 400 do -- and reads nothing of what comes back
        sent = sent and c:write(("x"):rep(65536))
        if not sent then
          break
        end
      end
      assert.is_true(settle(service))
      c:abort()
      honest(port)
    end)
  end)
end)

describe("a web server", function()
  local directory = process.directory()
  local handle = assert(io.open(directory .. "/a.txt", "w"))
  handle:write "content"
  handle:close()

  local function serving(run)
    loop.run(function()
      local service = assert(webfiles.serve { root = directory, port = 0, identity = tls.id, grace = 0, idle_timeout = 0.4,
        on_error = function() end })
      local _, port = service:address()
      local ok, why = loop.pcall(run, port, service)
      service:stop()
      service:wait()
      if not ok then
        error(("%s (SEED=%d)"):format(tostring(why), seed), 0)
      end
    end)
  end

  local function fine(port)
    local r = assert(http.request { url = ("https://localhost:%d/a.txt"):format(port), trust = root.cert })
    assert.equal("content", r.body)
  end

  it("outlives damaged requests", function()
    local good = "GET /a.txt HTTP/1.1\r\nHost: localhost\r\nRange: bytes=1-2\r\nIf-None-Match: \"x\"\r\nConnection: close\r\n\r\n"
    serving(function(port, service)
      for _ = 1, 150 do
        local c = assert(connect("localhost", port, { trust = root.cert }))
        c:write(damages[random(#damages)](good))
        c:shutdown()
        c:set_timeout(2)
        local text, err = c:read "a"
        assert.is_true(text == "" or (text or ""):find "^HTTP/1.1 %d%d%d " ~= nil or err ~= nil, text)
        c:close()
      end
      fine(port)
      assert.is_true(settle(service))
    end)
  end)

  it("has a time for a whole request, however slowly it drips", function()
    serving(function(port)
      local c = assert(connect("localhost", port, { trust = root.cert }))
      local began = loop.now()
      c:write "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n"
      for i = 1, 40 do
        if not c:write(("X-%d: y\r\n"):format(i)) then
          break
        end
        c:set_timeout(0.05)
        local _, err = c:receive(1)
        if err and err.code ~= "timeout" then
          break
        end
      end
      assert.is_true(loop.now() - began < 1.5)
      c:close()
      fine(port)
    end)
  end)

  it("of this spec is removed", function()
    process.remove(directory)
  end)
end)
