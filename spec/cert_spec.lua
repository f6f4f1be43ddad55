local cert = require "lacre.cert"
local key = require "lacre.key"
local time = require "lacre.time"
local pki = require "spec.support.pki"

describe("cert", function()
  after_each(pki.clean)

  describe("parse", function()
    local leaf = pki.self_signed().cert

    for name, case in pairs {
      ["empty bytes"] = { "", "no_certificate" },
      ["text without a block"] = { "hello\n", "no_certificate" },
      ["a block of another kind"] = { pki.self_signed().key_pem, "no_certificate" },
      ["a block without an end"] = { leaf:to_pem():sub(1, 100), "bad_pem" },
      ["a block that is no base64"] = { (leaf:to_pem():gsub("MII", "!!!", 1)), "bad_pem" },
      ["truncated DER"] = { leaf:to_der():sub(1, 100), "bad_der" },
      ["a sequence of nothing"] = { "0\0", "bad_der" },
      ["bytes behind DER"] = { leaf:to_der() .. "x", "trailing_data" },
    } do
      it("refuses " .. name, function()
        local parsed, err = cert.parse(case[1])
        assert.is_nil(parsed)
        assert.equal(case[2], err.code)
        assert.equal("parse", err.stage)
      end)
    end

    it("raises for what is no text", function()
      assert.has_error(function() cert.parse(42) end, "bad argument #1 to 'cert.parse' (string expected, got number)")
    end)

    it("reads PEM and DER alike, and text around PEM is skipped", function()
      assert.equal(leaf, cert.parse(leaf:to_der()))
      assert.equal(leaf, cert.parse("subject=x\r\n" .. leaf:to_pem():gsub("\n", "\r\n") .. "tail"))
    end)

    it("reads every certificate of a bundle", function()
      local root = pki.root()
      local list = cert.parse_all(leaf:to_pem() .. "# next\n" .. pki.self_signed().key_pem .. root.cert:to_pem())
      assert.equal(2, #list)
      assert.equal(root.cert, list[2])
    end)
  end)

  describe("create", function()
    local private = key.generate()
    local root = pki.root()
    local leaf = pki.issue(root)

    for text, said in pairs {
      ["dns:bad.test"] = "neither a domain", ["10.0.0.0/33"] = "prefix length from 0 to 32", ["10.0.0.1/8"] = "after the first 8",
      ["2001:db8::/129"] = "prefix length from 0 to 128", ["10.0.0.0/255.0.0.0"] = "not an IP range", ["010.0.0.0/8"] = "not an IP range",
      ["*.a.test"] = "'a.test' includes all below it", ["a b"] = "neither a domain", ["a@b@c"] = "neither", [""] = "is empty",
      ["http://a.test"] = "is a URI", ["u@.a.test"] = "neither a mailbox", ["O=x,"] = "is not a directory name", ["1.2.3"] = "neither",
    } do
      it(("refuses %q as a name constraint"):format(text), function()
        for _, which in ipairs { "permitted", "excluded" } do
          local made, err = cert.create { key = private, profile = "ca", subject = "CN=x", name_constraints = { [which] = { text } } }
          assert.is_nil(made)
          assert.equal("bad_name", err.code)
          assert.is_truthy(err.message:find("'" .. text .. "'", 1, true))
          assert.is_truthy(err.message:find(said, 1, true), err.message)
        end
      end)
    end

    it("limits CAs to domains, ranges, mail domains, hosts of URIs and directories", function()
      local made = assert(cert.create { key = private, profile = "ca", subject = "CN=x", name_constraints = {
        permitted = { "A.test", ".b.test", "10.0.0.0/8", "::1", "@c.test", "u@c.test", "O=d", { type = "uri", value = ".e.test" } },
        excluded = { { type = "dns", value = "" }, { type = "ip", value = "0.0.0.0/0" } },
      } })
      local told = {}
      for _, list in ipairs { made:name_constraints().permitted, made:name_constraints().excluded } do
        for _, one in ipairs(list) do
          told[#told + 1] = one.base.type .. " " .. tostring(one.base.value)
        end
      end
      assert.same({ "dns a.test", "dns .b.test", "ip 10.0.0.0/8", "ip ::1/128", "email c.test", "email u@c.test", "dir O=d",
        "uri .e.test", "dns ", "ip 0.0.0.0/0" }, told)
    end)

    for name, case in pairs {
      ["a path of less than nothing"] = { { profile = "ca", subject = "CN=x", path_length = -1 }, "'path_length' %(0 or more" },
      ["any path"] = { { profile = "ca", subject = "CN=x", path_length = true }, "'path_length' %(0 or more" },
      ["a path below a leaf"] = { { hosts = { "a" }, path_length = 1 }, "a server certificate signs no others" },
      ["lists that are nowhere"] = { { hosts = { "a" }, crl_urls = { "not a url" } }, "'crl_urls' %('not a url' is not a URI" },
      ["no responder"] = { { hosts = { "a" }, ocsp_urls = { "" } }, "'ocsp_urls' %('' is not a URI" },
      ["an issuer in other letters"] = { { hosts = { "a" }, issuer_urls = { "http://\195\188" } }, "'issuer_urls'" },
      ["a policy that is a word"] = { { hosts = { "a" }, policies = { "foo" } }, "'policies' %('foo' is not an object identifier" },
      ["a policy twice"] = { { hosts = { "a" }, policies = { "1.2.3", "1.2.3" } }, "'policies' %(1.2.3 is given twice" },
    } do
      it("raises for " .. name, function()
        case[1].key = private
        local ok, why = pcall(cert.create, case[1])
        assert.is_false(ok)
        assert.matches("^spec/cert_spec.lua:%d+: bad option .*" .. case[2], why)
      end)
    end

    it("asks for names that somebody could ask for", function()
      for text, value in pairs {
        ["B\195\156CHER.test"] = "xn--bcher-kva.test", ["\239\188\161\239\188\162.test"] = "ab.test", -- full width
        ["a\227\128\130b"] = "a.b", ["a\239\188\142b"] = "a.b", ["\226\157\164\239\184\143.test"] = "xn--qei.test",
        ["a\226\128\139b.test"] = "ab.test", ["a\194\173b.test"] = "ab.test", ["\206\134.test"] = "xn--hxa.test",
      } do
        assert.same({ value }, assert(cert.create { key = private, hosts = { text } }):hosts())
      end
      for _, text in ipairs {
        "bu\204\136cher.test", "\239\172\128.test", "\226\128\174a.test", "xn--\195\188.test", "\196\176.test", "\194\189.test",
        "\225\132\146\225\133\161.test", "\240\157\148\184.test", "a\239\191\189.test",
        "\224\129\129.test", "\240\128\129\129.test", "\244\159\191\191.test", -- ill-formed: a longer form of "a", past the last
      } do
        local none, err = cert.create { key = private, hosts = { text } }
        assert.is_nil(none, text)
        assert.equal("bad_name", err.code)
        assert.matches("composed", err.hint)
      end
      for _, text in ipairs { "a@b@c.test", "a b@c.test", "http://", "http://?x", "x://\0", "x://a b", "x://\195\188.test" } do
        local none, err = cert.create { key = private, profile = "email", hosts = { text } }
        assert.is_nil(none, text)
        assert.equal("bad_name", err.code)
      end
      for _, subject in ipairs { "emailAddress=\195\188@a.test", "DC=\195\188" } do
        local none, err = cert.create { key = private, hosts = { "a.test" }, subject = subject }
        assert.is_nil(none, subject)
        assert.matches("is not ASCII", err.message)
      end
    end)

    it("has no extension twice", function()
      local twice = { { oid = "2.5.29.15", der = "\3\2\7\128" }, { name = "key_usage", value = { digital_signature = true } } }
      assert.has_error(function()
        cert.create { key = private, hosts = { "a" }, extensions = twice }
      end, "bad option 'extensions' (key_usage is given twice, RFC 5280 section 4.2)")
      assert.is_truthy(cert.create { key = private, hosts = { "a" }, extensions = { twice[1] } })
    end)

    it("writes every date as it was asked, the century where two digits would not tell it", function()
      local days = { "0001-01-01", "1900-03-01", "1949-12-31", "1950-01-01", "1970-01-01", "1999-12-31", "2000-02-29",
        "2049-12-31", "2050-01-01", "2100-02-28", "9999-12-31" }
      for _, day in ipairs(days) do
        local instant = time.parse(day .. "T23:59:58Z")
        local made = assert(cert.create { key = private, hosts = { "a" }, not_before = instant, not_after = instant + 1 })
        assert.equal(instant, made:not_before())
        assert.equal(instant + 1, made:not_after())
        local digits = day:gsub("-", "") .. "235958Z"
        local is_short = day >= "1950" and day < "2050"
        assert.truthy(made:to_der():find(is_short and "\23\13" .. digits:sub(3) or "\24\15" .. digits, 1, true), day)
      end
    end)

    for name, case in pairs {
      ["an unknown option"] = { { key = private, hots = {} }, "bad option 'hots' to 'cert.create' (unknown; did you mean 'hosts'?)" },
      ["two ends"] = { { key = private, hosts = { "a" }, valid_for = "1d", not_after = "2030-01-01" },
        "bad option 'valid_for' to 'cert.create' (valid_for and not_after cannot be combined)" },
      ["a purpose that is no identifier"] = { { key = private, hosts = { "a" }, extended_key_usage = { "3.1.1" } },
        "bad option 'extended_key_usage' (unknown name '3.1.1')" },
      ["no key"] = { { hosts = { "a" } }, "bad options to 'cert.create' (one of 'key' and 'csr' is required)" },
      ["a server without names"] = { { key = private }, "bad options to 'cert.create' (a server certificate needs 'hosts')" },
      ["a public key alone"] = { { key = private:public(), hosts = { "a" } }, "bad options to 'cert.create' (a private key is needed to sign)" },
      ["an issuer without its key"] = { { key = private, hosts = { "a" }, issuer = root.cert }, "bad options to 'cert.create' ('issuer' and 'issuer_key' go together)" },
      ["a serial number of 0"] = { { key = private, hosts = { "a" }, serial = 0 }, "bad option 'serial' to 'cert.create' (positive, at most 20 octets, in hexadecimal)" },
      ["a serial number of 21 octets"] = { { key = private, hosts = { "a" }, serial = ("11"):rep(21) }, "bad option 'serial' to 'cert.create' (positive, at most 20 octets, in hexadecimal)" },
      ["a beginning before all years"] = { { key = private, hosts = { "a" }, not_before = -1e12 },
        "bad option 'not_before' to 'cert.create' (before the year 0)" },
      ["an end before its beginning"] = { { key = private, hosts = { "a" }, not_after = 0 }, "bad options to 'cert.create' (it would expire before it becomes valid)" },
    } do
      it("raises for " .. name, function()
        local ok, message = pcall(function() cert.create(case[1]) end)
        assert.is_false(ok)
        assert.equal(case[2], (message:gsub("^[^:]+:%d+: ", "")))
      end)
    end

    for name, case in pairs {
      ["an issuer that is no CA"] = { { issuer = leaf.cert, issuer_key = leaf.key }, "issuer_not_ca" },
      ["the key of another issuer"] = { { issuer = root.cert, issuer_key = leaf.key }, "key_mismatch" },
      ["a validity beyond its issuer's"] = { { issuer = root.cert, issuer_key = root.key, valid_for = "20y" }, "validity_exceeds_issuer" },
      ["a name that is none"] = { { hosts = { "not a name" } }, "bad_name" },
      ["a wildcard inside a name"] = { { hosts = { "a.*.example" } }, "bad_name" },
      ["an address that is none"] = { { hosts = { "1.2.3" } }, "bad_name" },
    } do
      it("refuses " .. name, function()
        local options = { key = private, hosts = { "a.example" } }
        for k, v in pairs(case[1]) do options[k] = v end
        local made, err = cert.create(options)
        assert.is_nil(made)
        assert.equal(case[2], err.code)
        assert.equal("sign", case[2] == "bad_name" and "sign" or err.stage)
      end)
    end

    it("refuses a CA below a CA that allows none", function()
      local inter = pki.intermediate(root)
      local made, err = cert.create { key = private, profile = "intermediate", subject = "CN=x", issuer = inter.cert, issuer_key = inter.key }
      assert.is_nil(made)
      assert.equal("issuer_path_length", err.code)
    end)

    it("shortens the validity on wish", function()
      local made = assert(cert.create { key = private, hosts = { "a" }, issuer = root.cert, issuer_key = root.key, valid_for = "20y", clamp = true })
      assert.equal(root.cert:not_after(), made:not_after())
    end)

    it("makes what a strict verifier wants", function()
      local c = leaf.cert
      assert.equal(3, c:version())
      assert.equal(32, #c:serial())
      assert.same({ ca = false }, c:basic_constraints())
      assert.same({ digital_signature = true }, c:key_usage())
      assert.same({ server_auth = true }, c:extended_key_usage())
      assert.equal(leaf.key:key_id(), c:subject_key_id())
      assert.equal(root.key:key_id(), c:authority_key_id())
      assert.same({ "localhost", "127.0.0.1", "::1" }, c:hosts())
      assert.is_true(c:extension("key_usage").critical)
      assert.is_true(c:extension("2.5.29.19").critical)
      assert.is_false(c:extension("subject_alt_names").critical)
    end)

    it("marks the names critical where the subject is empty", function()
      local made = assert(cert.create { key = private, hosts = { "a.example" }, subject = "" })
      assert.is_true(made:extension("subject_alt_names").critical)
      assert.is_true(made:subject():is_empty())
    end)

    it("drops and adds extensions", function()
      local made = assert(cert.create {
        key = private, hosts = { "a.example" },
        extensions = { subject_key_id = false, { oid = "1.2.3.4", der = "\5\0", critical = true } },
      })
      assert.is_nil(made:subject_key_id())
      local added = made:extension("1.2.3.4")
      assert.equal("\5\0", added.der)
      assert.is_true(added.critical)
      assert.is_nil(added.value)
    end)

    for _, kind in ipairs { "p256", "p384", "p521", "rsa:2048", "ed25519", "ed448" } do
      it("signs with " .. kind, function()
        local made = assert(cert.create { key = key.generate(kind), hosts = { "a.example" } })
        assert.is_true(made:is_self_signed())
        assert.equal(kind == "rsa:2048", made:key_usage().key_encipherment == true)
      end)
    end
  end)

  describe("matches_host", function()
    local c = pki.self_signed { hosts = { "a.example", "*.b.example", "192.0.2.1", "2001:db8::1", "bücher.example" } }.cert

    for host, expected in pairs {
      ["a.example"] = true, ["A.Example."] = true, ["x.b.example"] = true, ["192.0.2.1"] = true,
      ["[2001:DB8:0::1]"] = true, ["xn--bcher-kva.example"] = true, ["BÜCHER.example"] = true,
      ["b.example"] = false, ["x.y.b.example"] = false, ["192.0.2.2"] = false, ["aa.example"] = false,
      [".b.example"] = false, [""] = false, ["*.b.example"] = false, ["a.example\0.evil"] = false,
    } do
      it((expected and "accepts " or "refuses ") .. ("%q"):format(host), function()
        local good, presented = c:matches_host(host)
        assert.equal(expected, good)
        if not good then assert.equal("presented: a.example, *.b.example, 192.0.2.1, 2001:db8::1, xn--bcher-kva.example", presented) end
      end)
    end

    it("never looks at the common name", function()
      local made = pki.self_signed { hosts = { "a.example" }, subject = "CN=b.example" }.cert
      assert.is_false(made:matches_host("b.example"))
    end)
  end)

  it("says the same of itself as it was made, and as others parse it", function()
    local private, far = key.generate(), time.parse "2051-02-03T04:05:06Z"
    for _, given in ipairs {
      { hosts = { "a.example", "127.0.0.1", "x@a.example" }, must_staple = true },
      { hosts = { "a.example" }, not_after = far },
      { hosts = { "a.example" }, not_before = far, not_after = far + 1, subject = {} },
      { profile = "ca", subject = "CN=x" },
      { profile = "client", extensions = { { oid = "1.2.3", der = "\5\0", critical = true } } },
    } do
      given.key = private
      local made = assert(cert.create(given))
      local names, first, last = made:subject_alt_names(), made:not_before(), made:not_after()
      local one, all = made:raw_extension "\85\29\19", made:raw_extensions()
      local parsed = assert(cert.parse(made:to_der()))
      assert.same({ parsed:subject_alt_names(), parsed:not_before(), parsed:not_after() }, { names, first, last })
      assert.same({ parsed:raw_extension "\85\29\19", parsed:raw_extensions() }, { one, all })
      assert.equal(parsed:serial(), made:serial())
      assert.same(all, made:raw_extensions())
    end
  end)

  it("keeps its pin, which is that of its key", function()
    local leaf = pki.self_signed()
    assert.equal(leaf.key:pin(), leaf.cert:pin())
    assert.equal(leaf.cert:pin(), leaf.cert:pin())
  end)

  it("tells digests in the forms people read", function()
    local c = pki.self_signed().cert
    assert.equal(64, #c:fingerprint())
    assert.equal(95, #c:fingerprint("sha256", "colon"))
    assert.equal(20, #c:fingerprint("sha1", "raw"))
    local none, err = c:fingerprint("md0")
    assert.is_nil(none)
    assert.equal("unsupported", err.code)
  end)

  it("survives methods called on what is no certificate", function()
    for name, method in pairs(debug.getmetatable(pki.self_signed().cert).__index) do
      for _, wrong in ipairs { false, 42, "x", {}, io.stdout } do
        assert.is_false(pcall(method, wrong), name)
      end
    end
  end)
end)
