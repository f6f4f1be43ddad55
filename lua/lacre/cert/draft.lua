--- cert.draft: what a certificate that is about to be signed holds, and whether its issuer may sign it.

local alt_names = require "lacre.x509.alt_names"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local name = require "lacre.name"
local options = require "lacre.options"
local profiles = require "lacre.cert.profile"
local sign = require "lacre.x509.sign"
local time = require "lacre.time"
local weakness = require "lacre.x509.weakness"

local subtree = later "lacre.x509.subtree"

local fail, misuse = lacre_error.fail, options.misuse

-- 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the first and the last that DER can say (RFC 5280 section 4.1.2.5)
local FIRST, LAST = -62167219200, 253402300799
local SKEW = 300 -- clocks of verifiers that are behind

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
    return fail("sign", "csr_signature_invalid", "the request is not signed with its own key")
  end
  local err
  draft.key = set.key
  if set.csr then
    draft.key, err = set.csr:public_key()
  end
  local why = draft.key and weakness(draft.key, "the")
  if why then
    return fail("sign", "weak_key", "%s", why)
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
      return fail("sign", "bad_name", "the request contains no names, but a %s certificate needs them", set.profile)
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

-- a certificate lives while its issuer does
local function nest_validity(draft, set)
  local first, last = draft.issuer and draft.issuer:not_before(), draft.issuer and draft.issuer:not_after()
  local early, late = first and draft.not_before < first, last and draft.not_after > last
  if set.clamp then
    draft.not_before = early and first or draft.not_before
    draft.not_after = late and last or draft.not_after
  elseif early then
    return fail("sign", "validity_exceeds_issuer", "the certificate would start %s, but its issuer starts %s",
      time.format(draft.not_before), time.format(first))
  elseif late then
    return fail("sign", "validity_exceeds_issuer", "the certificate would expire %s, but its issuer expires %s",
      time.format(draft.not_after), time.format(last))
  end
  return true
end

local function set_validity(draft, set)
  local now = math.floor(time.now())
  draft.not_before = math.floor(set.not_before or default_start(draft, now))
  local start = set.not_before and draft.not_before or now
  draft.not_after = math.floor(set.not_after or start + (set.valid_for or draft.profile.valid_for))
  if set.valid_for and set.not_after then
    misuse("bad option 'valid_for' to 'cert.create' (valid_for and not_after cannot be combined)")
  elseif set.valid_for and set.valid_for <= 0 then
    misuse("bad option 'valid_for' to 'cert.create' (more than 0 expected)")
  elseif draft.not_before < FIRST then
    misuse "bad option 'not_before' to 'cert.create' (before the year 0)"
  elseif draft.not_after > LAST then
    misuse("bad option '%s' to 'cert.create' (past the year 9999)", set.not_after and "not_after" or "valid_for")
  elseif draft.not_after < draft.not_before then
    misuse "bad options to 'cert.create' (it would expire before it becomes valid)"
  end
  return nest_validity(draft, set)
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
    return fail("sign", "key_mismatch", "the issuer's key does not belong to %s", tostring(draft.issuer:subject()))
  end
  return check_issuer(draft, set)
end

local function set_limits(draft, set)
  local limits, excluded = set.name_constraints, nil
  if not limits then
    return true
  elseif not draft.profile.ca then
    misuse("bad option 'name_constraints' (a %s certificate limits nobody)", set.profile)
  end
  options.check({ permitted = { type = "list" }, excluded = { type = "list" } }, limits, "name_constraints")
  local permitted, err = subtree.list(limits.permitted)
  if permitted ~= nil then
    excluded, err = subtree.list(limits.excluded)
  end
  draft.limits = (permitted or excluded) and { permitted = permitted or nil, excluded = excluded or nil } or nil
  return excluded ~= nil or nil, err
end

local steps = { set_key, set_issuer, set_names, set_subject, set_validity, set_serial, set_limits }

local module = {}

--- The draft that options ask for: profile, key, issuer, signer, names, subject, dates, serial number.
---@param set table the checked options of cert.create
---@return table? draft
---@return lacre.error? err
function module.prepare(set)
  local draft = { profile = profiles[set.profile] }
  for _, step in ipairs(steps) do
    local done, err = step(draft, set)
    if not done then
      return nil, err
    end
  end
  return draft
end

return module
