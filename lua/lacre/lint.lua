--- lint: finds what verifiers would reject, and other faults of certificates and requests.
--
-- Each finding names the rule, its level (`error`: some verifier refuses it; `warning`: some may;
-- `note`: a limit of the public web), the clause, what is the case here, and the fix.

local extension = require "lacre.x509.extension"
local options = require "lacre.options"
local time = require "lacre.time"

local lint = {}

local certificate_rules = {
  require "lacre.lint.rules", require "lacre.lint.extensions", require "lacre.lint.names",
}
local request_rules = { require "lacre.lint.requests", require "lacre.lint.names" }

local PROFILES = { "server", "client", "peer", "ca", "intermediate", "ocsp", "email", "code_signing", "any" }
local alias = { peer = "server", intermediate = "ca" }

-- what a certificate seems to be for
local function guess(object)
  local purposes = object:extended_key_usage()
  if object:is_ca() then
    return "ca"
  elseif not purposes then
    return #object:hosts() > 0 and "server" or "any"
  end
  return purposes.server_auth and "server" or purposes.client_auth and "client"
    or purposes.email_protection and "email" or purposes.code_signing and "code_signing"
    or purposes.ocsp_signing and "ocsp" or "any"
end

local function facts_of(object, profile, now)
  local facts = { list = {}, by_name = {}, now = now or time.now(), is_asked = profile ~= nil }
  local seen = {}
  for _, raw in ipairs(object:raw_extensions()) do
    local one = extension.understand(raw)
    facts.list[#facts.list + 1] = one
    if seen[one.oid] then
      facts.duplicate = one.name or one.oid
    end
    seen[one.oid] = true
    facts.by_name[one.name or one.oid] = one
  end
  local err
  facts.key, err = object:public_key()
  facts.key_error = err and err.message
  facts.profile = alias[profile] or profile or guess(object)
  return facts
end

local function run(sets, object, facts)
  local findings = {}
  for _, rows in ipairs(sets) do
    for _, row in ipairs(rows) do
      local text = row.check(object, facts)
      if text then
        findings[#findings + 1] = {
          rule = row.rule, level = row.level, clause = row.clause, text = text, fix = row.fix,
        }
      end
    end
  end
  return findings
end

local function check_profile(profile, what)
  options.check({ profile = { type = "string", values = PROFILES } }, { profile = profile }, what)
end

--- Findings about a certificate, as what it is used for; a guess from its purposes by default.
---@param cert lacre.cert
---@param profile? "server"|"client"|"peer"|"ca"|"intermediate"|"ocsp"|"email"|"code_signing"|"any"
---@param now? number
---@return { rule: string, level: "error"|"warning"|"note", clause: string, text: string, fix: string }[]
function lint.certificate(cert, profile, now)
  check_profile(profile, "cert:lint")
  local facts = facts_of(cert, profile, now)
  facts.is_self_signed = cert:is_self_signed()
  return run(certificate_rules, cert, facts)
end

--- Findings about a request: what is wrong with it, and what it asks for that no CA here gives.
---@param csr lacre.csr
---@param profile? string as for certificates; "server" by default
---@return table[]
function lint.request(csr, profile)
  check_profile(profile, "csr:lint")
  return run(request_rules, csr, facts_of(csr, profile or "server"))
end

return lint
