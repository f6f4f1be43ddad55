--- ocsp: asking online whether a certificate is revoked (RFC 6960): requests and responses.
--
--   local request = ocsp.request { cert = cert, issuer = issuer }   -- request.der goes to request.url
--   local response = ocsp.parse(answer)
--   response:verify { cert = cert, issuer = issuer, nonce = request.nonce }

local certificate = require "lacre.cert.read"
local check = require "lacre.ocsp.check"
local core = require "lacre.core"
local der = require "lacre.der"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local oid = require "lacre.x509.oid"
local options = require "lacre.options"
local respond = require "lacre.ocsp.respond"
local reasons = require "lacre.crl.reasons"
local time = require "lacre.time"
local told = require "lacre.ocsp.told"
local types = require "lacre.ocsp.types"

local fail = lacre_error.fail

local ocsp = { respond = respond.respond, refuse = respond.refuse, parse_request = respond.parse_request }

-- asking --

local request_schema = {
  cert = { type = options.object("certificate", certificate.is), required = true },
  issuer = { type = options.object("certificate", certificate.is), required = true },
  nonce = { type = "boolean", default = true },
  hash = { type = "string", values = { "sha1", "sha256" }, default = "sha1" },
}

--- An OCSP request: POST `der` to `url` as application/ocsp-request. The hash only identifies the issuer;
--- every responder supports sha1.
---@param given { cert: lacre.cert, issuer: lacre.cert, nonce?: boolean, hash?: "sha1"|"sha256" }
---@return { der: string, url?: string, nonce?: string }
function ocsp.request(given)
  local set = options.check(request_schema, given, "ocsp.request")
  local nonce = set.nonce and der.octets.write(lacre_error.assert(core.bytes.random(16))) or nil
  return {
    der = types.request.write { tbs = {
      version = 0, list = { { id = types.id_of(set.cert:serial(), set.issuer, set.hash) } },
      extensions = nonce and types.with_nonce(nonce) or nil,
    } },
    url = set.cert:ocsp_urls()[1],
    nonce = nonce,
  }
end

-- reading answers --

---@class lacre.ocsp_response
local methods = {}
local metatable = { __index = methods, __name = "lacre.ocsp_response" }

local function read_basic(self, bytes)
  local basic, err = der.decode(types.basic, bytes)
  if basic then
    self.basic, self.data, err = basic, der.decode(types.data, basic.data)
  end
  return self.data and self, err
end

--- An OCSP response from its DER, also if it is a refusal: `response:refusal()`.
---@param bytes string
---@return lacre.ocsp_response? response
---@return lacre.error? err bad_der
function ocsp.parse(bytes)
  options.argument("ocsp.parse", 1, bytes, "string")
  local decoded, err = der.decode(types.response, bytes)
  if not decoded then
    return nil, err
  end
  local self = setmetatable({ bytes = bytes, outer = decoded }, metatable)
  if decoded.status ~= 0 then
    return self
  elseif not decoded.bytes or decoded.bytes.type ~= types.BASIC then
    return fail("parse", "bad_der", "the OCSP response has an unknown type")
  end
  return read_basic(self, decoded.bytes.basic)
end

--- Why the responder did not answer: malformed_request internal_error try_later sig_required unauthorized.
---@return string?
function methods:refusal()
  local status = self.outer.status
  return status ~= 0 and (types.refusals[status] or tostring(status)) or nil
end

-- the answer about a certificate, or the first
local function single_of(self, cert, issuer)
  for _, one in ipairs(self.data and self.data.responses or {}) do
    if not cert or (one.id.serial == cert:serial() and (not issuer or types.is_of(one.id, issuer))) then
      return one
    end
  end
end

--- "good", "revoked" or "unknown", of a certificate or the first one; nil where it says nothing.
---@param cert? lacre.cert
---@return string?
function methods:status(cert)
  local one = single_of(self, cert)
  return one and next(one.status) or nil
end

--- When it was known to be so, of a certificate or the first one.
---@param cert? lacre.cert
---@return number? instant seconds since 1970
function methods:this_update(cert)
  local one = single_of(self, cert)
  return one and one.this_update
end

