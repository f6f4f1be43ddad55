--- health.diagnosis: from what a probe found to a verdict: every reason at once, by the rules of the health check.
--
-- PASS needs a chain that verifies, the right name and TLS 1.2 or newer; everything else is a reason. The
-- rules look at facts alone, so they can be tried without a server.

local chain_rules = require "lacre.health.diagnosis.chain"
local error_rules = require "lacre.health.diagnosis.error"
local findings = require "lacre.health.findings"
local groups = require "lacre.tls.groups"
local old_suites = require "lacre.tls.old_suites"
local suites = require "lacre.tls.suites"
local verify_rules = require "lacre.health.diagnosis.verify"

local diagnosis = {}

local function check_version(out, facts, set)
  local least = set.min_tls or "1.2"
  if facts.version < least then
    out:add("TLS_TOO_OLD", ("the server supports at most TLS %s; TLS %s is required"):format(facts.version, least), {
      version = facts.version,
    })
  elseif facts.version < "1.3" then
    out:add("NO_TLS13", "TLS 1.3 is not supported")
  end
end

local usual_curves = { ["P-256"] = true, ["P-384"] = true, ["P-521"] = true }

local usual_suites = {}
for _, name in ipairs(suites.policies.modern.ciphers) do
  usual_suites[name] = true
end

-- of what was offered to a server that refused usual clients, what it took
local function unusual_of(facts)
  local public = facts.chain[1] and facts.chain[1]:public_key()
  local curve = public and public:curve()
  if curve and not usual_curves[curve] then
    return "the curve of its key, " .. curve
  elseif facts.version == "1.3" and not usual_suites[facts.cipher] then
    return "the suite " .. facts.cipher
  elseif facts.group and not groups.list { facts.group } then
    return "the group " .. facts.group
  end
end

local function check_usual(out, facts)
  local unusual = facts.is_insisting and unusual_of(facts)
  if unusual then
    out:add("UNUSUAL_PARAMETERS", ("it refuses clients that do not offer %s, as usual ones do not"):format(unusual))
  end
end

local SHORT_TAGS = "TLS_AES_128_CCM_8_SHA256"

local function check_cipher(out, facts)
  local name = facts.cipher or ""
  if name == SHORT_TAGS or facts.version ~= "1.3" and name:find "_CCM_8" then
    out:add("WEAK_CIPHER", "its tags are short, of 64 bits: " .. name, { cipher = name, severity = "warn" })
  end
  local weakness = old_suites.weakness_of(name)
  if weakness then
    out:add("WEAK_CIPHER", ("%s: %s"):format(weakness, name), { cipher = name })
  end
  if facts.version == "1.3" then
    return
  end
  if not name:find "DHE_" and not name:find "_anon_" then
    out:add("NO_FORWARD_SECRECY", ("%s has no forward secrecy"):format(name), { cipher = name })
  end
  if not (name:find "GCM" or name:find "CCM" or name:find "CHACHA20") then
    out:add("NO_AEAD", ("%s is not an AEAD"):format(name), { cipher = name })
  end
end

local LEAST_DH = 2048

local function check_exchange(out, facts)
  local dh = facts.dh
  if dh and not dh.prime then
    out:add("WEAK_DH", ("the Diffie-Hellman modulus of %d bits is not prime"):format(dh.bits), { bits = dh.bits })
  elseif dh and dh.bits < LEAST_DH then
    out:add("WEAK_DH", ("Diffie-Hellman with %d bits"):format(dh.bits), { bits = dh.bits })
  elseif dh and not dh.safe then
    out:add("WEAK_DH", "the Diffie-Hellman prime is not a safe prime", { bits = dh.bits, severity = "warn" })
  end
  local group = facts.group or ""
  if group:find "MLKEM" then
    out:add("PQ", group)
  elseif facts.hybrid_group then
    out:add("PQ", facts.hybrid_group .. ", which this OpenSSL does not support")
  elseif facts.hybrid_group == false then
    out:add("NO_PQ", "no key exchange group with ML-KEM")
  elseif facts.hybrid_error then
    out:add("PQ_UNKNOWN", "a hello with post-quantum groups only had no answer: " .. facts.hybrid_error.message,
      { error = facts.hybrid_error.code })
  end
