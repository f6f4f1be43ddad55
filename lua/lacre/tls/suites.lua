--- tls.suites: cipher suites, groups and named policies.
--
-- OpenSSL drops unknown ciphers silently and refuses a whole list for one unknown group; so every
-- name is looked up here, one by one, before OpenSSL sees a list.

local core = require "lacre.core"
local sorted = require "lacre.sorted"

local suites = {}

-- RFC 9325 section 4.2: forward secrecy and AEAD, nothing else
local modern12 = {
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
}

local modern13 = { "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256" }

-- for peers that know no AEAD; still forward secret
local cbc12 = {
  "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
}

--- Lists as one.
---@param ... string[]
---@return string[]
function suites.join(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, name in ipairs(list) do
      all[#all + 1] = name
    end
  end
  return all
end

local groups = { "?X25519MLKEM768", "X25519", "P-256", "P-384" }

--- Named bundles of settings. `default` moves with releases; a dated one never changes.
suites.policies = {
  default = { min_version = "1.2", ciphers = suites.join(modern13, modern12), groups = groups },
  modern = { min_version = "1.3", ciphers = modern13, groups = groups },
  compat = { min_version = "1.2", ciphers = suites.join(modern13, modern12, cbc12), groups = groups },
  ["2026.1"] = { min_version = "1.2", ciphers = suites.join(modern13, modern12), groups = groups },
}

--- The names of the policies, for messages.
suites.policy_names = { "default", "modern", "compat", "2026.1" }

local known_ciphers

-- by IANA and by OpenSSL name, everything this build implements
local function ciphers_by_name()
  if known_ciphers then
    return known_ciphers
  end
  local ctx = assert(core.context.new "client")
  ctx:security_level(0)
  assert(ctx:ciphers("ALL:COMPLEMENTOFALL", table.concat({
    "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256",
  }, ":")))
  known_ciphers = {}
  for _, row in ipairs(ctx:effective().ciphers) do
    known_ciphers[row.name], known_ciphers[row.openssl_name], known_ciphers[row.id] = row, row, row
  end
  return known_ciphers
end

--- What is known of a cipher suite by its IANA or OpenSSL name, or number; nil where this build has it not.
---@param name string|integer
---@return { name: string, openssl_name: string, id: integer, bits: integer, version: string }?
function suites.row(name)
  return ciphers_by_name()[name]
end

--- The IANA name of a cipher suite by its number.
---@param number integer
---@return string?
function suites.cipher_of(number)
  local row = ciphers_by_name()[number]
  return row and row.name
end

--- The numbers of the suites of a version that this build has, without those of pre-shared keys.
---@param version "1.2"|"1.3"
---@return integer[]
function suites.numbers(version)
  local list, seen = {}, {}
  for _, row in pairs(ciphers_by_name()) do
    if row.version == version and not seen[row.id] and not row.name:find "PSK" and not row.name:find "SRP" then
      seen[row.id] = true
      list[#list + 1] = row.id
    end
  end
  table.sort(list)
  return list
end

local function names_in(ctx)
  local names = {}
  for _, row in ipairs(ctx:effective().ciphers) do
    names[row.name] = true
  end
  return names
end

local forbidden

-- what the system's policy (openssl.cnf, crypto-policies) takes out of OpenSSL's own default
local function forbidden_by_system()
  if not forbidden then
    local ctx = assert(core.context.new "client")
    local allowed = names_in(ctx)
    assert(ctx:ciphers(core.algorithms.defaults()))
    forbidden = names_in(ctx)
    for name in pairs(allowed) do
      forbidden[name] = nil
    end
  end
  return forbidden
end

--- OpenSSL's two lists of ciphers for some names. What the system's policy forbids is left out: it may
--- make lacre's stricter, and is never made laxer.
---@param names string[] IANA or OpenSSL names
---@param respects_system boolean
---@return string? tls12 joined by ":"
---@return string tls13 or, after nil, the unknown name
function suites.cipher_lists(names, respects_system)
  local refused = respects_system and forbidden_by_system() or {}
  local lists = { ["1.2"] = {}, ["1.3"] = {} }
  for _, name in ipairs(names) do
    local row = type(name) == "string" and ciphers_by_name()[name]
    if not row then
      return nil, name
    elseif not refused[row.name] then
      table.insert(lists[row.version], row.openssl_name)
    end
  end
  return table.concat(lists["1.2"], ":"), table.concat(lists["1.3"], ":")
end

local usual13

--- What a list of suites of TLS 1.3 has to be set to: nothing where a context has it by itself.
---@param tls13 string joined by ":"
---@return string
function suites.to_set(tls13)
  if not usual13 then
    local names = {}
    for _, row in ipairs(assert(core.context.new "client"):effective().ciphers) do
      names[#names + 1] = row.version == "1.3" and row.openssl_name or nil
    end
    usual13 = table.concat(names, ":")
  end
  return tls13 == usual13 and "" or tls13
end

--- Whether a suite proves nothing by a certificate (anonymous, PSK, SRP) or encrypts nothing (NULL).
---@param name any IANA or OpenSSL name
---@return boolean
function suites.is_bare(name)
  local row = type(name) == "string" and ciphers_by_name()[name]
  local usual = row and row.name or ""
  return (usual:find "_anon_" or usual:find "PSK" or usual:find "SRP" or usual:find "_NULL_") ~= nil
end

--- The names among some that a version of TLS has: "1.2" or "1.3".
---@param names string[]
---@param version string
---@return string[]
function suites.of_version(names, version)
  local list = {}
  for _, name in ipairs(names) do
    local row = ciphers_by_name()[name]
    list[#list + 1] = row and row.version == version and name or nil
  end
  return list
end

-- RFC 8446 section 4.2.3
local sigalgs_by_number = {
  [0x0401] = "rsa_pkcs1_sha256", [0x0501] = "rsa_pkcs1_sha384", [0x0601] = "rsa_pkcs1_sha512",
  [0x0403] = "ecdsa_secp256r1_sha256", [0x0503] = "ecdsa_secp384r1_sha384", [0x0603] = "ecdsa_secp521r1_sha512",
  [0x0804] = "rsa_pss_rsae_sha256", [0x0805] = "rsa_pss_rsae_sha384", [0x0806] = "rsa_pss_rsae_sha512",
  [0x0807] = "ed25519", [0x0808] = "ed448", [0x0809] = "rsa_pss_pss_sha256", [0x080a] = "rsa_pss_pss_sha384",
  [0x080b] = "rsa_pss_pss_sha512", [0x0201] = "rsa_pkcs1_sha1", [0x0203] = "ecdsa_sha1",
  [0x081a] = "ecdsa_brainpoolP256r1tls13_sha256", [0x081b] = "ecdsa_brainpoolP384r1tls13_sha384",
  [0x081c] = "ecdsa_brainpoolP512r1tls13_sha512", [0x0708] = "sm2sig_sm3",
  [0x0904] = "mldsa44", [0x0905] = "mldsa65", [0x0906] = "mldsa87",
}

-- TLS 1.2 pairs (RFC 5246 section 7.4.1.4.1) that clients still offer and nobody should ask for
local old_sigalgs_by_number = {
  [0x0301] = "rsa_pkcs1_sha224", [0x0303] = "ecdsa_sha224", [0x0202] = "dsa_sha1", [0x0302] = "dsa_sha224",
  [0x0402] = "dsa_sha256", [0x0502] = "dsa_sha384", [0x0602] = "dsa_sha512",
}

--- The name of a signature scheme by its number.
---@param number integer
---@return string?
function suites.sigalg_of(number)
  return sigalgs_by_number[number] or old_sigalgs_by_number[number]
end

local known_sigalgs = {}
for _, name in pairs(sigalgs_by_number) do
  known_sigalgs[name] = true
end

--- The names of all signature schemes that are known, sorted.
---@return string[]
function suites.sigalg_names()
  return sorted(known_sigalgs)
end

--- Whether a name is one of a signature scheme (RFC 8446 section 4.2.3).
---@param name any
---@return boolean
function suites.is_sigalg(name)
  return known_sigalgs[name] == true
end

--- Whether this build has a signature scheme.
---@param name string
---@return boolean
function suites.has_sigalg(name)
  local ctx = core.context.new "client"
  return ctx ~= nil and ctx:sigalgs(name) == true
end

-- OBJ_nid2sn of the key and the digest, as RFC 8446 section 4.2.3 names the pair
local signature_keys = {
  ["id-ecPublicKey"] = "ecdsa", ["RSASSA-PSS"] = "rsa_pss", rsassaPss = "rsa_pss", rsaEncryption = "rsa_pkcs1",
}

local signature_names = {} -- as OpenSSL tells them -> as they are called; there are few

local function signature_name(text)
  local key, digest = text:match "^([^+]*)%+?(.*)$"
  key = signature_keys[key] or key:lower()
  return digest ~= "" and key .. "_" .. digest:lower() or key
end

--- The name of a signature as OpenSSL told it: "ecdsa_sha256", "rsa_pss_sha256", "ed25519".
---@param text? string
---@return string?
function suites.signature_name(text)
  if text and not signature_names[text] then
    signature_names[text] = signature_name(text)
  end
  return signature_names[text]
end

return suites
