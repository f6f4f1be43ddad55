--- ca.answers: what a CA says of one certificate when asked online (RFC 6960), and who says it for the CA.

local authority = require "lacre.ca.authority"
local certificate = require "lacre.cert.read"
local file = require "lacre.file"
local key = require "lacre.key"
local later = require "lacre.later"
local options = require "lacre.options"
local record = require "lacre.ca.record"

local ocsp = later "lacre.ocsp"

local methods = authority.methods

local DAY = 86400

-- what the last list says of a serial: nobody hears "good" of what is on it, but for a hold, which may be over
local function listed(self, serial)
  local list = self.books:last_crl()
  local said = list and list:verify(self:cert()) and list:find(serial)
  return said and said.reason ~= "certificate_hold" and said or nil
end

-- good for what is in the books and not revoked; nothing is known of the rest
local function status_of(self)
  return function(serial)
    serial = record.serial(serial)
    local one, err = self.books:find(serial)
    if not one and err.code ~= "unknown_serial" then
      error(err, 0)
    elseif one and one.revoked_at then
      return { status = "revoked", time = one.revoked_at, reason = one.reason }
    end
    local said = listed(self, serial)
    if said then
      return { status = "revoked", time = said.time, reason = said.reason }
    end
    return one and "good" or "unknown"
  end
end

local schema = {
  signer = { type = options.object("certificate", certificate.is) },
  key = { type = options.object("key", key.is) },
  next_update = { type = "duration", default = DAY },
}

--- Answers an OCSP request: good, revoked with time and reason, or unknown. The
--- CA's own key signs unless a delegated signer is given (`ca:responder()`). No answer holds for longer than
--- the certificate of who signs it.
---@param request string DER
---@param given? { signer?: lacre.cert, key?: lacre.key, next_update?: number|string }
---@return string? der
---@return lacre.error? err bad_der key_mismatch issuer_not_ca index_corrupt ...
function methods:respond(request, given)
  options.argument("ca:respond", 1, request, "string")
  local set = options.check(schema, given, "ca:respond")
  local private, err = set.key, nil
  if not private then
    private, err = self:key()
  end
  if not private then
    return nil, err
  end
  local left = (set.signer or self:cert()):expires_in()
  local ok, answer, why = pcall(ocsp.respond, {
    request = request, issuer = self:cert(), signer = set.signer, key = private,
    next_update = left > 0 and math.min(set.next_update, left) or set.next_update,
    status = status_of(self),
  })
  if not ok and type(answer) == "table" then
    return nil, answer
  elseif not ok then
    error(answer, 0)
  end
  return answer, why
end

-- one whose key others have signs nothing more
local function is_revoked(ca, cert)
  local one = ca.books:find(record.serial(cert:serial()))
  return one ~= nil and one.revoked_at ~= nil
end

local function is_good(cert, private, ca, least)
  local usage = cert and cert:extended_key_usage()
  return private ~= nil and usage ~= nil and usage.ocsp_signing and cert:expires_in() > least
    and cert:is_issued_by(ca:cert()) and private:matches(cert) and not is_revoked(ca, cert)
end

-- the signer there is, where it is valid for so long
local function kept(ca, least)
  local paths, found = ca.books.paths, ca.answering or {}
  if paths then
    found = { cert = certificate.load(paths.ocsp_cert), key = key.load(paths.ocsp_key) }
  end
  return is_good(found.cert, found.key, ca, least) and found or nil
end

-- a certificate for itself: no policy has a say in whether a CA answers
local function delegate(self)
  local private, err = key.generate "p256"
  local cert
  if private then
    cert, err = authority.issue_one(self, {
      profile = "ocsp", key = private, subject = { CN = "OCSP responder" }, clamp = true,
    }, false, true)
  end
  return cert and { cert = cert, key = private, chain = self:chain(), pin = cert:pin() }, err
end

--- The delegated OCSP signer: a certificate with profile ocsp and its key, so that the CA's own key can
--- stay offline. If the CA is on disk they are saved there (`ocsp.crt`, and `ocsp.key`, not encrypted, mode
--- 0600) and replaced a day before they expire, or once they are revoked.
---@param last? boolean one that expires today will do
---@return { cert: lacre.cert, key: lacre.key }? identity
---@return lacre.error? err no_key where a new one is needed and the CA's key is not here
function methods:responder(last)
  local paths, found = self.books.paths, kept(self, last and 0 or DAY)
  if found then
    return found
  end
  local made, err = delegate(self)
  if not made then
    return nil, err
  end
  self.answering = made
  if not paths then
    return made
  end
  local pem, done
  pem, err = made.key:to_pem()
  if pem then
    done, err = file.write_together({
      { path = paths.ocsp_key, bytes = pem, mode = "0600" }, { path = paths.ocsp_cert, bytes = made.cert:to_pem() },
    }, { overwrite = true })
  end
  return done and made, err
end

return methods
