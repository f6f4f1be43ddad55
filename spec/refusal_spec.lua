-- Every code that a chain, a file or an issuance can be refused with, provoked for real; and none forgotten.
local cert = require "lacre.cert"
local crl = require "lacre.crl"
local csr = require "lacre.csr"
local der = require "lacre.der"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local ocsp = require "lacre.ocsp"
local pin = require "lacre.pin"
local pki = require "spec.support.pki"
local sign = require "lacre.x509.sign"
local store = require "lacre.store"
local time = require "lacre.time"

local root = pki.root()
local inter = pki.intermediate(root)
local leaf = pki.issue(inter)
local now = os.time()

-- a certificate signed anew, with SHA-1
local function signed_badly(c, issuer_key)
  local fields = der.decode(der.sequence_of(der.any), c:tbs())
  fields[3] = der.sequence({ { "oid", der.oid } }).write { oid = "1.2.840.10045.4.1" }
  local tbs = der.element(0x30, table.concat(fields))
  local signature = assert(key.sign_badly(issuer_key, tbs, "sha1"))
  return assert(cert.parse(sign.type.write { tbs = tbs, algorithm = fields[3], signature = signature }))
end

local function verify(c, given)
  local set = { trust = root.cert, server_name = "localhost", intermediates = { inter.cert } }
  for option, value in pairs(given or {}) do
    set[option] = value
  end
  set.server_name = not set.email and set.server_name or nil
  return store.verify(c, set)
end

local function list(options)
  options.issuer, options.issuer_key = inter.cert, inter.key
  return assert(crl.create(options))
end

-- an intermediate that is none, or may not have one below it
local function below(options)
  local plain = pki.intermediate(root)
  local odd = cert.create {
    key = plain.key, profile = options.profile or "intermediate", subject = plain.cert:subject(), issuer = root.cert,
    issuer_key = root.key, extensions = options.extensions, hosts = options.hosts or {},
  }
  return pki.issue(plain).cert, odd
end

local function through(options)
  local c, odd = below(options)
  return verify(c, { intermediates = { odd } })
end

-- two CAs in a row below one that allows none
local function too_many()
  local free = pki.intermediate(root, { path_length = 0 })
  local twin = assert(cert.create { key = free.key, profile = "ca", subject = free.cert:subject(), path_length = 1 })
  local second = pki.intermediate({ cert = twin, key = free.key, chain = {} }, { subject = "CN=Second" })
  return verify(pki.issue(second).cert, { intermediates = { second.cert, free.cert } })
end

