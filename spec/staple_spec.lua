local lacre = require "lacre"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local time = require "lacre.time"
local tls = require "spec.support.tls"

-- servers of OpenSSL 3.6 and newer read what they staple, and leave out what is not about their certificate
local sends_anything = lacre.openssl.number < 0x30600000

local directory = process.directory()

local function path(name, bytes)
  return process.write(directory .. "/" .. name, bytes)
end

local count = 0

-- an OCSP response about a certificate, made by openssl as a responder
local function respond(issuer, cert, status, signer, extra)
  count = count + 1
  local ca, signer_cert, signer_key, subject = path(count .. "ca.pem", issuer.cert:to_pem()), path(count .. "s.pem", signer.cert:to_pem()),
    path(count .. "s.key", signer.key_pem), path(count .. "c.pem", cert:to_pem())
  local line = ("%s\t%s\t%s\t%s\tunknown\t/CN=x\n"):format(status == "revoked" and "R" or "V", "391231235959Z",
    status == "revoked" and "200101000000Z" or "", cert:serial():upper())
  local index = path(count .. "index.txt", status == "unknown" and "" or line)
  local out = directory .. "/" .. count .. ".der"
  local words = { "openssl", "ocsp", "-index", index, "-CA", ca, "-rsigner", signer_cert, "-rkey", signer_key, "-issuer", ca,
    "-cert", subject, "-respout", out, "-noverify", "-ndays", "1" }
  for _, word in ipairs(extra or {}) do
    words[#words + 1] = word
  end
  local text = process.run(words)
  local handle = io.open(out, "rb")
  assert(handle, text)
  local der = handle:read "*a"
  handle:close()
  return der
end

local root = tls.root
local id = pki.issue(root)
local other = pki.root { subject = "CN=Other Root" }
local good = respond(root, id.cert, "good", root)

local function shake(client_set, server_set)
  local server = assert(tls.server(server_set):engine())
  local client = assert(tls.client(client_set):engine { server_name = "localhost" })
  local done, err, accepted, why = tls.shake(client, server)
  return done and accepted and client, err, why, server
end

for _, version in ipairs { "1.3", "1.2" } do
  describe("a staple over TLS " .. version, function()
    local cases = {
      { "good", "check", good },
      { "good", "require", good },
      { "good, of a responder's own certificate", "require",
        respond(root, id.cert, "good", pki.issue(root, { profile = "ocsp", hosts = {}, subject = "CN=responder" })) },
      { "missing", "check", nil },
      { "missing", "require", nil, "ocsp_missing" },
      { "revoked", "check", respond(root, id.cert, "revoked", root), "cert_revoked" },
      { "unknown", "check", respond(root, id.cert, "unknown", root), "ocsp_unknown" },
      { "about another certificate", "check", respond(root, pki.issue(root).cert, "good", root), "ocsp_invalid", sent = sends_anything },
      { "signed by another CA", "check", respond(root, id.cert, "good", other), "ocsp_invalid" },
      { "signed by a certificate that may not", "check", respond(root, id.cert, "good", pki.issue(root)), "ocsp_invalid" },
      { "garbage", "check", "0garbage", "ocsp_invalid", sent = sends_anything },
      { "cut short", "check", good:sub(1, -10), "ocsp_invalid", sent = sends_anything },
    }
    for _, case in ipairs(cases) do
      it(("that is %s, when the client says %s"):format(case[1], case[2]), function()
        if case.sent == false then
          return pending "servers of this OpenSSL send no staple that is not one"
        end
        local client, err, why = shake({ ocsp = case[2], max_version = version }, { identity = id, ocsp_staple = case[3] })
        if not case[4] then
          assert(client, tostring(err))
          assert.same(case[3] and { status = "good" } or nil, client:info().ocsp)
          return
        end
        assert.falsy(client)
        assert.equal(case[4], err.code)
        assert.is_true(err:is "verify")
        assert.equal("peer", why.alert_from)
        assert.equal("ocsp_invalid", why.code)
      end)
    end

    it("that is over", function()
      local later = time.now() + 3 * 86400
      local client, err = shake({ ocsp = "check", max_version = version, time = later }, { identity = id, ocsp_staple = good })
      assert.falsy(client)
      assert.equal("ocsp_expired", err.code)
    end)

    it("that the certificate demands", function()
      local must = pki.issue(root, { must_staple = true })
      local client, err = shake({ ocsp = "check", max_version = version }, { identity = must })
      assert.falsy(client)
      assert.equal("ocsp_missing", err.code)
      client, err = shake({ ocsp = "check", max_version = version },
        { identity = must, ocsp_staple = respond(root, must.cert, "good", root) })
      assert(client, tostring(err))
    end)

    it("is that of the context that a hook answers with, and never that of the one before", function()
      local inner = { identity = id, max_version = version, ocsp_staple = good }
      local outer = { identity = id, max_version = version, on_client_hello = function()
        return tls.server(inner)
      end }
      local client, err = shake({ ocsp = "require", max_version = version }, outer)
      assert(client, tostring(err))
      assert.same({ status = "good" }, client:info().ocsp)
      inner.ocsp_staple, outer.ocsp_staple = function() end, respond(root, id.cert, "revoked", root)
      client, err = shake({ ocsp = "check", max_version = version }, outer)
      assert(client, tostring(err))
      assert.is_nil(client:info().ocsp)
    end)

    it("that takes its time holds up nobody else", function()
      local asked = 0
      local server = tls.server { identity = id, max_version = version, ocsp_staple = function()
        asked = asked + 1
        loop.sleep(asked == 1 and 0.5 or 0)
        return good
      end }
      local began, second = loop.now(), nil
      tls.with_server({ context = server, port = 0 }, function(conn)
        return conn:handshake()
      end, function(port)
        local client = tls.client { ocsp = "require" }
        local first = loop.spawn(function()
          assert(client:connect("localhost", port)):close()
        end)
        loop.sleep(0.05)
        assert(client:connect("localhost", port)):close()
        second = loop.now() - began
        first:join()
      end)
      assert.is_true(second < 0.4)
    end)

    it("is left out where it is larger than may be", function()
      local client, err = shake({ ocsp = "check", max_version = version }, { identity = id, max_version = version,
        ocsp_staple = function()
          return ("0"):rep(70000)
        end })
      assert(client, tostring(err))
      assert.is_nil(client:info().ocsp)
    end)

    it("is not asked for by default, and comes from a function that is asked once", function()
      local asked = 0
      local set = { identity = id, max_version = version, ocsp_staple = function(identity)
        asked = asked + 1
        assert.equal(id.cert, identity.cert)
        return good, time.now() + 100
      end }
      local server = tls.server(set)
      for _ = 1, 3 do
        local c = assert(tls.client({ ocsp = "require", sessions = false }):engine { server_name = "localhost" })
        assert.is_true((tls.shake(c, assert(server:engine()))))
      end
      assert.equal(1, asked)
      local client = shake(nil, set)
      assert.is_nil(client:info().ocsp)
    end)
  end)
end

describe("files", function()
  it("of this spec are removed", function()
    process.remove(directory)
  end)
end)
