-- What is built here is read by openssl, python's cryptography, certtool and node, and says the same; what they build is
-- read here and says the same. A peer that is not installed is pending with that reason.
local json = require "dkjson"
local cert = require "lacre.cert"
local core = require "lacre.core"
local crl = require "lacre.crl"
local csr = require "lacre.csr"
local extension = require "lacre.x509.extension"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local pki = require "spec.support.pki"
local process = require "spec.support.process"

local assert_made = lacre_error.assert
local directory

local function has(...)
  local _, code = process.run { ... }
  return code == 0
end

local python
for _, candidate in ipairs { "/usr/bin/python3", "python3" } do
  python = python or has(candidate, "-c", "import cryptography") and candidate
end
local node, certtool = has("node", "--version"), has("certtool", "--version")
local openssl = process.run({ "openssl", "version" }):find "^OpenSSL 3" ~= nil

local function put(file, bytes)
  local handle = assert(io.open(directory .. "/" .. file, "wb"))
  handle:write(bytes)
  handle:close()
  return directory .. "/" .. file
end

local function read(file)
  local handle = assert(io.open(directory .. "/" .. file, "rb"))
  local bytes = handle:read "*a"
  handle:close()
  return bytes
end

-- what is built: options of cert.create
local private = { p256 = key.generate "p256", rsa = key.generate "rsa:2048" }
local function self(options)
  options.key = options.key or private.p256
  return assert_made(cert.create(options))
end

local ours = {
  server = { hosts = { "a.example", "*.b.example", "192.0.2.1", "2001:db8::1", "bücher.example" } },
  rsa = { key = private.rsa, hosts = { "a.example" } },
  client = { profile = "client", hosts = { "alice@a.example" } },
  mixed = { hosts = { "a.example", "spiffe://b.example/x", "bob@bücher.example" } },
  ca = { profile = "ca", subject = { C = "PT", O = "Lacre", CN = "Wurzel ü" }, path_length = 3 },
  constrained = { profile = "ca", subject = "CN=c", name_constraints = {
    permitted = { "example", "10.0.0.0/8", "2001:db8::/32", "@mail.example" }, excluded = { "bad.example", "192.0.2.0/24" },
  } },
  urls = { hosts = { "a.example" }, crl_urls = { "http://c.example/a.crl" }, ocsp_urls = { "http://o.example/" },
    issuer_urls = { "http://i.example/a.crt" }, policies = { "1.2.3.4", "2.23.140.1.2.1" }, must_staple = true },
  nameless = { subject = "", hosts = { "a.example" } },
  several = { subject = { { { "CN", "a" }, { "OU", "b" } }, { "O", "c, d + \"e\"" } }, hosts = { "a.example" } },
  long_serial = { hosts = { "a.example" }, serial = "7f" .. ("ab"):rep(19) },
  short_serial = { hosts = { "a.example" }, serial = 1 },
  high_serial = { hosts = { "a.example" }, serial = "80" },
  late = { hosts = { "a.example" }, not_before = "2049-12-31T23:59:59Z", not_after = "2050-01-01T00:00:00Z" },
  last = { hosts = { "a.example" }, not_after = "9999-12-31T23:59:59Z" },
  early = { hosts = { "a.example" }, not_before = "1950-01-01T00:00:00Z" },
  policies = { profile = "ca", subject = "CN=p", extensions = {
    { name = "policy_constraints", critical = true, value = { require_explicit_policy = 2, inhibit_policy_mapping = 0 } },
    { name = "inhibit_any_policy", critical = true, value = 4 },
  } },
  names = { subject = "CN=n", subject_alt_names = {
    { type = "dns", value = "a.example" }, { type = "rid", value = "1.2.3.4" }, { type = "dir", value = "CN=x,C=PT" },
    { type = "other", oid = "1.3.6.1.4.1.311.20.2.3", value = "admin" }, { type = "uri", value = "https://a.example/" },
  } },
  unknown = { hosts = { "a.example" }, extensions = { { oid = "1.2.3.4.5", der = "\5\0" } } },
  purposes = { hosts = { "a.example" }, extended_key_usage = { "server_auth", "time_stamping", "1.3.6.1.4.1.99999.1" } },
}
for _, kind in ipairs { "p384", "p521", "ed25519", "ed448" } do
  ours[kind] = { key = key.generate(kind), hosts = { "a.example" } }
