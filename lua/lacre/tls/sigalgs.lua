--- tls.sigalgs: signature schemes, by their names and numbers (RFC 8446 section 4.2.3).

local core = require "lacre.core"
local sorted = require "lacre.sorted"

local sigalgs = {}

-- IANA's registry of signature schemes, as far as anybody offers them
local by_number = {
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
local old_by_number = {
  [0x0301] = "rsa_pkcs1_sha224", [0x0303] = "ecdsa_sha224", [0x0202] = "dsa_sha1", [0x0302] = "dsa_sha224",
  [0x0402] = "dsa_sha256", [0x0502] = "dsa_sha384", [0x0602] = "dsa_sha512",
}

--- The name of a signature scheme by its number.
---@param number integer
---@return string?
function sigalgs.name_of(number)
  return by_number[number] or old_by_number[number]
end

local known = {}
for _, name in pairs(by_number) do
  known[name] = true
end

--- The names of all signature schemes that are known, sorted.
---@return string[]
function sigalgs.names()
  return sorted(known)
end

--- Whether a name is one of a signature scheme.
---@param name any
---@return boolean
function sigalgs.is_known(name)
  return known[name] == true
end

--- Whether this build has a signature scheme.
---@param name string
---@return boolean
function sigalgs.has(name)
  local ctx = core.context.new "client"
  return ctx ~= nil and ctx:sigalgs(name) == true
end

-- OBJ_nid2sn of the key and the digest, as RFC 8446 section 4.2.3 names the pair
local keys = {
  ["id-ecPublicKey"] = "ecdsa", ["RSASSA-PSS"] = "rsa_pss", rsassaPss = "rsa_pss", rsaEncryption = "rsa_pkcs1",
}

local usual = {} -- as OpenSSL tells them -> as they are called; there are few

local function usual_name(text)
  local key, digest = text:match "^([^+]*)%+?(.*)$"
  key = keys[key] or key:lower()
  return digest ~= "" and key .. "_" .. digest:lower() or key
end

--- The name of a signature as OpenSSL told it: "ecdsa_sha256", "rsa_pss_sha256", "ed25519".
---@param text? string
---@return string?
function sigalgs.usual(text)
  if text and not usual[text] then
    usual[text] = usual_name(text)
  end
  return usual[text]
end

return sigalgs
