-- Whatever reads bytes of others: what it is given when all is well, how it is read, and everything that is asked of what
-- came of it. For the specs with hostile bytes, and for the fuzzer.
local cert = require "lacre.cert"
local crl = require "lacre.crl"
local csr = require "lacre.csr"
local documents = require "lacre.x509.documents"
local json = require "dkjson"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local ocsp = require "lacre.ocsp"
local pki = require "spec.support.pki"
local store = require "lacre.store"

local root = pki.root()
local inter = pki.intermediate(root, { name_constraints = { permitted = { "example", "10.0.0.0/8" } } })
local leaf = pki.issue(inter, {
  hosts = { "a.example", "10.0.0.1" }, ocsp_urls = { "http://o/" }, crl_urls = { "http://c/" }, policies = { "1.2.3.4" },
})
local list = assert(crl.create { issuer = inter.cert, issuer_key = inter.key, revoked = {
  { serial = "0102", reason = "key_compromise" }, { serial = "03" }, { cert = leaf.cert } } })
local wish = assert(csr.create { key = leaf.key, hosts = { "a.example", "10.0.0.1" }, must_staple = true })

local function everything(object)
  assert(json.encode(object:to_table()))
  object:to_text()
  tostring(object)
  object:fingerprint()
end

local readers = {
  certificate = { leaf.cert:to_der(), cert.parse, function(c)
    everything(c)
    c:lint()
    c:matches_host "a.example"
    c:is_issued_by(inter.cert)
    inter.cert:is_issued_by(c)
    for _, which in ipairs { "scts", "policy_mappings", "tls_features", "delta_crl_urls", "issuer_alt_names" } do
      c[which](c)
    end
  end },
  ["CA certificate"] = { inter.cert:to_der(), cert.parse, function(c)
    everything(c)
    c:lint "ca"
    store.verify(leaf.cert, { trust = root.cert, server_name = "a.example", intermediates = { c } })
  end },
  request = { wish:to_der(), csr.parse, function(c)
    everything(c)
    c:lint()
    c:attributes()
    c:challenge_password()
  end },
  ["revocation list"] = { list:to_der(), crl.parse, function(c)
    everything(c)
    c:find "0102"
    c:verify(inter.cert)
    c:number()
    c:issuing_distribution_point()
  end },
  key = { key.generate("p256"):to_der(), key.parse, function(k)
    k:to_table()
    k:sign "x"
  end },
  ["RSA key"] = { key.generate("rsa:2048"):to_der { format = "traditional" }, key.parse, function(k)
    k:to_table()
  end },
  ["public key"] = { leaf.key:spki(), key.parse, function(k)
    k:to_table()
    k:verify("x", "y")
  end },
  ["OCSP response"] = { assert(ocsp.respond { cert = leaf.cert, issuer = inter.cert, key = inter.key }), ocsp.parse, function(r)
    assert(json.encode(r:to_table()))
    r:certs()
    r:verify { cert = leaf.cert, issuer = inter.cert }
  end },
  ["OCSP request"] = { ocsp.request({ cert = leaf.cert, issuer = inter.cert }).der, ocsp.parse_request, function(r)
    ocsp.respond { request = r, issuer = inter.cert, key = inter.key }
  end },
  ["distinguished name"] = { name.parse("CN=a,OU=b+L=c,emailAddress=x@y,O=ü"):der(), name.from_der, function(n)
    tostring(n)
    n:hash()
    n:get "CN"
    return n == inter.cert:subject()
  end },
  ["whatever it is"] = { leaf.pem .. leaf.key_pem .. wish:to_pem() .. list:to_pem(), documents.parse, function(found)
    for _, one in ipairs(found) do
      assert(one.value ~= nil or lacre_error.is(one.error))
    end
  end },
}

return { root = root, inter = inter, leaf = leaf, readers = readers }
