-- Other implementations, both ways: versions, kinds of keys, names, protocols, client certificates, resumption.
-- A peer that is not installed is pending.
local context = require "lacre.context"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local made = require "spec.support.interop_files"()
local directory, path, identities, ca, clients_ca = made.directory, made.path, made.identities, made.ca, made.clients_ca
local agent_cert, agent_key = made.agent_cert, made.agent_key
local stranger = pki.client(pki.root { subject = "CN=Clients" }, { subject = "CN=stranger" })
local has = process.has

local gnutls_versions = { ["1.2"] = "NORMAL:-VERS-ALL:+VERS-TLS1.2", ["1.3"] = "NORMAL:-VERS-ALL:+VERS-TLS1.3" }

local nginx_config = [[
daemon off; master_process off; pid %s/nginx.pid; error_log stderr crit; worker_processes 1;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;
  uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;
  server {
    listen 127.0.0.1:%d ssl; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv%s; %s
    location / { return 200 "$ssl_protocol - $ssl_server_name $ssl_session_reused [$ssl_client_s_dn]\n"; }
  }
}
]]

-- how each peer is started as a server; `client_ca` asks clients for certificates
local servers = {
  { "python3", function(port, files, version, client_ca)
    return { "python3", "spec/support/peers/peer.py", "server", port, files.cert, files.key, version, client_ca }
  end },
  { "node", function(port, files, version, client_ca)
    return { "node", "spec/support/peers/peer.js", "server", port, files.cert, files.key, version, client_ca }
  end },
  { "gnutls-serv", function(port, files, version, client_ca)
    local words = { "gnutls-serv", "--quiet", "--echo", "--port", port, "--x509certfile", files.cert, "--x509keyfile",
      files.key, "--alpn", "echo", "--priority", gnutls_versions[version] }
    for _, word in ipairs(client_ca and { "--require-client-cert", "--verify-client-cert", "--x509cafile", client_ca }
      or { "--disable-client-cert" }) do
      words[#words + 1] = word
    end
    return words
  end, echoes = true },
  { "nginx", function(port, files, version, client_ca)
    local d = directory
    local verify = client_ca and ("ssl_verify_client on; ssl_client_certificate %s;"):format(client_ca) or ""
    local config = path("nginx.conf", nginx_config:format(d, d, d, d, d, d, port, files.cert, files.key, version, verify))
    return { "nginx", "-c", config, "-p", d }
  end, is_http = true },
}

local function with_server(row, files, version, client_ca, run)
  local port = process.free_port()
  local server = process.start(row[2](port, files, version, client_ca))
  local ok, why = pcall(function()
    process.wait_for_port(port)
    run(port)
  end)
  local said = server:output()
  server:stop()
  if not ok then
    error(tostring(why) .. "\n" .. said, 0)
  end
end

-- what the peer said about the connection
local function ask(row, c)
  if row.is_http then
    assert(c:write "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return (c:read "a" or ""):match "\r\n\r\n(.*)\n$"
  end
  c:write "hello\n"
  return c:read "l"
end

local function expected(row, version, resumed, subject)
  if row.echoes then
    return "^hello$"
  elseif row.is_http then
    return ("^TLSv%s %%- localhost %s %%[%s%%]$"):format(version, resumed and "r" or "%.", subject and "CN=" .. subject or "")
  end
  local name = resumed and version == "1.2" and "%a+" or "localhost" -- Node forgets it there
  return ("^olleh TLSv%s echo %s %s %%[%s%%]$"):format(version, name, resumed and "[Tt]rue" or "[Ff]alse", subject or "")
end

describe("a client of", function()
  for _, row in ipairs(servers) do
    for _, version in ipairs { "1.3", "1.2" } do
      for kind, files in pairs(identities) do
        it(("%s over TLS %s, %s: name, protocol, resumption"):format(row[1], version, kind), function()
          if not has(row[1]) then
            return pending("needs " .. row[1])
          end
          with_server(row, files, version, nil, function(port)
            local ctx = assert(context.client { trust = ca, alpn = not row.is_http and { "echo" } or nil })
            for round = 1, 2 do
              local c, err = ctx:connect("localhost", port)
              assert(c, tostring(err))
              assert.equal(version, c:version())
              assert.equal(3, #c:verified_chain())
              assert.matches(expected(row, version, round == 2), ask(row, c))
              assert.equal(round == 2, c:info().resumed)
              if not row.is_http then
                assert.equal("echo", c:alpn())
              end
              c:close()
            end
          end)
        end)
      end

      it(("%s over TLS %s, which wants a certificate"):format(row[1], version), function()
        if not has(row[1]) then
          return pending("needs " .. row[1])
        end
        with_server(row, identities.p256, version, clients_ca, function(port)
          local alpn = not row.is_http and { "echo" } or nil
          local ctx = assert(context.client { trust = ca, alpn = alpn, cert = agent_cert, key = agent_key })
          local c = assert(ctx:connect("localhost", port))
          assert.matches(expected(row, version, false, "agent"), ask(row, c))
          c:close()
          if row.is_http then
            return -- nginx answers 400 instead
          end
          for _, given in ipairs { { cert = stranger.cert, key = stranger.key }, {} } do
            given.trust, made.alpn = ca, alpn
            local refused, err = assert(context.client(given)):connect("localhost", port)
            if refused then
              local _
              refused:write "hello\n"
              _, err = refused:read "l"
              refused:close()
            end
            assert.is_true(err ~= nil)
            assert.is_true(err:is "protocol" or err:is "closed" or err:is "network", tostring(err))
          end
        end)
      end)
    end
  end
end)

-- our server: what it knows of the connection goes back in a line
local function answer(conn)
  if not conn:handshake() then
    return
  end
  local line = conn:read "l"
  local info, cert = conn:info(), conn:peer_cert()
  conn:write(("%s %s %s %s %s [%s]\n"):format((line or ""):reverse(), info.version, tostring(info.alpn),
    tostring(info.server_name), tostring(info.resumed), cert and tostring(cert:subject()) or ""))
end

local function against_us(set, words)
  local output
  tls.with_server(set, answer, function(port)
    local all = {}
    for i, word in ipairs(words) do
      all[i] = (word:gsub("PORT", port))
    end
    local started = process.start(all)
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

local scripts = {
  { "python3", "spec/support/peers/peer.py" },
  { "node", "spec/support/peers/peer.js" },
}

describe("a server for", function()
  for _, row in ipairs(scripts) do
    for _, version in ipairs { "1.3", "1.2" } do
      for kind, files in pairs(identities) do
        it(("%s over TLS %s, %s: name, protocol, resumption"):format(row[1], version, kind), function()
          if not has(row[1]) then
            return pending("needs " .. row[1])
          end
          local output = against_us({ identity = files.id, alpn = { "echo" } },
            { row[1], row[2], "client", "PORT", ca, version })
          local first, second = output:match "^([^\n]*)\n([^\n]*)\n$"
          local pattern = ("^olleh %s echo localhost %%s %%[%%] / TLSv%s echo localhost %%s "):format(version, version)
          assert.matches(pattern:gsub("%%s", "false", 1):gsub("%%s", "[Ff]alse"), first or output)
          assert.matches(pattern:gsub("%%s", "true", 1):gsub("%%s", "[Tt]rue"), second or output)
        end)
      end

      it(("%s over TLS %s, of which it wants a certificate"):format(row[1], version), function()
        if not has(row[1]) then
          return pending("needs " .. row[1])
        end
        local set = { alpn = { "echo" }, client_auth = "required", client_trust = made.clients.cert }
        local output = against_us(set, { row[1], row[2], "client", "PORT", ca, version, agent_cert, agent_key })
        assert.matches("^olleh " .. version .. " echo localhost false %[CN=agent%]", output)
        assert.matches("\nolleh " .. version .. " echo localhost false %[CN=agent%]", output) -- tickets are off
        output = against_us(set, { row[1], row[2], "client", "PORT", ca, version })
        assert.falsy(output:find "olleh")
      end)
    end
  end

  for _, version in ipairs { "1.3", "1.2" } do
    it("gnutls-cli over TLS " .. version .. ": name, protocol, resumption", function()
      if not has "gnutls-cli" then
        return pending "needs gnutls-cli"
      end
      local output = against_us({ alpn = { "echo" } }, { "sh", "-c", "(sleep 0.3; echo hello; sleep 0.3; echo hello; sleep 0.3) | "
        .. process.line { "gnutls-cli", "--resume", "--waitresumption", "--alpn", "echo", "--x509cafile", ca, "--priority",
          gnutls_versions[version], "--port", "PORT", "localhost" } })
      assert.matches("Status: The certificate is trusted", output)
      assert.matches("This is a resumed session", output)
      assert.matches("echo localhost true", output)
    end)

    it("openssl s_client over TLS " .. version .. ": resumption", function()
      local session = directory .. "/session"
      local words = { "-connect", "127.0.0.1:PORT", "-servername", "localhost", "-CAfile", ca, "-verify_return_error",
        "-alpn", "echo", "-tls" .. version:gsub("%.", "_") }
      local line = process.line(words)
      local output = against_us({ alpn = { "echo" } }, { "sh", "-c",
        ("(echo hello; sleep 0.3) | openssl s_client -sess_out %s %s; (echo hello; sleep 0.3) | openssl s_client -sess_in %s %s")
          :format(session, line, session, line) })
      assert.matches("olleh " .. version .. " echo localhost false", output)
      assert.matches("olleh " .. version .. " echo localhost true", output)
    end)
  end
end)

describe("a staple", function()
  local ocsp = require "lacre.ocsp"
  local id = identities.p256.id

  local function respond(status)
    return assert(ocsp.respond { cert = id.cert, issuer = tls.inter.cert, key = tls.inter.key, status = status })
  end

  for _, version in ipairs { "1.3", "1.2" } do
    it("is shown to openssl s_client and gnutls-cli over TLS " .. version, function()
      local set = { identity = id, ocsp_staple = respond "good", max_version = version }
      local output = against_us(set, { "sh", "-c", "(echo hello; sleep 0.2) | " .. process.line { "openssl", "s_client", "-status",
        "-connect", "127.0.0.1:PORT", "-servername", "localhost", "-CAfile", ca } })
      assert.matches("OCSP Response Status: successful", output)
      assert.matches("Cert Status: good", output)
      if has "gnutls-cli" then
        output = against_us(set, { "sh", "-c", "(sleep 0.2; echo hello; sleep 0.2) | " .. process.line { "gnutls-cli", "--ocsp",
          "--x509cafile", ca, "--port", "PORT", "localhost" } })
        assert.matches("OCSP status request", output)
        assert.matches("olleh", output)
      end
    end)

    it("of openssl s_server is judged over TLS " .. version, function()
      for status, code in pairs { good = false, unknown = "ocsp_unknown" } do
        local port = process.free_port()
        local server = process.start { "openssl", "s_server", "-accept", "127.0.0.1:" .. port, "-cert", identities.p256.cert,
          "-cert_chain", identities.p256.cert, "-key", identities.p256.key, "-rev", "-quiet", "-status_file",
          path(status .. ".der", respond(status)), "-tls" .. version:gsub("%.", "_") }
        process.wait_for_port(port)
        local c, err = assert(context.client { trust = ca, ocsp = "require" }):connect("localhost", port)
        server:stop()
        assert.equal(code, not c and err.code)
        if c then
          assert.same({ status = "good" }, c:info().ocsp)
          c:abort()
        end
      end
    end)
  end
end)

describe("files", function()
  it("of this spec are removed", function()
    process.remove(directory)
  end)
end)