end

local function check_client_cert(out, facts)
  local err = facts.client_cert_error
  local alert = err and (err.alert or err.code) or nil
  if facts.client_cert == "required" then
    out:add("CLIENT_CERT_REQUIRED", "the server requires a client certificate" .. (alert and (" (%s)"):format(alert)
      or ""),
      { alert = alert })
  elseif facts.client_cert == "rejected" then
    out:add("HANDSHAKE_FAILED", "the server refused the client certificate: " .. tostring(alert), { alert = alert })
  elseif facts.client_cert == "requested" then
    out:add("CLIENT_CERT_REQUESTED", "a client certificate is requested, but not required")
  end
end

local function check_certificate(out, facts, set)
  if not facts.chain[1] then
    out:add("NO_CERTIFICATE", "the server sent no certificate")
    return
  end
  verify_rules.check(out, facts, set)
  verify_rules.check_staple(out, facts, set.ocsp)
  verify_rules.check_pins(out, facts, set.pins)
  chain_rules.check(out, facts, set)
end

local requirements = {
  tls13 = function(facts)
    return facts.version == "1.3"
  end,
  pq = function(facts)
    return (facts.group or ""):find "MLKEM" ~= nil or facts.hybrid_group ~= nil and facts.hybrid_group ~= false
  end,
  sct = function(facts)
    return facts.chain[1] ~= nil and #facts.chain[1]:scts() > 0
  end,
  staple = function(facts)
    return facts.staple_state == "good"
  end,
  hsts = function(facts)
    return type(facts.hsts) == "table" and (facts.hsts.max_age or 0) > 0 -- with 0 it is taken back
  end,
}

local errors = { pq = "hybrid_error", hsts = "hsts_error" }

local function check_requirements(out, facts, set)
  for _, name in ipairs(set.require or {}) do
    if not requirements[name](facts) then
      local err = facts[errors[name]]
      out:add("REQUIREMENT_MISSED", name .. " is required" .. (err and ", and could not be asked for: " .. err.message
        or ""), { requirement = name })
    end
  end
end

--- Every reason that facts of a handshake give.
---@param facts table of `lacre.health.probe`, and `old` (an answer of `lacre.health.sounding`) or `old_error`,
--- `hybrid_group` or `hybrid_error`, `hsts`
---@param set table server_name, now, warn, fail, min_tls, pins, require, is_public
---@param out? lacre.findings to go on with
---@return lacre.findings
function diagnosis.of_facts(facts, set, out)
  out = out or findings.new()
  check_version(out, facts, set)
  check_usual(out, facts)
  check_certificate(out, facts, set)
  check_cipher(out, facts)
  check_exchange(out, facts)
  check_client_cert(out, facts)
  error_rules.check_old(out, facts.old, facts.old_error)
  check_requirements(out, facts, set)
  return out
end

--- Every reason that a failure gives.
---@param err lacre.error
---@param answers? table of `lacre.health.sounding`, by question
---@return lacre.findings
function diagnosis.of_error(err, answers)
  local out = findings.new()
  error_rules.check(out, err, answers)
  return out
end

--- Reasons that were expected count as notes; those that were expected and are missing are a failure.
---@param out lacre.findings
---@param expected? string[] "CERT_EXPIRED" or "FAIL:CERT_EXPIRED"
function diagnosis.expect(out, expected)
  for _, text in ipairs(expected or {}) do
    local code = text:match "([%u_%d]+)$" or text
    local found = false
    for _, problem in ipairs(out.list) do
      if problem.code == code then
        problem.severity, problem.expected, found = "info", true, true
      end
    end
    if not found then
      out:add("EXPECTATION_MISSED", ("%s was expected, but did not occur"):format(tostring(code)),
        { expected_code = code })
    end
  end
end

return diagnosis
