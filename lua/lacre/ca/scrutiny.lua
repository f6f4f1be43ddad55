--- ca.scrutiny: what is looked at before a CA's signature leaves the program.

local fail = require("lacre.error").fail
local later = require "lacre.later"
local time = require "lacre.time"

local forbidden = later "lacre.x509.forbidden"
local store = later "lacre.store"

local scrutiny = {}

local function is_constrained(chain)
  for _, cert in ipairs(chain) do
    if cert:name_constraints() then
      return true
    end
  end
  return false
end

-- which of the CAs above forbids which name
local function refuse_name(self, cert)
  for _, above in ipairs(self.above) do
    local name = forbidden.name(cert:subject_alt_names(), above:name_constraints())
    if name then
      return fail("sign", "name_constraint_violation", "the name constraints of %s, above %s, forbid %s",
        tostring(above:subject()), tostring(self.certificate:subject()), name)
    end
  end
  return fail("sign", "name_constraint_violation",
    "the name constraints of a CA above %s forbid a name of the certificate", tostring(self.certificate:subject()))
end

--- Whether the CAs above permit the names of a certificate that was just signed (RFC 5280 section 6.1.4);
--- `lacre.cert.create` asks the issuer's own constraints.
---@param self lacre.ca
---@param cert lacre.cert
---@return true? good
---@return lacre.error? err name_constraint_violation
function scrutiny.of_certificate(self, cert)
  if not is_constrained(self.above) then
    return true
  end
  local done, err = store.verify(cert, {
    trust = self:root(), intermediates = self:chain(), any_name = true, purpose = "any", time = cert:not_before() + 301,
  })
  if not done and err.code == "name_constraint_violation" then
    return refuse_name(self, cert)
  end
  return true
end

-- where the CA or one above says what certificates below may be for, verifiers hold them to it
local function check_purposes(self, draft, set)
  local wanted = set.extended_key_usage or draft.profile.purposes or {}
  for _, cert in ipairs(self:chain()) do
    local allowed = cert:extended_key_usage()
    for _, purpose in ipairs(allowed and wanted or {}) do
      if not allowed[purpose] and not allowed.any_extended_key_usage and purpose ~= "ocsp_signing" then
        return fail("sign", "wrong_purpose", "%s may not issue certificates for %s",
          tostring(cert:subject()), purpose)
      end
    end
  end
  return true
end

-- one reader of a subject stops at a NUL, another's log at a line feed
local function check_subject(draft)
  for kind, value in draft.subject:each() do
    if value:find "%c" then
      local none, err = fail("sign", "bad_name", "the subject's %s contains a control character: %s", kind,
        (value:gsub("%c", "?")))
      err.hint = "name another subject, or none"
      return none, err
    end
  end
  return true
end

-- a key that others have is never certified again
local function check_key(self, draft)
  local serial = self.books:compromised(draft.key:pin())
  if serial then
    return fail("sign", "key_compromised", "this key was revoked as compromised, with serial number %s", serial)
  end
  return true
end

--- The check of a draft before it is signed: the policy, what the CA is for, and names that are taken.
---@param self lacre.ca
---@param profile string
---@param unique? boolean
---@param own? boolean what the CA makes for itself, and nobody asked for
---@return fun(draft: table, set: table): true?, lacre.error?
function scrutiny.of_draft(self, profile, unique, own)
  return function(draft, set)
    local allowed, err = own or nil, nil
    if not own then
      allowed, err = self.policy:check(draft, profile)
    end
    if allowed then
      allowed, err = check_subject(draft)
    end
    if allowed then
      allowed, err = check_purposes(self, draft, set)
    end
    if allowed then
      allowed, err = check_key(self, draft)
    end
    if not allowed then
      return nil, err
    end
    local rules = not own and self.policy:rules_of(profile)
    if unique == nil and rules then
      unique = rules.unique
    end
    local holder = unique and #draft.names > 0 and self.books:holder(draft.names, time.now())
    if holder then
      return fail("sign", "duplicate_names", "%s, serial %s, is valid", holder.subject, holder.serial)
    end
    return true
  end
end

return scrutiny
