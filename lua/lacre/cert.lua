--- cert: certificates: read, made, verified.
--
-- The methods of a certificate stand in lua/lacre/cert/read.lua; here is what needs more than
-- one certificate.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local later = require "lacre.later"

local issue = later "lacre.cert.issue"
local lint = later "lacre.lint"
local store = later "lacre.store"
local views = later "lacre.x509.views"

local methods = core.cert.methods

--- Verifies the certificate against trust; `cert:verify{ trust = ..., server_name = ... }`.
---@param given table see `lacre.store`
---@return lacre.cert[]? chain leaf first, anchor last
---@return lacre.error? err
function methods:verify(given)
  return store.verify(self, given)
end

--- Plain data with stable field names, ready for JSON.
---@return table
function methods:to_table()
  return views.certificate(self)
end

--- Some lines for people.
---@return string
function methods:to_text()
  return views.certificate_text(self)
end

--- What verifiers would reject, and other findings: `{ { rule, level, clause, text, fix }, ... }`.
---@param profile? string
---@param now? number
---@return table[]
function methods:lint(profile, now)
  return lint.certificate(self, profile, now)
end

local cert = {
  is = certificate.is,
  parse = certificate.parse,
  parse_all = certificate.parse_all,
  load = certificate.load,
  load_all = certificate.load_all,
}

--- Makes and signs a certificate; self-signed without `issuer`.
---@param given table see docs/certificates.md: key|csr, hosts, subject, profile, issuer, issuer_key, valid_for ...
---@return lacre.cert? cert
---@return lacre.error? err issuer_not_ca issuer_path_length key_mismatch validity_exceeds_issuer
--- csr_signature_invalid weak_key bad_name name_constraint_violation
function cert.create(given)
  return issue.create(given)
end

return cert
