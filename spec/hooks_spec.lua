local core = require "lacre.core"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local serve = require("lacre.serve").serve
local settings = require "lacre.tls.settings"
local time = require "lacre.time"
local tls = require "spec.support.tls"
local warning = require "lacre.warning"

local function shaken(client_set, server_set)
  local client = assert(tls.client(client_set):engine { server_name = "localhost" })
  local server = assert(tls.server(server_set):engine())
  local _, err, _, why = tls.shake(client, server)
  return client, err, server, why
end

local unspeakable = setmetatable({}, {
  __tostring = function()
    error "says nothing"
  end,
})

describe("a hook", function()
  it("that goes on with the connection it is asked about is asked once, and told so", function()
    for _, method in ipairs { "handshake", "advance" } do
      local asked, why, client, server = 0, nil, nil, nil
      local function come_back(engine)
        asked = asked + 1
        why = select(2, engine()[method](engine(), method == "advance" and "" or nil))
        return true
      end
      client = assert(tls.client { on_verify = function()
        return come_back(function() return client end)
      end }:engine { server_name = "localhost" })
      server = assert(tls.server():engine())
      local done = tls.shake(client, server)
      assert.is_true(done)
      assert.equal("1 handshake_incomplete", asked .. " " .. why.code)
      asked = 0
      server = assert(tls.server { on_client_hello = function()
        return come_back(function() return server end)
      end }:engine())
      assert.is_true((tls.shake(assert(tls.client():engine { server_name = "localhost" }), server)))
      assert.equal("1 handshake_incomplete", asked .. " " .. why.code)
    end
  end)

  it("that waits is not asked again by another task", function()
    local asked, other = 0, nil
    local server_set = { on_client_hello = function()
      asked = asked + 1
      loop.sleep(0.05)
      return true
    end }
    tls.with_server(server_set, function(conn)
      local task = loop.spawn(function()
        loop.sleep(0.02)
        other = select(2, conn:handshake())
      end)
      assert(conn:handshake())
      task:join()
    end, function(port)
      assert(tls.client():connect("localhost", port)):close()
    end)
    assert.equal(1, asked)
    assert.equal("handshake_incomplete", other.code)
  end)

  it("refuses by whatever it raises", function()
    for _, raised in ipairs { "text", {}, unspeakable, false } do
      local _, err = shaken { on_verify = function()
        error(raised)
      end }
      assert.equal("hook_failed", err.code)
      local _, _, _, why = shaken(nil, { on_client_hello = function()
        error(raised)
      end })
      assert.equal("hook_failed", why.code)
    end
    local client, err = shaken { on_verify = function()
      error()
    end }
    assert.equal("hook_failed", err.code)
    assert.equal("none", client:info().verified)
  end)

  it("that answers a hello with what is no identity refuses it", function()
    local stranger = pki.self_signed()
    for _, answer in ipairs { { cert = 1, key = 2 }, { cert = tls.id.cert }, { cert = tls.id.cert, key = stranger.key } } do
      local _, err, _, why = shaken(nil, { on_client_hello = function()
        return answer
      end })
      assert.equal("handshake_failed", err.code)
      assert.equal("hook_failed", why.code)
    end
  end)
end)

describe("a time", function()
  it("that raises, or is none, is nobody's good time, and concerns that connection alone", function()
    for _, told in ipairs { function() error "no clock" end, function() return "now" end, function() return 0 / 0 end,
      function() return 1e300 end } do
      local made, err = tls.client { time = told }:engine { server_name = "localhost" }
      assert.is_nil(made)
      assert.equal("hook_failed", err.code)
    end
    local asked = 0
    local server_set = { identity = tls.id, port = 0, on_error = function() end, time = function()
      asked = asked + 1
      return asked == 1 and error "no clock" or nil
    end }
    loop.run(function()
      local service = assert(serve(server_set, function(conn)
        conn:write "served\n"
      end))
      local _, port = service:address()
      local client = tls.client()
      assert.is_nil((client:connect("localhost", port)))
      local conn = assert(client:connect("localhost", port))
      assert.equal("served", conn:read())
      conn:close()
      service:stop()
    end)
  end)
end)

describe("a context that a hook answers with", function()
  it("judges at its own time", function()
    local clients = pki.root { subject = "CN=Clients" }
    local inner = tls.server { client_auth = "required", client_trust = clients.cert, time = time.now() + 30 * 365 * 86400 }
    local _, _, _, why = shaken({ identity = pki.client(clients) }, { on_client_hello = function()
      return inner
    end })
    assert.equal("cert_expired", why.code)
  end)
end)

describe("keylog", function()
  before_each(function()
    warning.on_warning(false)
  end)
  after_each(function()
    warning.on_warning(nil)
  end)

  it("that raises ends the connection, and hides nothing else that is wrong", function()
    local function raise()
      error "full"
    end
    local client, err = shaken { keylog = raise }
    assert.equal("hook_failed", err.code)
    assert.equal("failed", client:state())
    client, err = shaken { keylog = raise, alpn = { "h2" }, alpn_required = true }
    assert.equal("alpn_mismatch", err.code)
    assert.is_nil((client:handshake()))
    assert.is_nil((client:write "secret"))
  end)

  it("to a file that cannot be written is told", function()
    local said = {}
    warning.on_warning(function(text)
      said[#said + 1] = text
    end)
    local _, err = shaken { keylog = "/nonexistent/keys" }
    assert.is_nil(err)
    assert.matches("keylog cannot be written: /nonexistent/keys", table.concat(said, "\n"))
  end)
end)

describe("a server without a certificate", function()
  it("is no server for anybody, whatever a client was made to offer", function()
    local suite = "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"
    local bare = { identity = tls.id, min_version = "1.2", max_version = "1.2", ciphers = { suite }, session_tickets = false }
    local server = assert(assert(settings.lab("server", bare)):engine())
    local ctx = assert(core.context.new "client")
    ctx:security_level(0)
    assert(ctx:ciphers("AECDH-AES128-SHA:@SECLEVEL=0", ""))
    assert(ctx:versions("1.2", "1.2"))
    ctx:rules({ accept_any = true }, 8)
    local client = assert(core.engine.new(ctx, nil, "localhost", nil, false, false))
    local err
    for _ = 1, 4 do
      local _, why = client:handshake()
      err = err or type(why) == "table" and why or nil
      server:feed(client:drain(65536))
      server:handshake()
      client:feed(server:drain())
    end
    assert.equal("cert_invalid", err.code)
    assert.matches("no certificate", err.message)
    assert.is_nil((client:write("secret", 1)))
  end)
end)
