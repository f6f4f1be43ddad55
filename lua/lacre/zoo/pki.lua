--- zoo.pki: certificates with one fault each, issued in memory when they are asked for.
--
-- What `lacre.cert` would not sign is made in two ways. A *twin* is another certificate of the same
-- subject and key: issue below the good one, show the bad one. And a certificate is *forged*: its
-- fields are changed and it is signed again, with whatever digest.

local core = require "lacre.core"
local cert = require "lacre.cert"
local der = require "lacre.der"
local groups = require "lacre.tls.groups"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local merged = require "lacre.merged"
local sign = require "lacre.x509.sign"
local time = require "lacre.time"

local assert = lacre_error.assert
local DAY = 86400

local zoo_pki = {}

---@class lacre.zoo_pki
local Pki = {}
Pki.__index = Pki

-- the CAs of the zoo. `twin`: subject and key of another one; `days`: from and to
local authorities = {
  root = { subject = "CN=Zoo Root,O=Lacre", days = { -1000, 3650 } },
  issuing = { parent = "root", subject = "CN=Zoo Issuing CA,O=Lacre" },
  rsa = { parent = "root", subject = "CN=Zoo RSA CA,O=Lacre", kind = "rsa" },
  rogue_root = { subject = "CN=Rogue Root", days = { -1000, 3650 } },
  rogue = { parent = "rogue_root", subject = "CN=Rogue Issuing CA" },
  expired = { parent = "root", twin = "issuing", days = { -400, -2 } },
  ending = { parent = "root", twin = "issuing", days = { -400, 10 } },
  future = { parent = "root", twin = "issuing", days = { 2, 400 } },
  server_only = { parent = "root", twin = "issuing", create = { extended_key_usage = { "client_auth" } } },
  constrained = { parent = "root", twin = "issuing",
    create = { name_constraints = { permitted = { "elsewhere.test" } } } },
  sha1 = { parent = "root", twin = "issuing", hash = "sha1" },
  no_ca = { parent = "root", twin = "issuing", leaf = true },
  deep = { parent = "issuing_long", subject = "CN=Zoo Deep CA,O=Lacre" },
  issuing_long = { parent = "root", twin = "issuing", create = { path_length = 1 } },
}

authorities.root.create = { path_length = 3 }

local function validity(days, now)
  return { not_before = now + days[1] * DAY, not_after = now + days[2] * DAY }
end

-- curves that no usual client offers: by their kind the object identifier, the octets of a secret, and the name in TLS
local odd_curves = {
  p224 = { "1.3.132.0.33", 28, "secp224r1" }, p192 = { "1.2.840.10045.3.1.1", 24, "secp192r1" },
  brainpool256 = { "1.3.36.3.3.2.8.1.1.7", 32, "brainpoolP256r1" },
}

local sec1 = der.sequence {
  { "version", der.integer }, { "secret", der.octets }, { "curve", der.explicit(0, der.oid) },
}

-- RFC 5915, without the public half, which follows from the secret
local function odd_key(curve)
  local secret = "\1" .. assert(core.bytes.random(curve[2] - 1))
  local made = groups.has_odd(curve[3]) and key.parse(sec1.write { version = 1, secret = secret, curve = curve[1] })
  if made then
    return made
  end
  return lacre_error.fail("config", "unsupported", "this OpenSSL does not support TLS with keys on %s", curve[3])
end

-- keys of RSA take long to find: one does for all
function Pki:make_key(kind)
  kind = kind or "p256"
  local bits = tonumber(kind:match "^rsa:(%d+)$")
  if bits then
    return assert(core.key.generate("rsa", bits, bits > 4096 and 3 or 2)) -- of three primes: found much sooner
  elseif odd_curves[kind] then
    return odd_key(odd_curves[kind])
  elseif kind ~= "rsa" then
    return key.generate(kind)
  end
  self.rsa_key = self.rsa_key or assert(core.key.generate("rsa", 2048))
  return self.rsa_key
end

local broken = {
  ["rsa sha1"] = "1.2.840.113549.1.1.5", ["rsa md5"] = "1.2.840.113549.1.1.4", ["ec sha1"] = "1.2.840.10045.4.1",
}

local with_null = der.sequence { { "oid", der.oid }, { "null", der.null } }
local bare = der.sequence { { "oid", der.oid } }

local function algorithm(private, hash)
  local oid = broken[private:type() .. " " .. hash]
  return private:type() == "rsa" and with_null.write { oid = oid, null = true } or bare.write { oid = oid }
end

-- RFC 5280 section 4.1.2, as far as it is forged
local tbs_type = der.sequence {
  { "version", der.any }, { "serial", der.any }, { "algorithm", der.any }, { "issuer", der.any },
  { "validity", der.any }, { "subject", der.any }, { "spki", der.any }, { "extensions", der.any, optional = true },
}

-- from and to a 32nd of February
local no_date = "\48\30" .. ("\023\013260232000000Z"):rep(2)

