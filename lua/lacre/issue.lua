--- issue: makes certificates. One call, from options to a signed certificate.
--
-- A profile says what a certificate is for; everything a strict verifier wants follows from it.
-- What is about to be signed is checked first: whoever reads the error learns before the
-- certificate is out what would have been refused later.

local alt_names = require "lacre.alt_names"
local certificate = require "lacre.certificate"
local core = require "lacre.core"
local der = require "lacre.der"
local draft_extensions = require "lacre.draft_extensions"
local extension = require "lacre.extension"
local extension_list = require "lacre.extension_list"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local options = require "lacre.options"
local profiles = require "lacre.profile"
local request = require "lacre.request"
local sign = require "lacre.sign"
local time = require "lacre.time"

local fail, misuse = lacre_error.fail, options.misuse

local issue = {}

local LAST = 253402300799 -- 9999-12-31T23:59:59Z, the last that DER can say (RFC 5280 section 4.1.2.5)
local SKEW = 300 -- clocks of verifiers that are behind

local profile_names = { "server", "client", "peer", "ca", "intermediate", "ocsp", "email", "code_signing" }

local schema = {
  key = { type = options.object("key", key.is) },
  csr = { type = options.object("request", request.is) },
  copy = { type = "list", default = {} },
  issuer = { type = options.object("certificate", certificate.is) },
  issuer_key = { type = options.object("key", key.is) },
  profile = { type = "string", values = profile_names, default = "server" },
  subject = { type = "any" },
  hosts = { type = "list" },
  subject_alt_names = { type = "list" },
  valid_for = { type = "duration" },
  not_before = { type = "instant" },
  not_after = { type = "instant" },
  clamp = { type = "boolean", default = false },
  path_length = { type = { "integer", "boolean" } },
  serial = { type = { "string", "integer" } },
  hash = { type = "string", values = { "sha256", "sha384", "sha512" } },
  key_usage = { type = "list" },
  extended_key_usage = { type = "list" },
  name_constraints = { type = "table" },
  crl_urls = { type = "list" },
  ocsp_urls = { type = "list" },
  issuer_urls = { type = "list" },
  policies = { type = "list" },
  must_staple = { type = "boolean", default = false },
  extensions = { type = "table", default = {} },
  check = { type = "function" },
}

-- each step takes and fills one draft, and answers true or nil, err --

local function copied(set, what)
  for _, item in ipairs(set.copy) do
    if item ~= "subject" and item ~= "hosts" then
      misuse("bad option 'copy' to 'cert.create' (only \"subject\" and \"hosts\" are copied, not '%s')", tostring(item))
    elseif item == what then
      return set.csr ~= nil
    end
  end
  return false
end

local function set_key(draft, set)
  if (set.key ~= nil) == (set.csr ~= nil) then
    misuse "bad options to 'cert.create' (one of 'key' and 'csr' is required)"
  elseif set.csr and not set.csr:verify() then
    return fail("sign", "csr_signature_invalid", "the request is not signed by the key in it")
  end
  local err
  draft.key = set.key
  if set.csr then
    draft.key, err = set.csr:public_key()
  end
  if draft.key and draft.key:security_bits() < 112 then
    return fail("sign", "weak_key", "a %s key of %d bits is too weak", draft.key:type(), draft.key:bits())
  end
  return draft.key ~= nil or nil, err
end

local function set_names(draft, set)
  local err
  if set.subject_alt_names then
    draft.names, err = alt_names.check(set.subject_alt_names)
  elseif copied(set, "hosts") and not set.hosts then
    draft.names, err = alt_names.copied(set.csr:subject_alt_names())
  else
    draft.names, err = alt_names.of(set.hosts or {})
  end
  if draft.names and #draft.names == 0 and draft.profile.needs_hosts then
    if copied(set, "hosts") and not set.hosts then
      return fail("sign", "bad_name", "the request asks for no names, and a %s certificate needs some", set.profile)
    end
    misuse("bad options to 'cert.create' (a %s certificate needs 'hosts')", set.profile)
  end
  return draft.names ~= nil or nil, err
end

local function set_subject(draft, set)
  local given = set.subject
  if given == nil and copied(set, "subject") then
    given = set.csr:subject()
  elseif given == nil then
    local common = alt_names.common(draft.names)
    given = common and { CN = common } or {}
  end
  local subject, err = name.new(given)
  draft.subject = subject
  if subject and subject:is_empty() and draft.profile.ca then
    return fail("sign", "bad_name", "a CA needs a subject (RFC 5280 section 4.1.2.6)")
  end
  return subject ~= nil or nil, err
end

-- an issuer that was made a moment ago is not older than what it issues
local function default_start(draft, now)
  local first = draft.issuer and draft.issuer:not_before() or -math.huge
  return math.max(now - SKEW, math.min(first, now))
end

local function set_validity(draft, set)
  local now = math.floor(time.now())
  draft.not_before = math.floor(set.not_before or default_start(draft, now))
  local start = set.not_before and draft.not_before or now
  draft.not_after = math.floor(set.not_after or start + (set.valid_for or draft.profile.valid_for))
  if set.valid_for and set.valid_for <= 0 then
    misuse("bad option 'valid_for' to 'cert.create' (more than nothing expected)")
  elseif draft.not_after > LAST then
    misuse("bad option '%s' to 'cert.create' (past the year 9999)", set.not_after and "not_after" or "valid_for")
  elseif draft.not_after < draft.not_before then
    misuse "bad options to 'cert.create' (it would end before it begins)"
  end
  local last = draft.issuer and draft.issuer:not_after()
  if last and draft.not_after > last then
    if not set.clamp then
      return fail("sign", "validity_exceeds_issuer", "the certificate would end %s, its issuer ends %s",
        time.format(draft.not_after), time.format(last))
    end
    draft.not_after = last
  end
  return true
