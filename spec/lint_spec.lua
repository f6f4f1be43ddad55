local cert = require "lacre.cert"
local csr = require "lacre.csr"
local der = require "lacre.der"
local key = require "lacre.key"
local pki = require "spec.support.pki"

describe("lint", function()
  local root = pki.root()
  local inter = pki.intermediate(root)
  local private = key.generate()
  local now = os.time()

  local function issue(options)
    options.key = options.key or private
    if options.issuer == nil then
      options.issuer, options.issuer_key = inter.cert, inter.key
    end
    return assert(cert.create(options))
  end

  local function rules(findings)
    local set = {}
    for _, finding in ipairs(findings) do
      assert.is_string(finding.clause)
      assert.is_string(finding.text)
      assert.is_string(finding.fix)
      set[finding.rule] = finding.level
    end
    return set
  end

  it("finds nothing in what is issued here", function()
    for _, profile in ipairs { "server", "client", "ocsp", "email", "code_signing" } do
      local made = issue { profile = profile, hosts = { "a.example" } }
      assert.same({}, made:lint(profile == "server" and "server" or nil), profile)
    end
    assert.same({}, root.cert:lint "ca")
    assert.same({}, inter.cert:lint())
    assert.same({}, pki.self_signed().cert:lint "server")
    assert.same({}, assert(csr.create { key = private, hosts = { "a.example" } }):lint())
  end)

  local function with(...)
    return { hosts = { "a.example" }, extensions = { ... } }
  end

  -- what is wrong, how it is made, the rules that say so
  for name, case in pairs {
    ["no alternative names"] = { with { subject_alt_names = false }, { subject_alt_names = "error", common_name = "warning" } },
    ["no authority key"] = { with { authority_key_id = false }, { authority_key_id = "error" } },
    ["a critical subject key"] = {
      with { name = "subject_key_id", critical = true, value = "00" }, { subject_key_id_critical = "error" },
    },
    ["a critical way to the issuer"] = {
      with { name = "authority_info_access", critical = true, value = {} }, { authority_info_access_critical = "error" },
    },
    ["usage of nothing"] = {
      with { name = "key_usage", critical = true, value = {} }, { empty_key_usage = "error" },
    },
    ["no purpose in the list of them"] = {
      with { oid = "2.5.29.37", der = "\48\0" }, { empty_extended_key_usage = "error", extended_key_usage = "error" },
    },
    ["no purpose"] = { with { extended_key_usage = false }, { no_extended_key_usage = "warning" } },
    ["another purpose"] = { { hosts = { "a.example" }, extended_key_usage = { "email_protection" } },
      { extended_key_usage = "error" } },
    ["usage that is not critical"] = {
      with { name = "key_usage", value = { digital_signature = true } }, { key_usage_critical = "warning" },
    },
    ["a leaf that signs certificates"] = {
      with { name = "key_usage", critical = true, value = { key_cert_sign = true } }, { leaf_key_usage = "error" },
    },
    ["a path length in a leaf"] = {
      with { name = "basic_constraints", critical = true, value = { ca = false, path_length = 1 } }, { path_length = "error" },
    },
    ["name constraints in a leaf"] = {
      with { name = "name_constraints", critical = true, value = { permitted = { { base = { type = "dns", value = "a" } } } } },
      { name_constraints = "error" },
    },
    ["a malformed extension"] = { with { oid = "2.5.29.15", critical = true, der = "x" }, { malformed_extension = "error" } },
    ["an unknown critical one"] = { with { oid = "1.2.3.4", critical = true, der = "\5\0" }, { unknown_critical = "warning" } },
    ["a subject with more than one name shows"] = { { hosts = { "a.example" }, subject = "CN=b.example" },
      { common_name = "warning" } },
    ["names that are not critical beside no subject"] = {
      { hosts = { "a.example" }, subject = "", extensions = {
        { name = "subject_alt_names", value = { { type = "dns", value = "a.example" } } },
      } }, { empty_subject = "error" },
    },
    ["an empty list of names"] = {
      { hosts = { "a.example" }, subject = "O=x", extensions = { { name = "subject_alt_names", value = {} } } },
      { subject_alt_names = "error" },
    },
    ["a life of 400 days"] = { { hosts = { "a.example" }, valid_for = "400d" }, { public_lifetime = "note" } },
    ["an end that is past"] = {
      { hosts = { "a.example" }, not_before = now - 864000, not_after = now - 86400 }, { expired = "warning" },
    },
    ["a beginning to come"] = {
      { hosts = { "a.example" }, not_before = now + 86400, not_after = now + 864000 }, { expired = "warning" },
    },
    ["stapling without a responder"] = { { hosts = { "a.example" }, must_staple = true }, { must_staple = "warning" } },
    ["clients, too"] = { { hosts = { "a.example" }, profile = "peer" }, { public_client_auth = "note" } },
    ["a wildcard of everything"] = { { hosts = { "*.localhost" } }, { wildcard_depth = "warning" } },
  } do
    it("says " .. name, function()
      assert.same(case[2], rules(issue(case[1]):lint "server"))
    end)
  end

  it("says that an extension is there twice", function()
    local made = issue(with({ oid = "1.2.3.4", der = "\5\0" }, { oid = "1.2.3.5", der = "\5\0" }))
    local twice = assert(cert.parse((made:to_der():gsub("\3%*\3\5", "\3*\3\4", 1)))) -- nobody here would sign that
    assert.same({ duplicate_extension = "error" }, rules(twice:lint "server"))
  end)

  for bad, level in pairs {
    ["a\0b.example"] = "error", ["a.example."] = "error", ["10.0.0.1"] = "error", ["a b"] = "error", ["f*.example"] = "error",
    ["a.*.example"] = "error", ["b\195\188.example"] = "error", ["a_b.example"] = "error", [""] = "error",
  } do
    it(("says that %q is no name"):format(bad), function()
      local made = issue { hosts = { "a.example" }, subject = "O=x", extensions = {
        { name = "subject_alt_names", value = { { type = "dns", value = bad } } },
      } }
      assert.same({ dns_name = level }, rules(made:lint "server"))
    end)
  end

  it("says of all names what is wrong with them, and of very many that there are more", function()
    local names = {}
    for i = 1, 8 do
      names[i] = { type = "dns", value = ("a%d.example."):format(i) }
    end
    local made = issue { hosts = { "a.example" }, subject = "O=x", extensions = { { name = "subject_alt_names", value = names } } }
    local said = made:lint("server")[1].text
    assert.matches("^'a1%.example%.' ends in a dot; 'a2%.example%.' ends in a dot; .*'a5%.example%.' ends in a dot; and 3 more$", said)
  end)

  it("says that a date is none to verifiers, or is written as those of later centuries are", function()
    local list = der.sequence_of(der.any)
    local made = issue { hosts = { "a.example" } }
    for text, case in pairs {
      ["20350101000000Z"] = { 0x18, "time_type", "warning" }, ["3501010000Z"] = { 0x17, "time_form", "error" },
      ["350101000000+0130"] = { 0x17, "time_form", "error" }, ["20600101000000.5Z"] = { 0x18, "time_form", "error" },
      ["206001010000Z"] = { 0x18, "time_form", "error" }, ["20600101000000Z"] = { 0x18 },
    } do
      local whole = assert(der.decode(list, made:to_der()))
      local tbs = assert(der.decode(list, whole[1]))
      local first = assert(der.decode(list, tbs[5]))[1]
      tbs[5] = der.element(0x30, first .. der.element(case[1], text))
      local forged, err = cert.parse(der.element(0x30, der.element(0x30, table.concat(tbs)) .. whole[2] .. whole[3]))
      if forged then
        local found = rules(forged:lint "server")
        found.public_lifetime = nil
        assert.same(case[2] and { [case[2]] = case[3] } or {}, found, text)
      else -- newer OpenSSL does not even read some of them
        assert.same({ "bad_der", "time_form" }, { err.code, case[2] }, text)
      end
    end
  end)

  it("says what is wrong with a CA", function()
    local loose = pki.root { extensions = {
      { name = "basic_constraints", value = { ca = true } }, { key_usage = false, subject_key_id = false },
    } }
    assert.same({ basic_constraints_critical = "error", ca_key_usage = "error", subject_key_id = "error" },
      rules(loose.cert:lint()))
    assert.is_string(rules(root.cert:lint "server").ca_as_leaf)
  end)

  it("says what a request asks for in vain, and what is wrong with it", function()
    local wish = assert(csr.create { key = private, subject = "CN=a.example", extensions = {
      { name = "basic_constraints", critical = true, value = { ca = true } }, { oid = "1.2.3.4", der = "\5\0" },
    } })
    assert.same({ subject_alt_names = "warning", asks_for_ca = "warning", not_copied = "note", common_name = "warning" },
      rules(wish:lint()))
    local bytes = wish:to_der()
    local forged = assert(csr.parse(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256)))
    assert.equal("error", rules(forged:lint()).proof)
  end)

  it("raises for an unknown profile", function()
    assert.has_error(function() root.cert:lint "sever" end,
      "bad option 'profile' to 'cert:lint' (\"server\" or \"client\" or \"peer\" or \"ca\" or \"intermediate\" or \"ocsp\" or "
      .. "\"email\" or \"code_signing\" or \"any\" expected, got \"sever\")")
  end)
end)