end
local made = {}
for label, options in pairs(ours) do
  made[label] = self(options)
end

-- the same facts in the same words --

local function attributes(n)
  local list, items = {}, n:to_table()
  table.sort(items, function(a, b)
    return a.rdn < b.rdn or (a.rdn == b.rdn and a.oid < b.oid)
  end)
  for i, item in ipairs(items) do
    list[i] = { item.oid, item.value }
  end
  return list
end

local function general(item)
  if item.type == "other" then
    return { "other", item.oid .. " " .. core.bytes.hex(item.der) }
  elseif item.type == "ip" then
    return { "ip", item.value }
  end
  return { item.type, tostring(item.value) }
end

local function each(list, convert)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = convert(item)
  end
  return out
end

local function sorted_keys(set, convert)
  local list = {}
  for one in pairs(set) do
    list[#list + 1] = convert and convert(one) or one
  end
  table.sort(list)
  return list
end

local function base(tree)
  return general(tree.base)
end

local function facts_of(c)
  local facts = {
    serial = c:serial(), not_before = c:not_before(), not_after = c:not_after(), version = c:version(),
    subject = attributes(c:subject()), issuer = attributes(c:issuer()), fingerprint = c:fingerprint(),
    spki = core.bytes.hex(core.bytes.digest("sha256", c:spki())), critical = {}, oids = {},
  }
  for one in c:extensions() do
    facts.oids[#facts.oids + 1] = one.oid
    if one.critical then facts.critical[#facts.critical + 1] = one.oid end
    assert.is_nil(one.malformed)
  end
  table.sort(facts.critical)
  local function has_extension(which) return c:extension(which) ~= nil end
  if has_extension "subject_alt_names" then facts.names = each(c:subject_alt_names(), general) end
  local constraints = c:basic_constraints()
  if constraints then facts.ca, facts.path_length = constraints.ca, constraints.path_length end
  local usage = c:key_usage()
  if usage then
    usage.encipher_only, usage.decipher_only = nil, nil
    facts.usage = sorted_keys(usage)
  end
  local purposes = c:extended_key_usage()
  if purposes then facts.purposes = sorted_keys(purposes, function(p) return extension.purposes[p] or p end) end
  facts.subject_key_id, facts.authority_key_id = c:subject_key_id(), c:authority_key_id()
  if has_extension "authority_info_access" then
    facts.access = each(c:extension("authority_info_access").value, function(one)
      local g = general(one.location)
      return { one.method, g[1], g[2] }
    end)
  end
  if has_extension "crl_distribution_points" then facts.crl_urls = c:crl_urls() end
  if has_extension "certificate_policies" then facts.policies = c:policies() end
  local limits = c:name_constraints()
  if limits then facts.permitted, facts.excluded = each(limits.permitted, base), each(limits.excluded, base) end
  if has_extension "tls_feature" then facts.features = c:tls_features() end
  local policy = c:policy_constraints()
  if policy then facts.policy_constraints = { policy.require_explicit_policy, policy.inhibit_policy_mapping } end
  facts.inhibit_any_policy = c:inhibit_any_policy()
  return facts
end

-- dkjson marks its tables
local function plain(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for k, v in pairs(value) do copy[k] = plain(v) end
  return copy
end

describe("certificates of ours", function()
  setup(function()
    directory = process.directory()
    for label, c in pairs(made) do
      put(label .. ".der", c:to_der())
      put(label .. ".pem", c:to_pem())
    end
  end)
  teardown(function() process.remove(directory) end)

  local said
  local function ask(...)
    local output, code = process.run { ... }
    assert.equal(0, code, output)
    return (assert(json.decode(output, 1, nil), output))
  end

  for label, c in pairs(made) do
    it(label .. " is, to python's cryptography, what it is here", function()
      if not python then return pending "python3-cryptography is not installed" end
      said = said or ask(python, "spec/support/interop.py", "facts", directory)
      assert.same(facts_of(c), plain(said[label .. ".der"]))
    end)
  end

  local told
  for label, c in pairs(made) do
    it(label .. " is, to node, what it is here", function()
      if not node then return pending "node is not installed" end
      told = told or ask("node", "spec/support/interop.mjs", directory)
      local theirs = plain(told[label .. ".der"])
      assert.equal(c:serial():gsub("^0", ""), (theirs.serial:gsub("^0", "")))
      assert.equal(c:fingerprint(), theirs.fingerprint)
      assert.equal(c:is_ca(), theirs.ca)
      assert.is_true(theirs.self_signed)
      assert.equal(c:not_after(), theirs.not_after)
      assert.equal(c:not_before(), theirs.not_before)
      assert.equal(c:public_key():type(), theirs.key)
      for _, host in ipairs(c:dns_names()) do
        assert.is_truthy(theirs.names:find("DNS:" .. host, 1, true))
      end
    end)
  end

  for label, c in pairs(made) do
    it(label .. " is read by openssl and certtool, and its signature verifies", function()
      if not openssl then return pending "openssl 3 is not installed" end
      local output = process.run { "openssl", "x509", "-in", directory .. "/" .. label .. ".der", "-noout", "-serial",
        "-fingerprint", "-sha256", "-text", "-certopt", "no_pubkey,no_sigdump" }
      assert.is_truthy(output:find("serial=" .. c:serial():upper(), 1, true), output)
      assert.is_truthy(output:find(c:fingerprint("sha256", "colon"), 1, true), output)
      assert.is_nil(output:find("<EMPTY>", 1, true))
      assert.is_nil(output:find("<Not Supported>", 1, true))
      local path = directory .. "/" .. label .. ".pem"
      output = process.run { "openssl", "verify", "-x509_strict", "-check_ss_sig", "-partial_chain", "-no_check_time",
        "-CAfile", path, path }
      assert.matches(": OK\n$", output)
      if certtool then
        output = process.run({ "certtool", "-i", "--inder" }, c:to_der())
        assert.is_truthy(output:find(c:fingerprint(), 1, true) or output:find(c:fingerprint("sha1"), 1, true), output)
        assert.is_nil(output:find("error", 1, true), output)
      end
    end)
  end
end)

describe("certificates of others", function()
  setup(function() directory = process.directory() end)
  teardown(function() process.remove(directory) end)

  it("by python's cryptography are here what they are there", function()
    if not python then return pending "python3-cryptography is not installed" end
    local output, code = process.run { python, "spec/support/interop.py", "make", directory }
    assert.equal(0, code, output)
    local count = 0
    for file, theirs in pairs(json.decode(output, 1, nil)) do
      count = count + 1
      assert.same(plain(theirs), facts_of(assert(cert.parse(read(file)))), file)
    end
    assert.equal(6, count)
  end)

  it("by openssl are here what they are there", function()
    if not openssl then return pending "openssl 3 is not installed" end
    local config = put("openssl.cnf", [[
[req]
prompt = no
distinguished_name = dn
x509_extensions = ext
string_mask = MASK:0x2002
[dn]
C = PT
0.OU = first
1.OU = second
+CN = multi
emailAddress = a@b.example
[ext]
basicConstraints = critical,CA:TRUE,pathlen:2
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
extendedKeyUsage = serverAuth,1.2.3.4
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always,issuer:always
subjectAltName = DNS:a.example,IP:10.0.0.1,IP:2001:db8::1,email:a@b.example,URI:https://c.example/,RID:1.2.3.4,dirName:dn2,otherName:1.2.3.4.5;UTF8:text
issuerAltName = issuer:copy
nameConstraints = critical,permitted;DNS:.example,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:bad.example
certificatePolicies = 1.2.3.4,@pol
policyConstraints = requireExplicitPolicy:3,inhibitPolicyMapping:1
policyMappings = 1.2.3.4:1.2.3.5
inhibitAnyPolicy = 2
crlDistributionPoints = dp
freshestCRL = URI:http://d.example/delta.crl
authorityInfoAccess = OCSP;URI:http://o.example/,caIssuers;URI:http://i.example/
tlsfeature = status_request,status_request_v2
noCheck = ignored
1.2.3.4.6 = DER:0500
[dn2]
CN = inner
[pol]
policyIdentifier = 1.3.5.8
CPS.1 = "http://cps.example/"
[dp]
fullname = URI:http://c.example/a.crl
CRLissuer = dirName:dn2
reasons = keyCompromise, CACompromise
]])
    local pem, code = process.run { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes",
      "-keyout", directory .. "/k.pem", "-config", config, "-days", "10", "-set_serial", "0x1234", "-out", directory .. "/o.pem" }
    assert.equal(0, code, pem)
    local c = assert(cert.parse(read "o.pem"))
    assert.is_true(c:is_self_signed())
    assert.equal("1234", c:serial())
    assert.equal("C=PT,OU=first,CN=multi+OU=second,emailAddress=a@b.example",
      (function() local t = {} for a, v, r in c:subject():each() do t[r] = (t[r] and t[r] .. "+" or "") .. a .. "=" .. v end
        return table.concat(t, ",") end)())
    assert.same({ ca = true, path_length = 2 }, c:basic_constraints())
    assert.same({ server_auth = true, ["1.2.3.4"] = true }, c:extended_key_usage())
    local kinds = {}
    for i, item in ipairs(c:subject_alt_names()) do kinds[i] = item.type .. ":" .. tostring(item.value) end
    assert.same({ "dns:a.example", "ip:10.0.0.1", "ip:2001:db8::1", "email:a@b.example", "uri:https://c.example/",
      "rid:1.2.3.4", "dir:CN=inner", "other:text" }, kinds)
    assert.equal(".example", c:name_constraints().permitted[1].base.value)
    assert.equal("10.0.0.0/8", c:name_constraints().permitted[2].base.value)
    assert.equal("bad.example", c:name_constraints().excluded[1].base.value)
    assert.same({ "1.2.3.4", "1.3.5.8" }, c:policies())
    assert.same({ require_explicit_policy = 3, inhibit_policy_mapping = 1 }, c:policy_constraints())
    assert.same({ { issuer_policy = "1.2.3.4", subject_policy = "1.2.3.5" } }, c:policy_mappings())
    assert.equal(2, c:inhibit_any_policy())
    assert.same({ "http://c.example/a.crl" }, c:crl_urls())
    assert.same({ key_compromise = true, ca_compromise = true }, c:extension("crl_distribution_points").value[1].reasons)
    assert.same({ "http://d.example/delta.crl" }, c:delta_crl_urls())
    assert.same({ "http://o.example/" }, c:ocsp_urls())
    assert.same({ "http://i.example/" }, c:issuer_urls())
    assert.same({ 5, 17 }, c:tls_features())
    assert.is_true(c:extension("ocsp_no_check").value)
    assert.equal("1234", c:extension("authority_key_id").value.serial)
    assert.equal("\5\0", c:extension("1.2.3.4.6").der)
    assert.is_table(c:to_table())
    assert.is_string(json.encode(c:to_table()))
  end)

  it("by certtool are here what they are there", function()
    if not certtool then return pending "certtool (gnutls-bin) is not installed" end
    local template = put("t.cfg", [[
organization = "Lacre"
cn = "gnu.example"
serial = 0x00ff
expiration_days = 10
dns_name = "gnu.example"
ip_address = "192.0.2.9"
email = "a@b.example"
uri = "https://c.example/"
other_name_utf8 = "1.2.3.4.5 text"
ca
path_len = 1
cert_signing_key
crl_signing_key
nc_permit_dns = "example"
nc_exclude_ip = "10.0.0.0/8"
policy1 = 1.2.3.4
crl_dist_points = "http://c.example/a.crl"
ocsp_uri = "http://o.example/"
ca_issuers_uri = "http://i.example/"
tls_feature = 5
inhibit_anypolicy_skip_certs = 3
]])
    local k = put("k.pem", key.generate("rsa:2048"):to_pem())
    local pem, code = process.run { "certtool", "-s", "--load-privkey", k, "--template", template }
    assert.equal(0, code, pem)
    local c = assert(cert.parse(pem))
    assert.is_true(c:is_self_signed())
    assert.equal("gnu.example", c:subject():get "CN")
    assert.same({ ca = true, path_length = 1 }, c:basic_constraints())
    assert.same({ "gnu.example", "192.0.2.9" }, c:hosts())
    assert.equal("example", c:name_constraints().permitted[1].base.value)
    assert.equal("10.0.0.0/8", c:name_constraints().excluded[1].base.value)
    assert.same({ "http://o.example/" }, c:ocsp_urls())
    assert.same({ "1.2.3.4" }, c:policies())
    assert.is_true(c:must_staple())
    for one in c:extensions() do assert.is_nil(one.malformed, one.name) end
  end)
end)

describe("requests and lists", function()
  setup(function() directory = process.directory() end)
  teardown(function() process.remove(directory) end)
  local root = pki.root()

  it("of ours are read by openssl and certtool", function()
    if not openssl then return pending "openssl 3 is not installed" end
    for _, kind in ipairs { "p256", "rsa:2048", "ed25519" } do
      local request = assert(csr.create { key = key.generate(kind), hosts = { "a.example", "10.0.0.1" }, subject = "CN=a,O=ü" })
      local output, code = process.run({ "openssl", "req", "-noout", "-verify", "-text", "-nameopt", "utf8" }, request:to_pem())
      assert.equal(0, code, output)
      assert.matches("DNS:a.example, IP Address:10.0.0.1", output)
      if certtool then
        output = process.run({ "certtool", "--crq-info" }, request:to_pem())
        assert.matches("Self signature: verified", output)
        assert.matches("DNSname: a.example", output)
      end
    end
    local list = assert(crl.create { issuer = root.cert, issuer_key = root.key, number = 66, revoked = {
      { serial = "1234", reason = "key_compromise" }, { serial = "ff", reason = "certificate_hold" },
    } })
    local ca = put("ca.pem", root.cert:to_pem())
    local output, code = process.run({ "openssl", "crl", "-noout", "-text", "-CAfile", ca }, list:to_pem())
    assert.equal(0, code)
    assert.matches("verify OK", output)
    assert.matches("Key Compromise", output)
    assert.matches("Certificate Hold", output)
    if certtool then
      output = process.run({ "certtool", "--crl-info" }, list:to_pem())
      assert.matches("Serial Number %(hex%): 1234", output)
      assert.is_truthy(process.run({ "certtool", "--verify-crl", "--load-ca-certificate", ca }, list:to_pem()):find "erified")
    end
  end)

  it("of openssl are read here", function()
    if not openssl then return pending "openssl 3 is not installed" end
    local pem = process.run { "openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", directory .. "/k.pem",
      "-subj", "/C=PT/O=x/CN=a.example", "-addext", "subjectAltName=DNS:a.example,IP:10.0.0.1", "-addext",
      "keyUsage=critical,digitalSignature", "-sigopt", "rsa_padding_mode:pss" }
    local request = assert(csr.parse(pem:match "%-%-%-%-%-BEGIN CERT.*"))
    assert.is_true(request:verify())
    assert.same({ "a.example", "10.0.0.1" }, request:hosts())
    assert.equal("CN=a.example,O=x,C=PT", tostring(request:subject()))
    assert.equal("rsassaPss", request:signature_algorithm())
    assert.is_true(request:matches_key(assert(key.parse(read "k.pem"))))
  end)

  it("keep names that nobody else shows right", function()
    local n = assert(name.new { { "CN", "a\0b" }, { "O", "x\ny" } })
    local c = self { subject = n, hosts = { "a.example" } }
    assert.equal("a\0b", c:subject():get "CN")
    assert.equal("O=x\\0Ay,CN=a\\00b", tostring(c:subject()))
    assert.is_nil(c:to_text():find "%z")
  end)
end)
