-- Other implementations as peers, both ways, on loopback. Whatever is not installed is left out.
local connect = require("lacre.connect").connect
local loop = require "lacre.loop"
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local given = require "spec.support.interop_files"()
local identities, ca, clients_ca = given.identities, given.ca, given.clients_ca
local agent_cert, agent_key = given.agent_cert, given.agent_key
local has = process.has

local function openssl_server(kind, ...)
  local port = process.free_port()
  local files = identities[kind]
  local server = process.start { "openssl", "s_server", "-accept", "127.0.0.1:" .. port, "-cert", files.cert,
    "-cert_chain", files.cert, "-key", files.key, "-rev", "-quiet", ... }
  process.wait_for_port(port)
  return server, port
end

describe("a client of openssl s_server", function()
  for _, version in ipairs { "1.3", "1.2" } do
    for kind in pairs(identities) do
      it(("talks over TLS %s, %s"):format(version, kind), function()
        local server, port = openssl_server(kind, version == "1.3" and "-tls1_3" or "-tls1_2")
        local c, err = connect("localhost", port, { trust = ca })
        assert(c, tostring(err))
        assert.equal(version, c:version())
        assert.equal(3, #c:verified_chain())
        assert(c:write "hello\n")
        assert.equal("olleh", c:read "l")
        assert(c:write(("x"):rep(3000), "\n"))
        assert.equal(("x"):rep(3000), c:read "l")
        c:close()
        server:stop()
      end)
    end
  end

  it("shows its certificate when asked", function()
    local server, port = openssl_server("p256", "-Verify", "2", "-verify_return_error", "-CAfile", clients_ca)
    local c = assert(connect("localhost", port, { trust = ca, cert = agent_cert, key = agent_key }))
    assert(c:write "hello\n")
    assert.equal("olleh", c:read "l")
    c:close()
    c = assert(connect("localhost", port, { trust = ca }))
    local data, err = c:read "l"
    assert.is_nil(data)
    assert.equal("client_cert_required", err.code)
    c:close()
    server:stop()
  end)

  it("refuses what it does not trust, and other names", function()
    local server, port = openssl_server "p256"
    for code, set in pairs {
      unknown_issuer = { trust = clients_ca },
      hostname_mismatch = { trust = ca, server_name = "other.test" },
      pin_mismatch = { trust = ca, pins = { given.clients.cert:pin(), allow_no_backup = true } },
    } do
      local c, err = connect("localhost", port, set)
      assert.is_nil(c)
      assert.is_true(err.code == code or (code == "unknown_issuer" and err.code == "untrusted_root"), err.code)
    end
    server:stop()
  end)

  it("reports versions and groups without a common one", function()
    local server, port = openssl_server("p256", "-tls1_2")
    local c, err = connect("localhost", port, { trust = ca, min_version = "1.3" })
    assert.is_nil(c)
    assert.equal("protocol_version", err.code)
    assert.equal("peer", err.alert_from)
    server:stop()
    server, port = openssl_server("p256", "-groups", "P-521")
    c, err = connect("localhost", port, { trust = ca })
    assert.is_nil(c)
    assert.equal("handshake_failed", err.code)
    server:stop()
  end)
end)

-- runs a program against our server while the loop serves
local function against_us(set, handle, words)
  local output
  tls.with_server(set, handle, function(port)
    for i, word in ipairs(words) do
      words[i] = word:gsub("PORT", port)
    end
    local started = process.start(words)
    for _ = 1, 500 do
      if not started:is_alive() then
        break
      end
      loop.sleep(0.02)
    end
    output = started:output()
    started:stop()
  end)
  return output
end

local function http(conn)
  local request = conn:read "l"
  repeat
    local line = conn:read "l"
  until not line or line == ""
  local body = ("you said %s\n"):format(tostring(request))
  conn:write("HTTP/1.1 200 OK\r\nContent-Length: ", #body, "\r\nConnection: close\r\n\r\n", body)
end

describe("a server for", function()
  for _, version in ipairs { "1.3", "1.2" } do
    for kind, files in pairs(identities) do
      if has "curl" then
        it(("curl over TLS %s, %s"):format(version, kind), function()
          local output = against_us({ identity = files.id, min_version = version, max_version = version }, http, {
            "curl", "-sS", "--max-time", "5", "--cacert", ca, "https://localhost:PORT/x" })
          assert.equal("you said GET /x HTTP/1.1\n", output)
        end)
      end
      it(("openssl s_client over TLS %s, %s"):format(version, kind), function()
        local output = against_us({ identity = files.id }, function(c)
          c:write "greetings\n"
        end, { "openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", "localhost", "-CAfile", ca,
          "-verify_hostname", "localhost", "-verify_return_error", version == "1.3" and "-tls1_3" or "-tls1_2",
          "-ign_eof" })
        assert.matches("greetings", output)
        assert.matches("Verify return code: 0", output)
      end)
    end
  end

  if has "curl" then
    it("curl that does not trust it", function()
      local failure
      local output = against_us({ identity = identities.p256.id }, function(c)
        failure = select(2, c:handshake())
      end, { "curl", "-sS", "--max-time", "5", "--cacert", clients_ca, "https://localhost:PORT/" })
      assert.matches("certificate", output)
      assert.equal("server_cert_rejected", failure.code)
    end)

    it("curl with a client certificate, and without", function()
      local set = { client_auth = "required", client_trust = given.clients.cert }
      local seen
      local function handle(c)
        local done, err = c:handshake()
        seen = done and tostring(c:peer_cert():subject()) or err.code
        http(c)
      end
      local output = against_us(set, handle, { "curl", "-sS", "--max-time", "5", "--cacert", ca, "--cert", agent_cert,
        "--key", agent_key, "https://localhost:PORT/x" })
      assert.equal("you said GET /x HTTP/1.1\n", output)
      assert.equal("CN=agent", seen)
      against_us(set, handle, { "curl", "-sS", "--max-time", "5", "--cacert", ca, "https://localhost:PORT/x" })
      assert.equal("client_cert_required", seen)
    end)
  end

  if has "gnutls-cli" then
    it("gnutls-cli", function()
      local output = against_us({}, function(c)
        c:write "greetings\n"
      end, { "gnutls-cli", "--x509cafile", ca, "--port", "PORT", "localhost" })
      assert.matches("greetings", output)
    end)
  end
end)

if has "gnutls-serv" then
  describe("a client of gnutls-serv", function()
    it("talks", function()
      local port = process.free_port()
      local files = identities.p256
      local server = process.start { "gnutls-serv", "--echo", "--port", tostring(port), "--x509certfile", files.cert,
        "--x509keyfile", files.key, "--disable-client-cert" }
      process.wait_for_port(port)
      local c = assert(connect("localhost", port, { trust = ca }))
      assert(c:write "hello\n")
      assert.equal("hello", c:read "l")
      c:close()
      server:stop()
    end)
  end)
end

describe("files", function()
  it("of this spec are removed", function()
    process.remove(given.directory)
  end)
end)