-- signed again: with a broken digest, about another key, for another time
local function forge(made, signer, changes)
  local tbs = assert(der.decode(tbs_type, made:tbs()))
  local hash = changes.hash or "sha256"
  tbs.spki, tbs.validity = changes.spki or tbs.spki, changes.validity or tbs.validity
  tbs.algorithm = broken[signer:type() .. " " .. hash] and algorithm(signer, hash) or tbs.algorithm
  local bytes = tbs_type.write(tbs)
  local signature = assert(key.sign_badly(signer, bytes, hash))
  return assert(cert.parse(sign.type.write { tbs = bytes, algorithm = tbs.algorithm, signature = signature }))
end

local function spoil_signature(made)
  local whole = assert(der.decode(sign.type, made:to_der()))
  local last = whole.signature:byte(-1)
  whole.signature = whole.signature:sub(1, -2) .. string.char((last + 1) % 256)
  return assert(cert.parse(sign.type.write(whole)))
end

--- One of the zoo's authorities, made when it is first asked for.
---@param name string
---@return { cert: lacre.cert, key: lacre.key, above: string? }
function Pki:ca(name)
  if self.made[name] then
    return self.made[name]
  end
  local row = authorities[name]
  local twin = row.twin and self:ca(row.twin)
  local parent = row.parent and self:ca(row.parent)
  local private = twin and twin.key or self:make_key(row.kind)
  local options = merged({
    profile = row.leaf and "server" or row.parent and "intermediate" or "ca", key = private,
    hosts = row.leaf and { "ca.zoo.test" } or nil,
    subject = row.subject or authorities[row.twin].subject,
    issuer = parent and parent.cert, issuer_key = parent and parent.key,
  }, validity(row.days or { -400, 1500 }, self.now), row.create)
  local made = assert(cert.create(options))
  if row.hash then
    made = forge(made, parent and parent.key or private, { hash = row.hash })
  end
  self.made[name] = { cert = made, key = private, above = row.parent }
  return self.made[name]
end

-- the chain that a server sends with a leaf of this issuer: up to the root and without it
function Pki:chain_of(issuer)
  local chain, name = {}, issuer
  while name and authorities[name].parent do
    chain[#chain + 1] = self:ca(name).cert
    name = authorities[name].parent
  end
  return chain
end

function Pki:named_chain(names)
  local chain = {}
  for i, name in ipairs(names) do
    chain[i] = self:ca(name).cert
  end
  return chain
end

local function changed(made, spec, private, signer)
  if spec.hash or spec.no_date or private:security_bits() < 112 then
    made = forge(made, signer, { hash = spec.hash, spki = private:spki(), validity = spec.no_date and no_date })
  end
  return spec.spoiled and spoil_signature(made) or made
end

--- An identity of a server, from what a row of the zoo says about its leaf.
---@param spec table kind, days, hosts, issuer, chain, self, hash, spoiled, no_date, create
---@param name string the row's
---@return { cert: lacre.cert, key: lacre.key, chain: lacre.cert[] }? identity
---@return lacre.error? err unsupported, where this OpenSSL has no such keys
function Pki:identity(spec, name)
  local private, err = self:make_key(spec.kind)
  if not private then
    return nil, err
  end
  local issuer = not spec.self and self:ca(spec.issuer or "issuing") or nil
  local is_weak = private:security_bits() < 112
  local options = merged({
    key = is_weak and self:make_key() or private,
    hosts = { name .. ".zoo.test", "localhost", "127.0.0.1", "::1" },
    issuer = issuer and issuer.cert, issuer_key = issuer and issuer.key,
  }, validity(spec.days or { -2, 88 }, self.now), spec.create)
  local made
  made, err = cert.create(options)
  if not made then
    return nil, err
  end
  made = changed(made, spec, private, issuer and issuer.key or private)
  local chain = spec.chain and self:named_chain(spec.chain) or issuer and self:chain_of(spec.issuer or "issuing") or {}
  return { cert = made, key = private, chain = chain }
end

--- The root that clients of the zoo are to trust.
---@return lacre.cert
function Pki:trust()
  return self:ca("root").cert
end

--- A certificate for clients, which the zoo's servers accept.
---@return { cert: lacre.cert, key: lacre.key, chain: lacre.cert[] }
function Pki:client()
  if not self.agent then
    local private, issuer = self:make_key(), self:ca "issuing"
    self.agent = {
      key = private, chain = self:chain_of "issuing",
      cert = assert(cert.create {
        profile = "client", key = private, hosts = { "visitor@zoo.test" }, issuer = issuer.cert,
        issuer_key = issuer.key,
      }),
    }
  end
  return self.agent
end

--- A PKI of its own for one zoo.
---@return lacre.zoo_pki
function zoo_pki.new()
  return setmetatable({ made = {}, now = math.floor(time.now()) }, Pki)
end

return zoo_pki
