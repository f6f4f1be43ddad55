local cert = require "lacre.cert"
local core = require "lacre.core"
local csr = require "lacre.csr"
local der = require "lacre.der"
local key = require "lacre.key"
local pki = require "spec.support.pki"

describe("csr", function()
  local private = key.generate()
  local made = assert(csr.create { key = private, hosts = { "a.example", "*.b.example", "192.0.2.1" } })
  after_each(pki.clean)

  local function raises(case, run)
    local ok, message = pcall(run, case[1])
    assert.is_false(ok)
    assert.equal(case[2], (message:gsub("^[^:]+:%d+: ", "")))
  end

  describe("create", function()
    it("asks for names, signed by the key", function()
      assert.same({ "a.example", "*.b.example", "192.0.2.1" }, made:hosts())
      assert.equal("CN=a.example", tostring(made:subject()))
      assert.is_true(made:verify())
      assert.is_true(made:matches_key(private))
      assert.is_false(made:matches_key(key.generate()))
      assert.has_error(function()
        made:matches_key(nil)
      end, "bad argument #1 to 'matches_key' (key expected, got nil)")
      assert.equal(private:pin(), made:pin())
      assert.equal(1, made:version())
      assert.equal("ecdsa-with-SHA256", made:signature_algorithm())
      assert.is_false(made:extension("subject_alt_names").critical)
    end)

    it("asks for more on wish", function()
      local wish = assert(csr.create {
        key = private, subject = { O = "x" }, key_usage = { "digital_signature" },
        extended_key_usage = { "client_auth", "1.2.3.4" }, must_staple = true, challenge_password = "çé",
        subject_alt_names = { { type = "email", value = "a@b.example" }, { type = "rid", value = "1.2.3" } },
        extensions = { { name = "basic_constraints", critical = true, value = { ca = true } } },
      })
      assert.same({ digital_signature = true }, wish:key_usage())
      assert.same({ client_auth = true, ["1.2.3.4"] = true }, wish:extended_key_usage())
      assert.is_true(wish:must_staple())
      assert.is_true(wish:is_ca())
      assert.equal("çé", wish:challenge_password())
      assert.same({ { type = "email", value = "a@b.example" }, { type = "rid", value = "1.2.3" } },
        wish:subject_alt_names())
    end)

    it("has its attributes in the order of their encodings (X.690 section 11.6)", function()
      for _, length in ipairs { 1, 20, 40, 64, 200, 70000 } do
        local password = ("p"):rep(length)
        local wish = assert(csr.create { key = private, hosts = { "a.example" }, challenge_password = password })
        local parsed = assert(csr.parse(wish:to_pem()))
        local encoded = {}
        for i, one in ipairs(parsed:attributes()) do
          encoded[i] = der.sequence({ { "oid", der.oid }, { "values", der.set_of(der.any) } }).write(one)
        end
        assert.equal(2, #encoded)
        assert.is_true(encoded[1] < encoded[2], length)
        assert.equal(password, parsed:challenge_password())
        assert.is_true(parsed:verify())
      end
    end)

    it("asks for nothing but a key", function()
      local bare = assert(csr.create { key = private, subject = "" })
      assert.same({}, bare:subject_alt_names())
      assert.is_true(bare:verify())
      assert.equal(bare, csr.parse(bare:to_der()))
    end)

    for _, kind in ipairs { "p384", "p521", "rsa:2048", "ed25519", "ed448" } do
      it("signs with " .. kind, function()
        assert.is_true(assert(csr.create { key = key.generate(kind), hosts = { "a" } }):verify())
      end)
    end

    for name, case in pairs {
      ["no key"] = { {}, "missing option 'key' to 'csr.create'" },
      ["a public key"] = { { key = private:public() },
        "bad option 'key' to 'csr.create' (a private key is needed to sign)" },
      ["an unknown usage"] = { { key = private, key_usage = { "key_encipherement" } },
        "bad option 'key_usage' (unknown name 'key_encipherement'; did you mean 'key_encipherment'?)" },
      ["hosts that are no text"] = { { key = private, hosts = { 1 } },
        "bad option 'hosts' (list of strings expected, got number)" },
      ["an unknown extension"] = { { key = private, extensions = { { oid = "x.y", der = "" } } },
        "bad option 'extensions' (unknown extension 'x.y')" },
    } do
      it("raises for " .. name, function() raises(case, csr.create) end)
    end

    it("refuses a name that is none", function()
      for _, host in ipairs { "not a name", "a@", "@b", "a@1.2.3.4", "x..y", "-a.example", "a@*.example" } do
        local none, err = csr.create { key = private, hosts = { host } }
        assert.is_nil(none)
        assert.equal("bad_name", err.code, host)
      end
    end)
  end)

  describe("parse", function()
    for name, case in pairs {
      ["empty bytes"] = { "", "no_csr" },
      ["text"] = { "hello", "no_csr" },
      ["a certificate"] = { pki.self_signed().pem, "no_csr" },
      ["a certificate's DER"] = { pki.self_signed().cert:to_der(), "bad_der" },
      ["a block without an end"] = { made:to_pem():sub(1, 80), "bad_pem" },
      ["truncated DER"] = { made:to_der():sub(1, -2), "bad_der" },
      ["bytes behind DER"] = { made:to_der() .. "x", "trailing_data" },
      ["a sequence of nothing"] = { "0\0", "bad_der" },
    } do
      it("refuses " .. name, function()
        local parsed, err = csr.parse(case[1])
        assert.is_nil(parsed)
        assert.equal(case[2], err.code)
      end)
    end

    it("reads both labels, and a file", function()
      assert.equal(made, csr.parse((made:to_pem():gsub("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))))
      local path = pki.file("a.csr", made:to_pem())
      assert.equal(made, csr.load(path))
      local _, err = csr.load(path .. "x")
      assert.equal("file_not_found", err.code)
      assert.has_error(function() csr.parse(42) end, "bad argument #1 to 'csr.parse' (string expected, got number)")
    end)

    it("tells a signature that is not the key's", function()
      local bytes = made:to_der()
      local forged = assert(csr.parse(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256)))
      assert.is_false(forged:verify())
    end)
  end)

  describe("signed by a CA", function()
    local root = pki.root()

    local function issue(options)
      options.issuer, options.issuer_key = root.cert, root.key
      return cert.create(options)
    end

    it("gives what was named, and nothing else", function()
      local wish = assert(csr.create {
        key = private, hosts = { "a.example" }, subject = "CN=a.example,O=Asked",
        key_usage = { "key_cert_sign" }, extensions = { { name = "basic_constraints", critical = true, value = { ca = true } } },
      })
      local issued = assert(issue { csr = wish, copy = { "subject", "hosts" } })
      assert.equal("CN=a.example,O=Asked", tostring(issued:subject()))
      assert.same({ "a.example" }, issued:hosts())
      assert.is_false(issued:is_ca())
      assert.same({ digital_signature = true }, issued:key_usage())
      assert.is_true(issued:matches_key(private))
      local other = assert(issue { csr = wish, hosts = { "b.example" } })
      assert.equal("CN=b.example", tostring(other:subject()))
      assert.same({ "b.example" }, other:hosts())
    end)

    it("is refused without proof of the key, and without names", function()
      local bytes = made:to_der()
      local forged = assert(csr.parse(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256)))
      local none, err = issue { csr = forged, copy = { "hosts" } }
      assert.is_nil(none)
      assert.equal("csr_signature_invalid", err.code)
      none, err = issue { csr = csr.create { key = private, subject = "CN=x" }, copy = { "hosts" } }
      assert.is_nil(none)
      assert.equal("bad_name", err.code)
    end)

    it("refuses names that are none", function()
      for _, bad in ipairs { "a.example\0.evil", "UPPER case", "192.0.2.1", "" } do
        local wish = assert(csr.create { key = private, extensions = {
          { name = "subject_alt_names", value = { { type = "dns", value = bad } } },
        } })
        assert.same({ bad }, wish:hosts())
        local none, err = issue { csr = wish, copy = { "hosts" } }
        assert.is_nil(none)
        assert.equal("bad_name", err.code, bad)
      end
    end)

    it("copies neither directory names nor other ones", function()
      local wish = assert(csr.create { key = private, subject_alt_names = {
        { type = "dns", value = "a.example" }, { type = "rid", value = "1.2.3" },
        { type = "other", oid = "1.3.6.1.4.1.311.20.2.3", value = "admin@corp.example" },
      } })
      local issued = assert(issue { csr = wish, copy = { "hosts" } })
      assert.same({ { type = "dns", value = "a.example" } }, issued:subject_alt_names())
    end)

    for name, case in pairs {
      ["a key beside the request"] = { { csr = made, key = private },
        "bad options to 'cert.create' (one of 'key' and 'csr' is required)" },
      ["copying everything"] = { { csr = made, copy = { "extensions" } },
        "bad option 'copy' to 'cert.create' (only \"subject\" and \"hosts\" are copied, not 'extensions')" },
      ["a request that is none"] = { { csr = {} }, "bad option 'csr' to 'cert.create' (request expected, got table)" },
    } do
      it("raises for " .. name, function() raises(case, issue) end)
    end
  end)

  it("is at its end where signing fails: what was begun is signed by nothing else", function()
    local draft = core.builder.request(made:subject():der(), private:spki())
    assert.is_nil((draft:sign(private, "", "no such hash")))
    assert.has_error(function()
      draft:sign(private, "", "sha256")
    end, "attempt to use a closed lacre.builder")
  end)

  it("says which attributes it has", function()
    local odd = assert(csr.create { key = private, challenge_password = "x" })
    assert.same({ { oid = "1.2.840.113549.1.9.7", values = { der.utf8.write "x" } } }, odd:attributes())
    assert.equal("lacre.csr: CN=a.example", tostring(made))
  end)
end)
