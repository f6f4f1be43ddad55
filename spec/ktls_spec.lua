-- TLS by the kernel: what is done without one, and what a kernel that takes the keys is given (spec/support/ktls.c).
local connect = require("lacre.connect").connect
local lacre = require "lacre"
local lfs = require "lfs"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"
local warning = require "lacre.warning"

local kernel = os.getenv "BUILD" .. "/ktls.so"

local function whole(path)
  local handle = assert(io.open(path, "rb"))
  local text = handle:read "*a"
  handle:close()
  return text
end

local function file_of(bytes)
  local path = os.tmpname()
  local handle = assert(io.open(path, "wb"))
  handle:write(bytes)
  handle:close()
  return path
end

describe("ktls", function()
  it("falls back to the process, without a word, and info() and config() tell", function()
    local said = {}
    warning.on_warning(function(text)
      said[#said + 1] = text
    end)
    local bytes, has = ("0123456789abcdef"):rep(20000), lacre.openssl.features.ktls
    local ctx = tls.client { ktls = true }
    assert.equal(has, ctx:config().ktls)
    assert.is_false(tls.client():config().ktls)
    tls.with_server({ context = tls.server { ktls = true }, port = 0 }, function(conn)
      lacre.assert(conn:write(lacre.assert(conn:read(#bytes))))
      assert.same({ send = has, receive = conn:info().ktls.receive }, conn:info().ktls)
    end, function(port)
      local conn = lacre.assert(connect("127.0.0.1", port, { context = ctx, server_name = "localhost" }))
      assert(conn:write(bytes))
      assert.is_true(bytes == conn:read(#bytes))
      assert.equal(has, conn:info().ktls.send)
      assert.equal("closed", select(2, conn:receive()).code)
      conn:close()
    end)
    assert.is_nil(tls.engines():info().ktls)
    warning.on_warning(false)
    assert.same({}, said)
  end)

  it("gives a kernel that takes the keys what to encrypt, over TLS 1.3", function()
    if not lfs.attributes(kernel) or os.getenv "SANITIZER" == "asan" then
      pending "a kernel that takes keys is preloaded, on Linux and without a sanitizer's own preload"
      return
    end
    local script = file_of([[
      local lacre, tls, loop = require "lacre", require "spec.support.tls", require "lacre.loop"
      local bytes = io.open(arg[1], "rb")
      local told = {}
      tls.with_server({ context = tls.server { ktls = true, session_tickets = false }, port = 0 },
        function(conn)
          lacre.assert(conn:handshake())
          local ktls = conn:info().ktls
          print(ktls.send, ktls.receive)
          lacre.assert(conn:write "in the clear")
          print(conn:send_file(bytes, 3, 5000))
          print(conn:send_file(bytes, 9998, 5000))
          conn:read "l"
          local done, err
          for _ = 1, 100 do
            done, err = conn:write(("x"):rep(20000))
            if err then break end
            loop.sleep(0.01)
          end
          print(err.code)
          done, err = conn:send_file(bytes, 0, 10)
          print(done, err.code)
        end, function(port)
          local plain = lacre.assert(lacre.tcp.connect("127.0.0.1", port))
          local client = tls.client():engine { server_name = "localhost" }
          repeat
            local done = client:handshake()
            plain:write(client:drain())
            if not done then client:feed(plain:receive()) end
          until done
          local clear = ""
          while #clear < 12 + 5000 + 2 do
            clear = clear .. plain:receive()
          end
          local out = io.open(arg[2], "wb")
          out:write(clear)
          out:close()
          client:write "go\n"
          plain:write(client:drain())
          plain:close()
        end)
      print "alive"
    ]])
    local data = ("0123456789"):rep(1000)
    local bytes, clear = file_of(data), os.tmpname()
    local output = process.run { "env", "LD_PRELOAD=" .. kernel, os.getenv "LUA", script, bytes, clear }
    assert.matches("true\tfalse\n5000\n2\n", output)
    assert.matches("\n[%w_]+\nnil\t[%w_]+\nalive\n$", output)
    assert.is_true("in the clear" .. data:sub(4, 5003) .. data:sub(9999) == whole(clear))
    for _, path in ipairs { script, bytes, clear } do
      os.remove(path)
    end
  end)
end)

describe("send_file", function()
  it("sends a part of a file, and waits for a slow reader", function()
    local data = ("0123456789abcdef"):rep(200000) -- 3 MB
    local path = file_of(data)
    local handle = assert(io.open(path, "rb"))
    tls.with_server({}, function(conn)
      assert.equal(#data - 100, conn:send_file(handle, 100, #data - 100))
      assert.equal(5, conn:send_file(handle, #data - 5, 100))
      assert.equal(0, conn:send_file(handle, #data + 5, 100))
      assert.equal(0, conn:send_file(handle, 0, 0))
      assert(conn:write "end")
      assert.equal("0", handle:read(1))
    end, function(port)
      local conn = lacre.assert(connect("127.0.0.1", port, { context = tls.client(), server_name = "localhost" }))
      require("lacre.loop").sleep(0.2)
      assert.is_true(data:sub(101) .. data:sub(-5) .. "end" == conn:read "a")
      conn:close()
      assert.equal("closed", select(2, conn:send_file(handle, 0, 1)).code)
    end)
    tls.with_server({}, function(conn)
      conn:set_timeout(0.2)
      local done, err, sent = conn:send_file(handle, 0, #data)
      for _ = 1, 20 do
        if err then break end
        done, err, sent = conn:send_file(handle, 0, #data)
      end
      assert.is_nil(done)
      assert.equal("timeout", err.code)
      assert.is_true(sent > 0)
    end, function(port)
      local conn = lacre.assert(connect("127.0.0.1", port, { context = tls.client(), server_name = "localhost" }))
      require("lacre.loop").sleep(1)
      conn:abort()
    end)
    handle:close()
    assert.has_error(function()
      tls.engines():send_file(handle, 0, 1)
    end)
    os.remove(path)
  end)

  it("tells a file that cannot be read from one that ends", function()
    local folder = assert(io.open("/tmp", "rb"))
    tls.with_server({}, function(conn)
      local done, err, sent = conn:send_file(folder, 0, 10, "head")
      assert.same({ "is_directory", 0 }, { err.code, sent })
      assert.is_nil(done)
      assert(conn:write "goes on")
    end, function(port)
      local conn = lacre.assert(connect("127.0.0.1", port, { context = tls.client(), server_name = "localhost" }))
      assert.equal("headgoes on", conn:read "a")
      conn:close()
    end)
    folder:close()
  end)

  it("touches no file that somebody closes meanwhile", function()
    local data = ("0123456789abcdef"):rep(2000000) -- 32 MB
    local path = file_of(data)
    local handle = assert(io.open(path, "rb"))
    local done, err, sent
    tls.with_server({}, function(conn)
      done, err, sent = conn:send_file(handle, 0, #data)
    end, function(port)
      local conn = lacre.assert(connect("127.0.0.1", port, { context = tls.client(), server_name = "localhost" }))
      require("lacre.loop").sleep(0.2)
      handle:close()
      while conn:receive() do end
      conn:abort()
    end)
    os.remove(path)
    assert.is_nil(done)
    assert.equal("io_error", err.code)
    assert.matches("file was closed", err.message)
    assert.is_true(sent > 0 and sent < #data)
  end)
end)

pki.clean()