end

local function set_serial(draft, set)
  local serial = set.serial
  if type(serial) == "number" then
    serial = serial > 0 and ("%x"):format(serial) or "0"
  end
  if serial and not sign.is_serial(serial) then
    misuse "bad option 'serial' to 'cert.create' (positive, at most 20 octets, in hexadecimal)"
  end
  draft.serial = serial or sign.serial()
  return true
end

-- the issuer's right to issue, RFC 5280 sections 4.2.1.3 and 4.2.1.9
local function check_issuer(draft, set)
  local issuer = draft.issuer
  local constraints, usage = issuer:basic_constraints(), issuer:key_usage()
  if not constraints or not constraints.ca then
    return fail("sign", "issuer_not_ca", "%s is not a CA", tostring(issuer:subject()))
  elseif usage and not usage.key_cert_sign then
    return fail("sign", "issuer_not_ca", "the key of %s may not sign certificates", tostring(issuer:subject()))
  elseif draft.profile.ca and constraints.path_length then
    local length = set.path_length == nil and draft.profile.path_length or set.path_length
    local too_long = set.path_length ~= nil and (not length or length >= constraints.path_length)
    if constraints.path_length == 0 or too_long then
      return fail("sign", "issuer_path_length", "%s allows %d CAs below it", tostring(issuer:subject()),
        constraints.path_length)
    end
    draft.path_length = math.min(length or 0, constraints.path_length - 1)
  end
  return true
end

local function set_issuer(draft, set)
  draft.issuer, draft.signer = set.issuer, set.issuer_key or set.key
  if (set.issuer == nil) ~= (set.issuer_key == nil) then
    misuse "bad options to 'cert.create' ('issuer' and 'issuer_key' go together)"
  elseif not draft.signer or not draft.signer:is_private() then
    misuse "bad options to 'cert.create' (a private key is needed to sign)"
  elseif not draft.issuer then
    return true
  elseif not draft.signer:matches(draft.issuer) then
    return fail("sign", "key_mismatch", "the issuer's key is not that of %s", tostring(draft.issuer:subject()))
  end
  return check_issuer(draft, set)
end

-- RFC 5280 section 4.1.2
local tbs_type = der.sequence {
  { "version", der.explicit(0, der.integer) },
  { "serial", der.hex_integer },
  { "algorithm", der.any },
  { "issuer", der.any },
  { "validity", der.sequence { { "not_before", der.time }, { "not_after", der.time } } },
  { "subject", der.any },
  { "spki", der.any },
  { "extensions", der.explicit(3, extension.list), optional = true },
}

issue.tbs_type = tbs_type

local function seal(draft, set)
  local scheme, err = sign.scheme(draft.signer, set.hash)
  if not scheme then
    return nil, err
  end
  local extensions = extension_list.make(draft_extensions.of(draft, set), set.extensions)
  local bytes
  bytes, err = sign.seal(tbs_type.write {
    version = 2,
    serial = draft.serial,
    algorithm = scheme.algorithm,
    issuer = draft.issuer and draft.issuer:subject_der() or draft.subject:der(),
    validity = { not_before = draft.not_before, not_after = draft.not_after },
    subject = draft.subject:der(),
    spki = draft.key:spki(),
    extensions = #extensions > 0 and extensions or nil,
  }, draft.signer, scheme)
  if not bytes then
    return nil, err
  end
  return core.cert.parse(bytes, 1)
end

local function violation(findings)
  for _, finding in ipairs(findings) do
    if finding.code == "name_constraint_violation" then
      return finding
    end
  end
end

-- what an issuer may not name, it does not sign for: the verifier's own judgement, before it is out
local function obeys(draft, made)
  if not draft.issuer or not draft.issuer:extension "name_constraints" then
    return made
  end
  local anchors = core.store.new()
  local done, err = anchors:add_cert(draft.issuer)
  local findings
  if done then
    findings, err = anchors:check(made, {}, {
      purpose = "any", time = draft.not_before, strict = 0, security_level = 0, all_errors = true,
    })
  end
  if not findings then
    return nil, err
  elseif violation(findings) then
    return fail("sign", "name_constraint_violation", "the name constraints of %s forbid a name of the certificate",
      tostring(draft.issuer:subject()))
  end
  return made
end

local steps = { set_key, set_issuer, set_names, set_subject, set_validity, set_serial }

local function create(set)
  local draft = { profile = profiles[set.profile] }
  for _, step in ipairs(steps) do
    local done, err = step(draft, set)
    if not done then
      return nil, err
    end
  end
  if set.check then
    local allowed, why = set.check(draft, set)
    if not allowed then
      return nil, why
    end
  end
  local made, err = seal(draft, set)
  if not made then
    return nil, err
  end
  return obeys(draft, made)
end

--- Makes and signs a certificate; self-signed where there is no issuer.
---@param given table see docs/cert.md: key|csr, hosts, subject, profile, issuer, issuer_key, valid_for ...
---@return lacre.cert? cert
---@return lacre.error? err issuer_not_ca issuer_path_length key_mismatch validity_exceeds_issuer
--- csr_signature_invalid weak_key bad_name name_constraint_violation
function issue.create(given)
  return options.blame(create, options.check(schema, given, "cert.create"))
end

return issue