local provoked = {
  -- chains
  cert_expired = function() return verify(pki.expired(inter).cert) end,
  cert_not_yet_valid = function() return verify(pki.future(inter).cert) end,
  hostname_mismatch = function() return verify(leaf.cert, { server_name = "other.example" }) end,
  email_mismatch = function() return verify(pki.client(inter).cert, { email = "x@y.example", purpose = "client" }) end,
  untrusted_root = function() return verify(leaf.cert, { trust = pki.root().cert, intermediates = { inter.cert, root.cert } }) end,
  self_signed = function() return verify(pki.self_signed().cert) end,
  unknown_issuer = function() return verify(leaf.cert, { intermediates = {} }) end,
  cert_revoked = function() return verify(leaf.cert, { crls = list { revoked = { { cert = leaf.cert } } }, revocation = "leaf" }) end,
  cert_signature_invalid = function()
    local bytes = leaf.cert:to_der()
    return verify(assert(cert.parse(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256))))
  end,
  cert_malformed = function()
    return through { extensions = { { name = "name_constraints", value = {
      excluded = { { base = { type = "dns", value = "elsewhere.example" } } },
    } } } }
  end,
  cert_nonconforming = function() return verify(pki.issue(inter, { extensions = { authority_key_id = false } }).cert) end,
  chain_too_long = function() return verify(leaf.cert, { max_depth = 0 }) end,
  path_length_exceeded = too_many,
  invalid_ca = function() return through { profile = "server", hosts = { "x.example" } } end,
  wrong_purpose = function() return verify(leaf.cert, { purpose = "client" }) end,
  unhandled_critical_extension = function()
    return verify(pki.issue(inter, { extensions = { { oid = "1.2.3", critical = true, der = "\5\0" } } }).cert)
  end,
  name_constraint_violation = function()
    return through { extensions = { { name = "name_constraints", critical = true, value = {
      permitted = { { base = { type = "dns", value = "elsewhere.example" } } },
    } } } }
  end,
  policy_violation = function() return verify(leaf.cert, { policies = { "1.2.3.4" } }) end,
  weak_signature = function() return verify(signed_badly(leaf.cert, inter.key)) end,
  weak_key = function()
    local weak = assert(pki.issue(inter, { key = key.generate "rsa:2048" }))
    return verify(weak.cert, { security_level = 4 })
  end,
  crl_missing = function() return verify(leaf.cert, { revocation = "leaf" }) end,
  crl_expired = function()
    return verify(leaf.cert, { crls = list { this_update = now - 100, next_update = 50 }, revocation = "leaf" })
  end,
  crl_invalid = function() return verify(leaf.cert, { crls = list { this_update = now + 3600 }, revocation = "leaf" }) end,
  ocsp_invalid = function()
    return assert(ocsp.parse(ocsp.refuse "try_later")):verify { cert = leaf.cert, issuer = inter.cert }
  end,
  ocsp_expired = function()
    return assert(ocsp.parse(assert(ocsp.respond { cert = leaf.cert, issuer = inter.cert, key = inter.key,
      this_update = now - 7200, next_update = 60 }))):verify { cert = leaf.cert, issuer = inter.cert }
  end,
  ocsp_unknown = function()
    return assert(ocsp.parse(assert(ocsp.respond { cert = leaf.cert, issuer = inter.cert, key = inter.key,
      status = "unknown" }))):verify { cert = leaf.cert, issuer = inter.cert }
  end,
  pin_mismatch = function() return verify(leaf.cert, { pins = { pki.root().key } }) end,
  pin_expired = function()
    return verify(leaf.cert, { pins = assert(pin.set { leaf.key, root.key, expires = now - 10 }) })
  end,
  -- files and text
  trust_empty = function() return verify(leaf.cert, { trust = {} }) end,
  no_certificate = function() return cert.parse "" end,
  no_key = function() return key.parse "" end,
  no_csr = function() return csr.parse "" end,
  no_crl = function() return crl.parse "" end,
  bad_pem = function() return cert.parse "-----BEGIN CERTIFICATE-----\n" end,
  bad_der = function() return cert.parse "0\0" end,
  trailing_data = function() return cert.parse(leaf.cert:to_der() .. "x") end,
  password_required = function() return key.parse(leaf.key:to_pem { password = "x" }) end,
  bad_password = function() return key.parse(leaf.key:to_pem { password = "x" }, { password = "y" }) end,
  unsupported_key_type = function()
    return key.parse((key.generate("ed25519"):public():to_der():gsub("\6\3%+ep", "\6\3+ec")))
  end,
  bad_pin = function() return pin.parse "sha256//x" end,
  bad_name = function() return name.parse "x" end,
  bad_time = function() return time.parse "yesterday" end,
  file_not_found = function() return cert.load "/nonexistent.pem" end,
  is_directory = function() return cert.load "/" end,
  file_exists = function()
    local path = pki.file("there", "x")
    return leaf.cert:save(path)
  end,
  unsupported = function() return leaf.cert:fingerprint "md0" end,
  -- issuing
  key_mismatch = function()
    return cert.create { key = leaf.key, hosts = { "a" }, issuer = root.cert, issuer_key = inter.key }
  end,
  issuer_not_ca = function()
    return cert.create { key = leaf.key, hosts = { "a" }, issuer = leaf.cert, issuer_key = leaf.key }
  end,
  validity_exceeds_issuer = function()
    return cert.create { key = leaf.key, hosts = { "a" }, issuer = root.cert, issuer_key = root.key, valid_for = "30y" }
  end,
  issuer_path_length = function()
    return cert.create { key = leaf.key, profile = "ca", subject = "CN=x", issuer = inter.cert, issuer_key = inter.key }
  end,
  csr_signature_invalid = function()
    local bytes = assert(csr.create { key = leaf.key, hosts = { "a" } }):to_der()
    local forged = assert(csr.parse(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256)))
    return cert.create { csr = forged, copy = { "hosts" } , issuer = root.cert, issuer_key = root.key }
  end,
}

-- what others provoke, or nobody can here: { code, where }
local elsewhere = {
  cert_rejected = "only trust settings of OpenSSL's own reject", path_loop = "OpenSSL takes no certificate twice",
  unsupported_algorithm = "needs an algorithm that OpenSSL parses and does not know",
  bad_json = "health", bad_state = "health",
  cert_invalid = "for what OpenSSL has no words for", ocsp_missing = "staple_spec", verify_rejected = "engine_spec",
  hook_failed = "engine_spec", dane_mismatch = "reserved", ct_insufficient = "reserved", rpk_untrusted = "reserved",
}

describe("refusals", function()
  teardown(pki.clean)

  for code, provoke in pairs(provoked) do
    it("are real: " .. code, function()
      local value, err = provoke()
      assert.is_nil(value)
      assert.equal(code, err.code, tostring(err))
      assert.is_true(#err.message > 0)
      assert.is_string(err:category())
      assert.is_table(err:to_table())
    end)
  end

  it("of chains, files and issuing are all provoked here, or said to be elsewhere", function()
    local missing = {}
    for code, row in lacre_error.codes() do
      if (row.category == "verify" or row.category == "parse") and not provoked[code] and not elsewhere[code] then
        missing[#missing + 1] = code
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)
end)
