--- health.diagnosis.verify: what verification found, as reasons of the health check.

local chain_rules = require "lacre.health.diagnosis.chain"
local codes = require "lacre.health.codes"
local lacre_ocsp = require "lacre.ocsp"
local pin = require "lacre.pin"
local reasons = require "lacre.crl.reasons"
local hosts_of = require("lacre.x509.shown").hosts
local time = require "lacre.time"

local diagnosis_verify = {}

local shown = chain_rules.shown

local function dated(cert, which)
  return cert and time.format(cert[which](cert)) or "?"
end

-- what OpenSSL calls it, in small letters
local function spelled(finding)
  return (finding.reason or finding.code):gsub("^.*_ERR_", ""):gsub("_", " "):lower()
end

-- of what the certificate says of its issuer, what can be fetched
local function where_to_get(cert)
  for _, url in ipairs(cert:issuer_urls()) do
    if url:lower():find "^https?://[^%s%c]+$" then
      return (" (the missing certificate: %s)"):format(url), url
    end
  end
  return ""
end

-- the last certificate that was sent and leads upwards has no issuer here: either the server forgot its
-- intermediates, or it is a CA nobody knows
local function no_issuer(out, finding, facts)
  local cert = finding.cert or facts.chain[#facts.chain]
  local issuer, where, url = tostring(cert:issuer()), where_to_get(cert)
  if out:find "CHAIN_INCOMPLETE" or out:find "UNTRUSTED_ROOT" then
    return
  elseif (finding.depth or 0) == 0 then
    out:add("CHAIN_INCOMPLETE", ("the chain ends at %s; its issuer %s is neither sent nor trusted%s"):format(
      shown(cert), issuer, where), { issuer = issuer, url = url })
  else
    out:add("UNTRUSTED_ROOT", ("the chain ends at %s, whose issuer %s is not trusted%s"):format(
      shown(cert), issuer, where), { issuer = issuer, url = url })
  end
end

local function name_mismatch(out, _, facts, set)
  local leaf, name = facts.chain[1], set.server_name
  local names = hosts_of(leaf)
  if not names then
    out:add("NO_SAN", ("the certificate has no subjectAltName, so it does not match %s"):format(name))
  else
    out:add("HOSTNAME_MISMATCH", ("for %s, not for %s"):format(names, name),
      { expected = name, presented = leaf:hosts() })
  end
end

-- a certificate out of its time: the server's own has a reason of its own
local function out_of_time(code, words, which)
  return function(out, finding)
    local told = words:format(dated(finding.cert, which))
    if finding.depth == 0 then
      out:add(code, told)
    else
      out:add("CHAIN_EXPIRED", ("%s %s"):format(shown(finding.cert), told), { depth = finding.depth })
    end
  end
end

local special = {
  cert_expired = out_of_time("CERT_EXPIRED", "expired %s", "not_after"),
  cert_not_yet_valid = out_of_time("CERT_NOT_YET_VALID", "is not valid before %s", "not_before"),
  hostname_mismatch = name_mismatch,
  unknown_issuer = no_issuer,
  self_signed = function(out, finding)
    out:add("SELF_SIGNED", ("%s is self-signed and not trusted"):format(shown(finding.cert)))
  end,
  untrusted_root = function(out, finding)
    out:add("UNTRUSTED_ROOT", ("the chain ends in %s, which is not trusted"):format(shown(finding.cert)))
  end,
  chain_too_long = function(out, finding)
    out:add("VERIFY", ("%s is too far from a root: the chain is too long"):format(shown(finding.cert)),
      { number = finding.number, reason = finding.reason })
  end,
  cert_nonconforming = function(out, finding)
    out:add("NONCONFORMING", ("%s: %s"):format(finding.cert and shown(finding.cert) or "a certificate",
      spelled(finding)), { depth = finding.depth })
  end,
}

function special.cert_revoked(out, finding)
  out:revoked(finding.cert, finding.depth, finding.revoked_at, reasons.name(finding.crl_reason))
end

local list_problems = {
  crl_missing = "there is no CRL of %s", crl_expired = "the CRL of %s is out of date (past its nextUpdate)",
  crl_invalid = "the CRL of %s: %s",
}

for code, words in pairs(list_problems) do
  special[code] = function(out, finding)
    local issuer = finding.cert and tostring(finding.cert:issuer()) or "the issuer"
    out:add("CRL_PROBLEM", words:format(issuer, spelled(finding)), { depth = finding.depth })
  end
end

-- what a person is told of a certificate; for the rest, what OpenSSL calls it
local sentences = {
  BAD_SIGNATURE = "the signature on %s is invalid",
  WRONG_EKU = "%s may not be used for servers",
  INVALID_CA = "%s is not a CA, but issued another certificate",
  PATHLEN = "there are more CAs below %s than its path length allows",
  NAME_CONSTRAINT = "a CA above %s may not issue for its names",
  WEAK_KEY = "the key of %s is too weak",
  WEAK_SIGNATURE = "%s is signed with a broken algorithm",
  UNKNOWN_CRITICAL_EXT = "%s has a critical extension that is unknown here",
}

local function plain(out, finding)
  local code = codes.by_error[finding.code] or "VERIFY"
  local who = finding.cert and shown(finding.cert) or "the chain"
  out:add(code, sentences[code] and sentences[code]:format(who) or ("%s: %s"):format(who, spelled(finding)), {
    depth = finding.depth, number = finding.number, reason = finding.reason,
  })
end

local function is_too_long(findings)
  for _, finding in ipairs(findings) do
    if finding.code == "chain_too_long" then
      return true
    end
  end
  return false
end

-- what follows from what is said anyway
local function is_echo(out, finding, findings)
  if finding.code == "unknown_issuer" and is_too_long(findings) then
    return true -- the search for issuers was given up
  end
  if finding.code == "wrong_purpose" and finding.depth > 0 then
    local known = out:find "INVALID_CA"
    return known ~= nil and known.depth == finding.depth
  end
  return finding.code == "self_signed" and out:find "UNTRUSTED_ROOT" ~= nil
    or finding.reason == "X509_V_ERR_CERT_UNTRUSTED" and (out:find "UNTRUSTED_ROOT" or out:find "SELF_SIGNED") ~= nil
end

--- Adds what verification found.
---@param out lacre.findings
---@param facts table of `lacre.health.probe`
---@param set { server_name: string }
function diagnosis_verify.check(out, facts, set)
  for _, finding in ipairs(facts.verify.findings) do
    if not is_echo(out, finding, facts.verify.findings) then
      (special[finding.code] or plain)(out, finding, facts, set)
    end
  end
  if not facts.verify.ok and #out.list == 0 then
    out:add("VERIFY", "the chain does not verify")
  end
end

local staples = {
  missing = { "MUST_STAPLE_MISSING", "the certificate requires a stapled OCSP response, but none was sent" },
  invalid = { "STAPLE_BAD", "the stapled OCSP response is not about this certificate, or not signed by its issuer" },
  expired = { "STAPLE_BAD", "the stapled OCSP response is out of date" },
  unknown = { "STAPLE_BAD", "the OCSP responder does not know the certificate" },
}

--- Adds what the stapled OCSP response says, or that it is missing; with "off" nobody reads it.
---@param out lacre.findings
---@param facts table of `lacre.health.probe`
---@param ocsp? string
function diagnosis_verify.check_staple(out, facts, ocsp)
  local row = staples[facts.staple_state]
  if facts.staple_state == "revoked" and ocsp ~= "off" then
    local leaf, response = facts.chain[1], lacre_ocsp.parse(facts.staple)
    return out:revoked(leaf, 0, response and response:revoked_at(leaf), response and response:reason(leaf))
  end
  if row and not (ocsp == "off" and facts.staple) then
    out:add(row[1], row[2])
  elseif not facts.staple and facts.chain[1]:must_staple() then
    out:add(staples.missing[1], staples.missing[2])
  elseif facts.staple_state ~= "good" or ocsp == "off" then
    out:add("REVOCATION_UNCHECKED", facts.staple and "the stapled OCSP response was ignored; revocation was not checked"
      or "no stapled OCSP response; revocation was not checked")
  end
end

--- Compares with pins: on the chain that was verified, or else with the leaf alone.
---@param out lacre.findings
---@param facts table
---@param pins? lacre.pinset
function diagnosis_verify.check_pins(out, facts, pins)
  if not pins then
    return
  end
  if not pins:match(facts.verified_chain or { facts.chain[1] }) then
    local mine = tostring(pin.of(facts.chain[1]))
    out:add("PIN_MISMATCH", ("the server's key is %s"):format(mine), { got = mine })
  end
end

return diagnosis_verify
