local key = require "lacre.key"
local ocsp = require "lacre.ocsp"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local types = require "lacre.ocsp.types"

describe("ocsp", function()
  local root = pki.root()
  local inter = pki.intermediate(root)
  local leaf = pki.issue(inter, { ocsp_urls = { "http://ocsp.example/" } })
  local other = pki.issue(inter)
  local responder = pki.issue(inter, { profile = "ocsp", hosts = {}, subject = "CN=Responder" })
  local now = os.time()
  after_each(pki.clean)

  local function answer(options)
    local set = { cert = leaf.cert, issuer = inter.cert, key = inter.key }
    for name, value in pairs(options or {}) do
      set[name] = value
    end
    if set.cert == "none" then
      set.cert = nil
    end
    return ocsp.respond(set)
  end

  local function verify(der, options)
    local set = { cert = leaf.cert, issuer = inter.cert }
    for name, value in pairs(options or {}) do
      set[name] = value
    end
    return assert(ocsp.parse(der)):verify(set)
  end

  it("is asked for one certificate", function()
    local request = ocsp.request { cert = leaf.cert, issuer = inter.cert }
    assert.equal("http://ocsp.example/", request.url)
    local read = assert(ocsp.parse_request(request.der))
    assert.equal(leaf.cert:serial(), read.certs[1].serial)
    assert.is_true(types.is_of(read.certs[1].id, inter.cert))
    assert.is_false(types.is_of(read.certs[1].id, root.cert))
    assert.equal(request.nonce, read.nonce)
    local bare = assert(ocsp.parse_request(ocsp.request({ cert = leaf.cert, issuer = inter.cert, nonce = false,
      hash = "sha256" }).der))
    assert.is_nil(bare.nonce)
    assert.is_true(types.is_of(bare.certs[1].id, inter.cert))
  end)

  it("answers good", function()
    local request = ocsp.request { cert = leaf.cert, issuer = inter.cert }
    local der = assert(answer { request = request.der, cert = "none" })
    assert.is_true(verify(der, { nonce = request.nonce }))
    local response = ocsp.parse(der)
    assert.equal("good", response:status())
    assert.equal("good", response:status(leaf.cert))
    assert.is_nil(response:status(other.cert))
    assert.equal(7 * 86400, response:next_update() - response:this_update())
    assert.same({ leaf.cert:serial() }, response:serials())
    assert.equal(inter.key:key_id(), response:responder().key_id)
    assert.equal("ocsp", response:to_table().kind)
    assert.equal("lacre.ocsp_response: good", tostring(response))
  end)

  it("answers by a delegated responder", function()
    local der = assert(answer { signer = responder.cert, key = responder.key })
    assert.is_true(verify(der))
    assert.equal(responder.cert, ocsp.parse(der):certs()[1])
  end)

  it("tells a revocation, its time and reason", function()
    local der = assert(answer { status = { time = now - 100, reason = "key_compromise" } })
    local good, err = verify(der)
    assert.is_nil(good)
    assert.equal("cert_revoked", err.code)
    assert.same({ revoked_at = now - 100, crl_reason = "key_compromise" }, err.detail)
    local response = ocsp.parse(der)
    assert.equal("revoked", response:status())
    assert.equal(now - 100, response:revoked_at())
    assert.equal("key_compromise", response:reason())
  end)

  it("asks a function for each serial number", function()
    local request = ocsp.request { cert = leaf.cert, issuer = inter.cert }
    local asked
    local der = assert(answer { request = request.der, status = function(serial)
      asked = serial
      return "good"
    end })
    assert.equal(leaf.cert:serial(), asked)
    assert.is_true(verify(der))
    local none, err = verify(assert(answer { request = request.der, status = function() end }))
    assert.is_nil(none)
    assert.equal("ocsp_unknown", err.code)
  end)

  it("knows nothing of another issuer's certificates", function()
    local request = ocsp.request { cert = inter.cert, issuer = root.cert }
    assert.equal("unknown", ocsp.parse(assert(answer { request = request.der, cert = "none" })):status())
  end)

  it("refuses to answer", function()
    for _, why in ipairs { "malformed_request", "internal_error", "try_later", "sig_required", "unauthorized" } do
      local response = assert(ocsp.parse(ocsp.refuse(why)))
      assert.equal(why, response:refusal())
      assert.is_nil(response:status())
      local good, err = verify(response:to_der())
      assert.is_nil(good)
      assert.equal("ocsp_invalid", err.code)
    end
    assert.has_error(function() ocsp.refuse "because" end)
  end)

  local stranger = pki.root { subject = "CN=Stranger" }
  local rogue = pki.issue(inter) -- a server certificate of the same issuer
  local far = pki.issue(root, { profile = "ocsp", hosts = {}, subject = "CN=Far" })
  local old = pki.issue(inter, { profile = "ocsp", hosts = {}, subject = "CN=Old", not_before = now - 86400 * 9,
    not_after = now - 86400 })

  -- answers that ocsp.respond would not sign: `signer` stands in where the rules are not looked at
  local function forged(signer)
    return assert(ocsp.respond {
      cert = leaf.cert, issuer = signer.cert, key = signer.key,
      request = { certs = { { serial = leaf.cert:serial(), id = types.id_of(leaf.cert:serial(), inter.cert, "sha1") } } },
    })
  end

  for name, case in pairs {
    ["about another certificate"] = { function() return answer { cert = other.cert } end, "ocsp_invalid" },
    ["by another CA"] = { function() return forged(stranger) end, "ocsp_invalid" },
    ["by the root, which is not the issuer"] = { function() return forged(root) end, "ocsp_invalid" },
    ["by a server of the same issuer"] = { function() return forged(rogue) end, "ocsp_invalid" },
    ["by a responder of another issuer"] = { function() return forged(far) end, "ocsp_invalid" },
    ["of an unknown certificate"] = { function() return answer { status = "unknown" } end, "ocsp_unknown" },
    ["of the future"] = { function() return answer { this_update = now + 3600 } end, "ocsp_invalid" },
    ["that ended"] = { function() return answer { this_update = now - 7200, next_update = 3600 } end, "ocsp_expired" },
    ["too old, without an end"] = {
      function() return answer { this_update = now - 8 * 86400, next_update = false } end, "ocsp_expired",
    },
    ["with another nonce"] = { function() return answer() end, "ocsp_invalid", { nonce = "\4\1x" } },
    ["tampered with"] = { function()
      local der = answer()
      return der:sub(1, -2) .. string.char((der:byte(-1) + 1) % 256)
    end, "ocsp_invalid" },
  } do
    it("does not believe an answer " .. name, function()
      local good, err = verify(assert(case[1]()), case[3])
      assert.is_nil(good)
      assert.equal(case[2], err.code)
    end)
  end

  it("does not believe a responder that expired", function()
    local set = { cert = leaf.cert, issuer = inter.cert, signer = old.cert, key = old.key }
    local good, err = verify(assert(ocsp.respond(set)))
    assert.is_nil(good)
    assert.equal("ocsp_invalid", err.code)
    assert.is_true(verify(ocsp.respond(set), { trust = { old.cert } }))
  end)

  it("believes any age on wish, and the moment it is given", function()
    local der = answer { this_update = now - 8 * 86400, next_update = false }
    assert.is_true(verify(der, { max_age = false }))
    assert.is_true(verify(der, { time = now - 7 * 86400 }))
  end)

  for name, case in pairs {
    ["no certificate"] = { { cert = "none" }, "bad options to 'ocsp.respond' (one of 'request' and 'cert' is required)" },
    ["an unknown status"] = { { status = "fine" },
      "bad option 'status' to 'ocsp.respond' (\"good\", \"revoked\" or \"unknown\" expected, got 'fine')" },
    ["an unknown reason"] = { { status = { reason = "x" } }, "bad option 'status' to 'ocsp.respond' (unknown reason 'x')" },
    ["a public key"] = { { key = inter.key:public() },
      "bad option 'key' to 'ocsp.respond' (a private key is needed to sign)" },
  } do
    it("raises for " .. name, function()
      local ok, message = pcall(answer, case[1])
      assert.is_false(ok)
      assert.equal(case[2], (message:gsub("^[^:]+:%d+: ", "")))
    end)
  end

  it("is signed by nobody who may not", function()
    local _, err = answer { key = key.generate() }
    assert.equal("key_mismatch", err.code)
    _, err = answer { signer = rogue.cert, key = rogue.key }
    assert.equal("issuer_not_ca", err.code)
  end)

  it("reads no garbage", function()
    local der = answer()
    for _, bytes in ipairs { "", "x", "0\0", der .. "x", der:sub(1, -2), der:sub(5) } do
      local response, err = ocsp.parse(bytes)
      assert.is_nil(response)
      assert.equal("bad_der", err.code)
      response, err = ocsp.parse_request(bytes)
      assert.is_nil(response)
      assert.equal("bad_der", err.code)
    end
  end)

  it("is understood by openssl, and understands it", function()
    if process.run({ "openssl", "version" }):find "^OpenSSL 3" == nil then
      return pending "no openssl 3 here"
    end
    local function file(name, bytes)
      return pki.file(name, bytes)
    end
    local ca, cert = file("ca.pem", inter.cert:to_pem()), file("leaf.pem", leaf.cert:to_pem())
    local anchor = file("root.pem", root.cert:to_pem() .. inter.cert:to_pem())
    local revoked = file("r.der", answer { signer = responder.cert, key = responder.key,
      status = { time = 1767323045, reason = "superseded" } })
    local output = process.run { "openssl", "ocsp", "-respin", revoked, "-issuer", ca, "-cert", cert, "-CAfile", anchor,
      "-no_nonce" }
    assert.matches("Response verify OK", output)
    assert.matches("revoked", output)
    assert.matches("Reason: superseded", output)
    -- its request, answered by us; its answer, read by us
    local request = file("req.der", "")
    process.run { "openssl", "ocsp", "-sha256", "-issuer", ca, "-cert", cert, "-reqout", request }
    local handle = io.open(request, "rb")
    local asked = handle:read "*a"
    handle:close()
    local parsed = assert(ocsp.parse_request(asked))
    assert.is_string(parsed.nonce)
    assert.is_true(verify(answer { request = asked, cert = "none" }, { nonce = parsed.nonce }))
    local index = file("index.txt", ("V\t401231235959Z\t\t%s\tunknown\t/CN=x\n"):format(leaf.cert:serial():upper()))
    local signer = file("signer.pem", responder.pem)
    local theirs = file("theirs.der", "")
    output = process.run { "openssl", "ocsp", "-index", index, "-CA", ca, "-rsigner", signer, "-rkey",
      file("signer.key", responder.key_pem), "-reqin", request, "-respout", theirs, "-ndays", "1" }
    handle = io.open(theirs, "rb")
    local bytes = handle:read "*a"
    handle:close()
    assert.is_true(#bytes > 0, output)
    assert.is_true(verify(bytes, { nonce = parsed.nonce }))
  end)
end)
