--- tls.system_policy: what the system's own policy (openssl.cnf, crypto-policies) leaves of groups and signatures.
--
-- OpenSSL tells nobody which groups and signature algorithms a context has; but a ClientHello names them. One is
-- made, never sent, and read. A system whose hello lacks what OpenSSL offers by itself has a policy, and then nothing
-- beyond that hello is allowed.

local core = require "lacre.core"
local groups = require "lacre.tls.groups"
local hello = require "lacre.tls.hello"
local sigalgs = require "lacre.tls.sigalgs"

local system_policy = {}

local RECORD = 65536

-- what every OpenSSL from 3.0 on offers by itself at its level 2
local usual = {
  groups = { "X25519", "P-256", "X448", "P-521", "P-384" },
  sigalgs = {
    "ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed25519", "ed448",
    "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512", "rsa_pkcs1_sha256", "rsa_pkcs1_sha384",
    "rsa_pkcs1_sha512",
  },
}

local has = {
  groups = function(name)
    return groups.list { name } ~= nil
  end,
  sigalgs = sigalgs.has,
}

--- What a context of clients would say; nil where it can say nothing, as when no version is left.
---@param ctx any core context of a client
---@return { versions: string[], groups: string[], ciphers: string[], sigalgs: string[] }?
function system_policy.hello_of(ctx)
  local client, listener = core.engine.new(ctx), core.context.new "server"
  local server = client and listener and listener:greet(true, false) and core.engine.new(listener)
  if not server then
    return nil
  end
  client:handshake()
  server:feed(client:drain(RECORD))
  local _, why = server:handshake()
  return why == "want_hello" and hello.describe(server:hello()) or nil
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do
    set[name] = true
  end
  return set
end

local allowed -- by kind; false where the system says nothing

local function allowed_of(kind)
  if allowed == nil then
    local ctx = core.context.new "client"
    local said = ctx and system_policy.hello_of(ctx)
    allowed = {}
    for one, names in pairs(said and usual or {}) do
      local offered = set_of(said[one])
      for _, name in ipairs(names) do
        if not offered[name] and has[one](name) then
          allowed[one] = offered
        end
      end
    end
  end
  return allowed[kind]
end

--- The names among some that the system allows.
---@param kind "groups"|"sigalgs"
---@param names string[] usual names
---@return string[] left each once
function system_policy.narrow(kind, names)
  local set, left, seen = allowed_of(kind), {}, {}
  for _, name in ipairs(names) do
    left[#left + 1] = (not set or set[name]) and not seen[name] and name or nil
    seen[name] = true
  end
  return left
end

return system_policy
