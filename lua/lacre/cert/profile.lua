--- cert.profile: what certificates are for, as data. Everything a verifier wants follows from a row.

local DAY = 86400

local leaf_usage = { "digital_signature" }
local ca_usage = { "key_cert_sign", "crl_sign" }
local both = { "server_auth", "client_auth" }

---@class lacre.profile
---@field usage string[] key usage
---@field enciphers? boolean RSA keys also have key_encipherment
---@field purposes? string[] extended key usage
---@field valid_for integer seconds
---@field ca? boolean
---@field path_length? integer
---@field needs_hosts? boolean
---@field no_check? boolean id-pkix-ocsp-nocheck, RFC 6960 section 4.2.2.2.1
return {
  server = {
    usage = leaf_usage, enciphers = true, purposes = { "server_auth" }, valid_for = 90 * DAY, needs_hosts = true,
  },
  client = { usage = leaf_usage, purposes = { "client_auth" }, valid_for = 90 * DAY },
  peer = { usage = leaf_usage, enciphers = true, purposes = both, valid_for = 90 * DAY },
  ca = { ca = true, path_length = 1, usage = ca_usage, valid_for = 3650 * DAY },
  intermediate = { ca = true, path_length = 0, usage = ca_usage, purposes = both, valid_for = 1825 * DAY },
  ocsp = { usage = leaf_usage, purposes = { "ocsp_signing" }, valid_for = 30 * DAY, no_check = true },
  email = { usage = leaf_usage, enciphers = true, purposes = { "email_protection" }, valid_for = 365 * DAY },
  code_signing = { usage = leaf_usage, purposes = { "code_signing" }, valid_for = 365 * DAY },
}
