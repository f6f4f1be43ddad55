--- ca.renewal: the same certificate again, with the same key or with a new one.
--
-- Everything an old certificate says is kept, byte for byte, except its dates, its serial and the
-- identifiers of keys; what the caller names is changed.

local authority = require "lacre.ca.authority"
local certificate = require "lacre.cert.read"
local extension = require "lacre.x509.extension"
local fail = require("lacre.error").fail
local key = require "lacre.key"
local merged = require "lacre.merged"
local options = require "lacre.options"
local record = require "lacre.ca.record"

local methods = authority.methods

local SKEW = 300 -- what every certificate begins early

-- an option, and the extension that it replaces
local replaces = {
  hosts = "subject_alt_names", subject_alt_names = "subject_alt_names",
  key_usage = "key_usage", extended_key_usage = "extended_key_usage",
  name_constraints = "name_constraints", path_length = "basic_constraints",
  crl_urls = "crl_distribution_points", policies = "certificate_policies", must_staple = "tls_feature",
  ocsp_urls = "authority_info_access", issuer_urls = "authority_info_access",
}

local purposes = {
  { "server_auth", "client_auth", "peer" }, { "server_auth", nil, "server" }, { "client_auth", nil, "client" },
  { "ocsp_signing", nil, "ocsp" }, { "email_protection", nil, "email" }, { "code_signing", nil, "code_signing" },
}

--- The profile a certificate was made with, as far as it tells.
---@param cert lacre.cert
---@return string
local function profile_of(cert)
  if cert:is_ca() then
    return "intermediate"
  end
  local usage = cert:extended_key_usage() or {}
  for _, row in ipairs(purposes) do
    if usage[row[1]] and (row[2] == nil or usage[row[2]]) then
      return row[3]
    end
  end
  return "server"
end

local function kept_extensions(old, set)
  local changed = { [extension.oid "authority_key_id"] = true, [extension.oid "subject_key_id"] = true }
  for option, name in pairs(replaces) do
    if set[option] ~= nil then
      changed[extension.oid(name)] = true
    end
  end
  local kept = {}
  for _, one in ipairs(old:raw_extensions()) do
    if not changed[one.oid] then
      kept[#kept + 1] = { oid = one.oid, critical = one.critical, der = one.der }
    end
  end
  return kept
end

-- the options under which the same certificate is made again
local function options_like(old, given)
  local set = merged(given)
  set.extensions = set.extensions or kept_extensions(old, set)
  set.profile = set.profile or profile_of(old)
  set.subject = set.subject or old:subject()
  if not set.hosts then
    set.subject_alt_names = set.subject_alt_names or old:subject_alt_names()
  end
  if not set.valid_for and not set.not_after then
    set.valid_for = math.max(0, old:not_after() - old:not_before() - SKEW)
    set.clamp = set.clamp ~= false
  end
  return set
end

local function again(self, which, given, what, choose_key)
  local set = authority.copy_of(given, what)
  local old, err = self.books:certificate(record.which(which, what))
  if not old then
    return nil, err
  end
  local supersede = set.supersede
  set.supersede = nil
  set.key, err = choose_key(old, set)
  if not set.key then
    return nil, err
  end
  local cert
  cert, err = authority.issue_one(self, options_like(old, set), false)
  if cert and supersede then
    local revoked
    revoked, err = self:revoke(old, "superseded")
    cert = (revoked or err.code == "already_revoked") and cert
  end
  if not cert then
    return nil, err
  end
  return { cert = cert, key = set.key:is_private() and set.key or nil, chain = self:chain(), pin = cert:pin() }
end

--- The same certificate with the same key, valid for as long again from now; pins still match. Names,
--- usages and all other extensions stay, unless an option of `cert.create` changes them.
---@param which string|lacre.cert serial number or certificate
---@param given? table options of `cert.create`, and `supersede = true` to revoke the old one
---@return { cert: lacre.cert, chain: lacre.cert[], pin: string }? identity without a key
---@return lacre.error? err unknown_serial policy_refused validity_exceeds_issuer ...
function methods:renew(which, given)
  return again(self, which, given, "ca:renew", function(old, set)
    if set.key then
      return fail("config", "key_mismatch", "a renewal keeps the key; use ca:rekey for a new key")
    end
    return old:public_key()
  end)
end

-- a key of the same kind as another
local function kind_of(old)
  local public = old:public_key()
  local kind = public and public:type() or "ec"
  if kind == "rsa" or kind == "rsa-pss" then
    return "rsa:" .. math.max(2048, public:bits())
  elseif kind == "ec" then
    return (public:curve() or "P-256"):lower():gsub("-", "")
  end
  return kind
end

--- A new key, of the kind of a certificate's unless another is named.
---@param old lacre.cert
---@param kind? string
---@return lacre.key? key
---@return lacre.error? err unsupported
---@package
function methods.key_like(_, old, kind)
  return key.generate(kind or kind_of(old))
end

--- The same certificate with a new key, of the same type unless `key` says otherwise.
---@param which string|lacre.cert serial number or certificate
---@param given? table as `ca:renew`, and `key`: a key or a key type
---@return { cert: lacre.cert, key: lacre.key, chain: lacre.cert[], pin: string }? identity
---@return lacre.error? err as ca:renew
function methods:rekey(which, given)
  return again(self, which, given, "ca:rekey", function(old, set)
    if key.is(set.key) then
      return set.key
    end
    return self:key_like(old, set.key)
  end)
end

--- Replaces the CA's own certificate by a renewed one for the same key.
---@param cert lacre.cert
---@param above lacre.cert[] the certificates above it
---@return lacre.ca? ca the same
---@return lacre.error? err key_mismatch issuer_not_ca
function methods:replace_certificate(cert, above)
  options.expect("ca:replace_certificate", 1, certificate.is(cert), "certificate", cert)
  options.argument("ca:replace_certificate", 2, above, "table")
  if not cert:public_key():matches(self:cert()) then
    return fail("sign", "key_mismatch", "the certificate does not match the key of %s", tostring(self:cert():subject()))
  elseif not cert:is_ca() then
    return fail("sign", "issuer_not_ca", "%s is not a CA", tostring(cert:subject()))
  end
  local pem = { cert:to_pem() }
  for _, one in ipairs(above) do
    pem[#pem + 1] = one:to_pem()
  end
  local done, err = self.books:transact(function()
    return self.books:replace_own(cert, table.concat(pem))
  end)
  if not done then
    return nil, err
  end
  self.certificate, self.above = cert, above
  return self
end

return methods