--- When there will be newer information.
---@param cert? lacre.cert
---@return number? instant seconds since 1970; nil where the responder does not say
function methods:next_update(cert)
  local one = single_of(self, cert)
  return one and one.next_update
end

--- When it was revoked.
---@param cert? lacre.cert
---@return number? instant seconds since 1970
function methods:revoked_at(cert)
  local one = single_of(self, cert)
  return one and one.status.revoked and one.status.revoked.time
end

--- Why it was revoked, by the names of RFC 5280 section 5.3.1.
---@param cert? lacre.cert
---@return string?
function methods:reason(cert)
  local one = single_of(self, cert)
  return one and one.status.revoked and reasons.name(one.status.revoked.reason)
end

--- When it was signed.
---@return number? instant seconds since 1970
function methods:produced_at()
  return self.data and self.data.produced_at
end

--- Who answered: `{ name = lacre.name }` or `{ key_id = hex }`.
---@return table?
function methods:responder()
  local id = self.data and self.data.responder
  if not id then
    return nil
  end
  return id.name and { name = name.wrap(id.name) } or { key_id = core.bytes.hex(id.key) }
end

--- The serial numbers it speaks of.
---@return string[]
function methods:serials()
  local list = {}
  for i, one in ipairs(self.data and self.data.responses or {}) do
    list[i] = one.id.serial
  end
  return list
end

--- The signature algorithm.
---@return string? name "ecdsa-with-SHA256"
function methods:signature_algorithm()
  return self.basic and oid.algorithm(self.basic.algorithm)
end

--- The certificates that came with it.
---@return lacre.cert[]
function methods:certs()
  local list = {}
  for _, bytes in ipairs(self.basic and self.basic.certs or {}) do
    list[#list + 1] = (certificate.parse(bytes))
  end
  return list
end

--- The response, as received.
---@return string DER
function methods:to_der()
  return self.bytes
end

--- Plain data with stable field names, ready for JSON.
---@return table
function methods:to_table()
  local who = self:responder()
  return {
    kind = "ocsp", refusal = self:refusal(), status = self:status(), serials = self:serials(),
    this_update = self:this_update(), next_update = self:next_update(), produced_at = self:produced_at(),
    revoked_at = self:revoked_at(), reason = self:reason(), signature_algorithm = self:signature_algorithm(),
    responder = who and (who.key_id or tostring(who.name)),
  }
end

--- The same for people.
---@return string
function methods:to_text()
  return told(self)
end

function metatable:__tostring()
  return ("lacre.ocsp_response: %s"):format(self:refusal() or self:status() or "empty")
end

local verify_schema = {
  cert = { type = options.object("certificate", certificate.is), required = true },
  issuer = { type = options.object("certificate", certificate.is), required = true },
  trust = { type = "list", default = {} },
  nonce = { type = "string" },
  max_age = { type = { "duration", "boolean" }, default = 7 * 86400 },
  time = { type = "instant" },
}

--- Whether the answer says that a certificate is good: it is about that certificate, its issuer or one
--- appointed by it signed it, it is of now, and it holds the nonce that was sent.
---@param given { cert: lacre.cert, issuer: lacre.cert, trust?: lacre.cert[], nonce?: string, max_age?: any,
---  time?: any }
---  trust: responders believed beside the issuer's; max_age: since this_update, false for any age
---@return true? good
---@return lacre.error? err ocsp_invalid ocsp_expired ocsp_unknown cert_revoked weak_signature
function methods:verify(given)
  local set = options.check(verify_schema, given, "ocsp:verify")
  local now = math.floor(set.time or time.now())
  if self:refusal() then
    return fail("verify", "ocsp_invalid", "the responder refused to answer: %s", self:refusal())
  end
  local one = single_of(self, set.cert, set.issuer)
  if not one then
    return fail("verify", "ocsp_invalid", "the OCSP response is about other certificates")
  elseif set.nonce and types.nonce_of(self.data.extensions) ~= set.nonce then
    return fail("verify", "ocsp_invalid", "the OCSP response does not contain the nonce that was sent")
  end
  local good, err = check.signature(self, set, now)
  if good then
    good, err = check.times(one, set, now)
  end
  if good then
    good, err = check.status(one, set)
  end
  return good, err
end

return ocsp
