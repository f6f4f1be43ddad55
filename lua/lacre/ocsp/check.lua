--- ocsp.check: whether an OCSP response may be believed: who signed it, of when it is, what it says.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local reasons = require "lacre.crl.reasons"
local time = require "lacre.time"
local types = require "lacre.ocsp.types"

local fail = lacre_error.fail

local check = {}

local SKEW = 300 -- clocks may differ

local function is_responder(self, cert)
  local id = self.data.responder
  if id.name then
    return core.name.equal(id.name, cert:subject_der())
  end
  return types.key_hash(cert) == id.key
end

-- RFC 6960 section 4.2.2.2: the issuer itself, or one that it appointed, or one trusted for it here
local function may_answer(cert, set, now)
  if cert == set.issuer then
    return true
  end
  for _, trusted in ipairs(set.trust) do
    if cert == trusted then
      return true
    end
  end
  local purposes, usage = cert:extended_key_usage(), cert:key_usage()
  return purposes ~= nil and purposes.ocsp_signing == true and (not usage or usage.digital_signature == true)
    and cert:is_valid_at(now) and cert:is_issued_by(set.issuer)
end

local function find_signer(self, set, now)
  local candidates = self:certs()
  candidates[#candidates + 1] = set.issuer
  for _, trusted in ipairs(set.trust) do
    candidates[#candidates + 1] = trusted
  end
  for _, cert in ipairs(candidates) do
    if is_responder(self, cert) and may_answer(cert, set, now) then
      return cert
    end
  end
end

local function invalid(format, ...)
  return fail("verify", "ocsp_invalid", format, ...)
end

--- Its signature, by somebody who may answer for the issuer.
function check.signature(self, set, now)
  local algorithm = self:signature_algorithm():lower()
  if algorithm:find "sha1" or algorithm:find "md5" then
    return fail("verify", "weak_signature", "the OCSP response is signed with %s", self:signature_algorithm())
  end
  local signer = find_signer(self, set, now)
  if not signer then
    return invalid "the responder may not answer for this issuer"
  end
  local basic, public = self.basic, signer:public_key()
  if not public or not core.signed.verify(basic.data, basic.algorithm, basic.signature, public) then
    return invalid "the signature of the OCSP response does not verify"
  end
  return true
end

--- That it is neither of the future nor over.
function check.times(one, set, now)
  if one.this_update > now + SKEW then
    return invalid("the OCSP response is dated in the future: %s", time.format(one.this_update))
  elseif one.next_update and one.next_update < now - SKEW then
    return fail("verify", "ocsp_expired", "the OCSP response expired %s", time.format(one.next_update))
  elseif set.max_age and one.this_update < now - set.max_age - SKEW then
    return fail("verify", "ocsp_expired", "the OCSP response is from %s", time.format(one.this_update))
  end
  return true
end

--- That it says "good".
function check.status(one, set)
  if one.status.good then
    return true
  elseif one.status.unknown then
    return fail("verify", "ocsp_unknown", "the responder does not know %s", tostring(set.cert:subject()))
  end
  local revoked = one.status.revoked
  local reason = reasons.name(revoked.reason)
  return nil, lacre_error.new {
    code = "cert_revoked", stage = "verify", library = "lacre", cert = set.cert, depth = 0,
    message = reasons.sentence(tostring(set.cert:subject()), revoked.time, reason),
    detail = { revoked_at = revoked.time, crl_reason = reason },
  }
end

return check
