-- Errors of connections, each provoked for real: what docs/errors.md lists under network, timeout and protocol.
local connect = require("lacre.connect").connect
local lacre = require "lacre"
local loop = require "lacre.loop"
local process = require "spec.support.process"
local tcp = require "lacre.tcp"
local tls = require "spec.support.tls"

local function code_of(result, err)
  assert.is_nil(result)
  return err.code, err
end

-- a server that does what `handle` does with a plain socket
local function beside(handle, client)
  loop.run(function()
    local server = lacre.assert(tcp.listen { port = 0 })
    local _, port = server:address()
    local task = loop.spawn(function()
      local plain = server:accept()
      if plain then
        handle(plain)
      end
    end)
    local ok, why = loop.pcall(client, port)
    server:close()
    task:cancel()
    if not ok then
      error(why, 0)
    end
  end)
end

local function client_at(port, given)
  local set = { trust = tls.root.cert, server_name = "localhost", timeout = 3 }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return connect("127.0.0.1", port, set)
end

local function u16(bytes, at)
  local high, low = bytes:byte(at, at + 1)
  return high * 256 + low
end

local function two(number)
  return string.char(math.floor(number / 256), number % 256)
end

-- a record of one hello, its extensions changed by `change(kind, body)`, which gives other bytes or nil
local function with_extensions(bytes, at, change)
  local out, i = {}, at + 2
  while i <= #bytes do
    local size = u16(bytes, i + 2)
    local whole = bytes:sub(i, i + 3 + size)
    out[#out + 1] = change(u16(bytes, i), whole) or ""
    i = i + 4 + size
  end
  local body = table.concat(out)
  local hello = bytes:sub(10, at - 1) .. two(#body) .. body
  return bytes:sub(1, 3) .. two(#hello + 4) .. bytes:sub(6, 6) .. "\0" .. two(#hello) .. hello
end

local function extensions_of_client(bytes)
  local at = 1 + 5 + 4 + 2 + 32
  at = at + 1 + bytes:byte(at)
  at = at + 2 + u16(bytes, at)
  return at + 1 + bytes:byte(at)
end

local function extensions_of_server(bytes)
  local at = 1 + 5 + 4 + 2 + 32
  return at + 1 + bytes:byte(at) + 2 + 1
end

describe("an error of the network", function()
  it("is connection_reset", function()
    beside(function(plain)
      plain:close() -- with the ClientHello unread
    end, function(port)
      local code, err = code_of(client_at(port))
      assert.truthy(code == "connection_reset" or code == "unexpected_eof", code)
      assert.equal("handshake", err.stage)
    end)
    beside(function(plain)
      while not plain.socket:receive(1) do
        loop.sleep(0.01)
      end
      plain:close()
    end, function(port)
      local plain = lacre.assert(tcp.connect("127.0.0.1", port))
      plain:write(("x"):rep(100000))
      assert.equal("connection_reset", (code_of(plain:read "a")))
      plain:close()
    end)
  end)

  it("is address_unavailable", function()
    assert.equal("address_unavailable", (code_of(lacre.listen { identity = tls.id, host = "192.0.2.1", port = 0 })))
    assert.equal("address_unavailable", (code_of(connect("127.0.0.1", 9, { trust = tls.root.cert, bind = "192.0.2.1" }))))
  end)

  it("is network_unreachable", function()
    local code = code_of(connect("224.0.0.1", 443, { trust = tls.root.cert, timeout = 1 }))
    assert.equal("network_unreachable", code)
  end)

  it("is host_unreachable, or permission_denied, as the routes say", function()
    local script = os.tmpname()
    local handle = assert(io.open(script, "w"))
    handle:write [[
      local lacre = require "lacre"
      for _, host in ipairs { "192.0.2.1", "198.51.100.1", "127.0.0.1" } do
        local _, err = lacre.connect(host, 443, { timeout = 2 })
        print(err.code, err.message:match "^[%d.:]+:", (err.hint:gsub(" .*", "")))
      end
    ]]
    handle:close()
    local ip = "export PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && ip route add unreachable 192.0.2.0/24 && "
      .. "ip route add prohibit 198.51.100.0/24"
    local output, code = process.run { "unshare", "-rn", "sh", "-c", ip .. ' || exit 77; exec "$0" "$1"', os.getenv "LUA", script }
    os.remove(script)
    if code ~= 0 and not output:find "unreachable\t" then
      return pending("a network namespace is needed: " .. output)
    end
    assert.equal("host_unreachable\t192.0.2.1:443:\tthe\npermission_denied\t198.51.100.1:443:\tcheck\n"
      .. "connection_refused\t127.0.0.1:443:\tcheck\n", output)
  end)

  it("is connection_refused where a connection would reach itself", function()
    local port = process.free_port()
    local socket, err = tcp.connect("127.0.0.1", port, { bind = ("127.0.0.1:%d"):format(port) })
    assert.is_nil(socket)
    assert.equal("connection_refused", err.code)
  end)

  it("is too_many_files", function()
    local script = os.tmpname()
    local handle = assert(io.open(script, "w"))
    handle:write [[
      local lacre = require "lacre"
      local server = lacre.assert(lacre.tcp.listen { port = 0 })
      local _, port = server:address()
      local held, code = {}, nil
      for _ = 1, 100 do
        local socket, err = lacre.tcp.connect("127.0.0.1", port)
        held[#held + 1] = socket
        code = err and err.code or code
      end
      print(code)
      held[#held]:close()
      local taken, err = lacre.tcp.connect("127.0.0.1", port)
      local accepted, why = server:accept(1)
      print(taken ~= nil, err, accepted, why and why.code)
    ]]
    handle:close()
    local output = process.run { "sh", "-c", 'ulimit -n 40; exec "$0" "$1"', os.getenv "LUA", script }
    os.remove(script)
    assert.equal("too_many_files\ntrue\tnil\tnil\ttoo_many_files\n", output)
  end)
end)

describe("an error of time", function()
  it("is connect_timeout", function()
    local server = lacre.assert(tcp.listen { port = 0, backlog = 1 })
    local _, port = server:address()
    local held, code = {}, nil
    for _ = 1, 10 do -- nobody accepts: then the system lets nobody in
      local plain, err = tcp.connect("127.0.0.1", port, { timeout = 0.3 })
      held[#held + 1] = plain
      code = err and err.code or code
    end
    for _, plain in ipairs(held) do
      plain:close()
    end
    server:close()
    assert.equal("connect_timeout", code)
  end)

  it("is resolve_timeout", function()
    loop.run(function()
      local set = { trust = tls.root.cert, timeout = 0.2, resolver = function()
        loop.sleep(5)
      end }
      assert.equal("resolve_timeout", (code_of(connect("slow.test", 443, set))))
    end)
  end)
end)

describe("an error of the protocol", function()
  it("is downgrade_detected, where somebody hides that both sides know TLS 1.3", function()
    local client, server = tls.client():engine { server_name = "localhost" }, tls.server():engine()
    client:handshake()
    local bytes = client:drain()
    server:feed(with_extensions(bytes, extensions_of_client(bytes), function(kind, whole)
      return kind ~= 43 and whole or nil
    end))
    server:handshake()
    client:feed(server:drain())
    assert.equal("downgrade_detected", (code_of(client:handshake())))
    assert.equal(7, #client:drain()) -- the alert
  end)

  it("is unsafe_renegotiation, where a server knows nothing of RFC 5746", function()
    local client = tls.client({ max_version = "1.2" }):engine { server_name = "localhost" }
    local server = tls.server():engine()
    client:handshake()
    server:feed(client:drain())
    server:handshake()
    local bytes = server:drain()
    local first = bytes:sub(1, 5 + u16(bytes, 4))
    client:feed(with_extensions(first, extensions_of_server(first), function(kind, whole)
      return kind ~= 0xff01 and whole or nil
    end))
    assert.equal("unsafe_renegotiation", (code_of(client:handshake())))
  end)

  it("is no_shared_sigalg", function()
    local client, server = tls.client { sigalgs = { "rsa_pss_rsae_sha256" } }, tls.server()
    local _, _, accepted, why = tls.shake(client:engine { server_name = "localhost" }, server:engine())
    assert.is_nil(accepted)
    assert.equal("no_shared_sigalg", why.code)
  end)

  it("is protocol_error", function()
    local messages = {
      "\22\3\1\0\4\2\0\0\0", -- a ServerHello for a server
      "\22\3\1\0\5\1\0\0\1\3", -- a ClientHello that ends within its version
      "\20\3\3\0\1\1", -- a ChangeCipherSpec before anything
    }
    for i, message in ipairs(messages) do
      local server = tls.server():engine()
      server:feed(message)
      local code = code_of(server:handshake())
      assert.truthy(code == "protocol_error" or code == "not_tls", "message " .. i .. " " .. code)
    end
    local server = tls.server():engine()
    server:feed(messages[1])
    assert.equal("protocol_error", (code_of(server:handshake())))
  end)

  it("is bad_record, after the handshake too", function()
    local c, s = tls.engines()
    c:write "x"
    local bytes = c:drain()
    s:feed(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256))
    assert.equal("bad_record", (code_of(s:read())))
    assert.is_true(#s:drain() > 0)
  end)
end)
