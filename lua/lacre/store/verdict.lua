--- store.verdict: what C found wrong with a chain, as one error a person can act on.
--
-- A finding is `{ number, code, reason, depth, cert }`; each code has one function here that says
-- what happened to which certificate, with the dates and names that decide it.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local merged = require "lacre.merged"
local sorted = require "lacre.sorted"
local time = require "lacre.time"

local reasons = later "lacre.crl.reasons"
local shown = later "lacre.x509.shown"

local verdict = {}

local function subject(finding)
  local text = finding.cert and shown.subject(finding.cert)
  return text and "certificate " .. text or "a certificate of the chain"
end

local function issuer(finding)
  return finding.cert and tostring(finding.cert:issuer()) or "its issuer"
end

local function leaf_of(finding, context)
  return context.chain and context.chain[1] or finding.cert
end

local function dated(word, which)
  return function(finding, context)
    local now = context.now or time.now()
    local at = finding.cert and finding.cert[which](finding.cert)
    if not at then
      return ("%s %s"):format(subject(finding), word), { now = now }
    end
    local distance = time.humanize(now - at) .. (now >= at and " ago" or " from now")
    return ("%s %s %s (%s)"):format(subject(finding), word, distance, time.format(at)), { now = now, [which] = at }
  end
end

local function rule_of(finding)
  return (finding.reason or ""):gsub("^.*_ERR_", ""):lower()
end

local function nonconforming(finding)
  local rule = rule_of(finding)
  return ("%s breaks a rule of RFC 5280: %s"):format(subject(finding), (rule:gsub("_", " "))), { rule = rule },
    "reissue the certificate so that it conforms, or set strict = false"
end

local purpose_names = {
  server = "servers", client = "clients", code_signing = "signing code", ocsp = "signing OCSP responses",
}

-- code -> message, detail?, hint?
local words = {
  cert_expired = dated("expired", "not_after"),
  cert_not_yet_valid = dated("becomes valid", "not_before"),
  cert_nonconforming = nonconforming,

  hostname_mismatch = function(finding, context)
    local leaf = leaf_of(finding, context)
    local names = leaf and shown.hosts(leaf) or "no name at all"
    return ("the certificate is for %s, not for %s"):format(names, context.server_name or "the requested name"),
      { expected = context.server_name, presented = leaf and leaf:hosts() or {},
        kind = finding.reason == "X509_V_ERR_IP_ADDRESS_MISMATCH" and "ip" or "dns" }
  end,

  email_mismatch = function(finding, context)
    return ("the %s is not for %s"):format(subject(finding), context.email or "the requested address"),
      { expected = context.email }
  end,

  unknown_issuer = function(finding, context)
    local message = ("%s was issued by %s, which is neither in the chain nor trusted"):format(
      subject(finding), issuer(finding))
    local alone = context.presented and #context.presented <= 1
    return message, { missing_issuer = issuer(finding) },
      alone and "add its intermediate certificates (a server should send them), or trust its issuer"
        or "trust the CA at the top of this chain"
  end,

  untrusted_root = function(finding)
    return ("the chain ends in %s, which is not trusted"):format(subject(finding)), nil,
      "if this is your own CA, trust its root certificate (trust = its file, or --trust FILE)"
  end,

  self_signed = function(finding)
    return ("%s is self-signed and not trusted"):format(subject(finding)), nil,
      "trust exactly this certificate (trust = its file, or --trust FILE), or its pin (trust = \"pins\")"
  end,

  cert_revoked = function(finding)
    local reason = reasons.name(finding.crl_reason)
    return reasons.sentence(subject(finding), finding.revoked_at, reason),
      { revoked_at = finding.revoked_at, crl_reason = reason }
  end,

  wrong_purpose = function(finding, context)
    local usage = finding.cert and finding.cert:extended_key_usage()
    local purpose = purpose_names[context.purpose] or context.purpose or "this purpose"
    return ("%s is not for %s"):format(subject(finding), purpose),
      { required = context.purpose, presented = sorted(usage or {}) }
  end,

  weak_key = function(finding)
    local key = finding.cert and finding.cert:public_key()
    local words = key and "the key of %s is too weak" or "the key of %s cannot be read"
    return words:format(subject(finding)), { bits = key and key:bits() }
  end,

  weak_signature = function(finding)
    local algorithm = finding.cert and finding.cert:signature_algorithm()
    return ("%s is signed with %s, which is too weak"):format(subject(finding), algorithm or "an algorithm"),
      { algorithm = algorithm }
  end,

  chain_too_long = function(_, context)
    return "the chain is longer than max_depth allows", { limit = context.max_depth }
  end,
}

-- codes whose summary says enough
local function plain(finding)
  local reason = rule_of(finding):gsub("_", " ")
  return ("%s is refused: %s"):format(subject(finding), reason)
end

local function error_of(finding, context)
  local message, detail, hint = (words[finding.code] or plain)(finding, context)
  return lacre_error.new {
    code = finding.code, message = message, stage = "verify", library = "x509",
    reason = finding.reason, number = finding.number, depth = finding.depth, cert = finding.cert,
    chain = context.presented or context.chain, host = context.host or context.server_name, port = context.port,
    detail = detail, hint = hint,
  }
end

--- The error of a failed verification: the first finding, with all of them in `errors` where there
--- are several.
---@param findings table[] from C, with `chain`
---@param context table server_name, email, purpose, presented (certificates), now, host, port, max_depth
---@return lacre.error
function verdict.error(findings, context)
  local known = merged({ chain = findings.chain }, context)
  local errors = {}
  for i, finding in ipairs(findings) do
    errors[i] = error_of(finding, known)
  end
  if #errors == 0 then
    errors[1] = error_of({ code = "cert_invalid", reason = "X509_V_ERR_UNSPECIFIED", number = 1 }, known)
  elseif #errors > 1 then
    local all = {}
    for i, err in ipairs(errors) do
      all[i] = err
    end
    -- a copy of the first holds them all, so that none holds itself
    errors[1] = error_of(findings[1], known)
    errors[1].errors = all
  end
  return errors[1]
end

return verdict
