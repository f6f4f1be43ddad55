--- tls.suites: cipher suites, and the named policies.
--
-- OpenSSL drops unknown ciphers silently; so every name is looked up here, one by one, before OpenSSL sees a list.

local core = require "lacre.core"

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

return suites
