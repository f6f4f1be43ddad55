--- ocsp.respond: the other side of OCSP: requests read, and answers signed (RFC 6960).

local certificate = require "lacre.cert.read"
local der = require "lacre.der"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local reasons = require "lacre.crl.reasons"
local sign = require "lacre.x509.sign"
local time = require "lacre.time"
local types = require "lacre.ocsp.types"

local fail, misuse = lacre_error.fail, options.misuse

local ocsp = {}

--- Parses an OCSP request: `{ certs = { { serial = hex, id = }, ... }, nonce = DER or nil }`.
---@param bytes string DER
---@return table? request
---@return lacre.error? err bad_der
function ocsp.parse_request(bytes)
  options.argument("ocsp.parse_request", 1, bytes, "string")
  local decoded, err = der.decode(types.request, bytes)
  if not decoded then
    return nil, err
  end
  local certs = {}
  for i, one in ipairs(decoded.tbs.list) do
    certs[i] = { serial = one.id.serial, id = one.id }
  end
  return { certs = certs, nonce = types.nonce_of(decoded.tbs.extensions) }
end

local refusals = {}
for number, why in pairs(types.refusals) do
  refusals[why] = number
end

--- An OCSP error response.
---@param why "malformed_request"|"internal_error"|"try_later"|"sig_required"|"unauthorized"
---@return string der
function ocsp.refuse(why)
  if not refusals[why] then
    misuse("bad argument #1 to 'ocsp.refuse' (unknown reason '%s')", tostring(why))
  end
  return types.response.write { status = refusals[why] }
end

local schema = {
  request = { type = { "table", "string" } },
  cert = { type = options.object("certificate", certificate.is) },
  issuer = { type = options.object("certificate", certificate.is), required = true },
  signer = { type = options.object("certificate", certificate.is) },
  key = { type = options.object("key", key.is), required = true },
  status = { type = { "string", "table", "function" }, default = "good" },
  this_update = { type = "instant" },
  next_update = { type = { "duration", "boolean" }, default = 7 * 86400 },
  produced_at = { type = "instant" },
  hash = { type = "string", values = { "sha256", "sha384", "sha512" } },
}

-- "good", "unknown", "revoked", or { status = "revoked", time =, reason = }
local function status_of(given, now)
  local row = type(given) == "table" and given or { status = given }
  local status = row.status or "revoked"
  if status == "good" or status == "unknown" then
    return { [status] = true }
  elseif status ~= "revoked" then
    misuse("bad option 'status' to 'ocsp.respond' (\"good\", \"revoked\" or \"unknown\" expected, got '%s')",
      tostring(status))
  end
  local reason = row.reason and reasons.numbers[row.reason]
  if row.reason and not reason then
    misuse("bad option 'status' to 'ocsp.respond' (unknown reason '%s')", tostring(row.reason))
  end
  return { revoked = { time = math.floor(row.time or now), reason = reason ~= 0 and reason or nil } }
end

local function asked(set)
  if set.request == nil then
    if not set.cert then
      misuse "bad options to 'ocsp.respond' (one of 'request' and 'cert' is required)"
    end
    return { certs = { { serial = set.cert:serial(), id = types.id_of(set.cert:serial(), set.issuer, "sha1") } } }
  elseif type(set.request) == "table" then
    return set.request
  end
  return ocsp.parse_request(set.request)
end

local function single(set, one, now)
  local given = set.status
  if not types.is_of(one.id, set.issuer) then
    given = "unknown" -- another issuer's: nothing is known here
  elseif type(given) == "function" then
    given = given(one.serial) or "unknown"
  end
  return {
    id = one.id,
    status = status_of(given, now),
    this_update = math.floor(set.this_update or now),
    next_update = set.next_update and math.floor((set.this_update or now) + set.next_update) or nil,
  }
end

local function check_signer(set)
  local signer = set.signer or set.issuer
  if not set.key:is_private() then
    misuse "bad option 'key' to 'ocsp.respond' (a private key is needed to sign)"
  elseif not set.key:matches(signer) then
    return fail("sign", "key_mismatch", "the key does not belong to %s", tostring(signer:subject()))
  elseif set.signer then
    local purposes = signer:extended_key_usage()
    if not set.signer:is_issued_by(set.issuer) or not purposes or not purposes.ocsp_signing then
      return fail("sign", "issuer_not_ca", "%s may not answer for %s: it needs the profile ocsp, from that issuer",
        tostring(signer:subject()), tostring(set.issuer:subject()))
    end
  end
  return signer
end

-- what is signed
local function data_of(set, signer, request)
  local now = math.floor(set.produced_at or time.now())
  local responses = {}
  for i, one in ipairs(request.certs) do
    responses[i] = single(set, one, now)
  end
  return types.data.write {
    version = 0, responder = { key = types.key_hash(signer) }, produced_at = now,
    responses = responses, extensions = request.nonce and types.with_nonce(request.nonce) or nil,
  }
end

local function respond(set)
  local signer, err = check_signer(set)
  local request, scheme
  if signer then
    request, err = asked(set)
  end
  if request then
    scheme, err = sign.scheme(set.key, set.hash)
  end
  if not scheme then
    return nil, err
  end
  local data = data_of(set, signer, request)
  local signature
  signature, err = set.key:sign(data, { hash = scheme.hash })
  return signature and types.response.write {
    status = 0,
    bytes = { type = types.BASIC, basic = types.basic.write {
      data = data, algorithm = scheme.algorithm, signature = signature,
      certs = set.signer and { set.signer:to_der() } or nil,
    } },
  }, err
end

--- Signs an OCSP response, for the certificates of a request or for one certificate. `status` is "good",
--- "unknown", `{ time =, reason = }` of a revocation, or a function of the serial number that returns one
--- of these. `signer` is a delegated responder (profile ocsp, issued by the issuer) and `key` its key.
---@param given { request?: string|table, cert?: lacre.cert, issuer: lacre.cert, signer?: lacre.cert, key: lacre.key,
---  status?: any, this_update?: any, next_update?: any, produced_at?: any, hash?: string }
---@return string? der
---@return lacre.error? err bad_der key_mismatch issuer_not_ca
function ocsp.respond(given)
  return options.blame(respond, options.check(schema, given, "ocsp.respond"))
end

return ocsp
