--- issue: makes certificates. One call, from options to a signed certificate.
--
-- A profile says what a certificate is for; everything a strict verifier wants follows from it.
-- What is about to be signed is checked first: whoever reads the error learns before the
-- certificate is out what would have been refused later.

local certificate = require "lacre.certificate"
local core = require "lacre.core"
local der = require "lacre.der"
local extension = require "lacre.extension"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local options = require "lacre.options"
local sign = require "lacre.sign"
local time = require "lacre.time"

local fail = lacre_error.fail

local issue = {}

local DAY = 86400
local SKEW = 300 -- clocks of verifiers that are behind

local leaf_usage = { "digital_signature" }
local ca_usage = { "key_cert_sign", "crl_sign" }

---@class lacre.profile
issue.profiles = {
  server = { usage = leaf_usage, enciphers = true, purposes = { "server_auth" }, valid_for = 90 * DAY,
    needs_hosts = true },
  client = { usage = leaf_usage, purposes = { "client_auth" }, valid_for = 90 * DAY },
  peer = { usage = leaf_usage, enciphers = true, purposes = { "server_auth", "client_auth" }, valid_for = 90 * DAY },
  ca = { ca = true, path_length = 1, usage = ca_usage, valid_for = 3650 * DAY },
  intermediate = { ca = true, path_length = 0, usage = ca_usage, purposes = { "server_auth", "client_auth" },
    valid_for = 1825 * DAY },
  ocsp = { usage = leaf_usage, purposes = { "ocsp_signing" }, valid_for = 30 * DAY, no_check = true },
  email = { usage = leaf_usage, enciphers = true, purposes = { "email_protection" }, valid_for = 365 * DAY },
  code_signing = { usage = leaf_usage, purposes = { "code_signing" }, valid_for = 365 * DAY },
}

local function is_key(value)
  return key.is(value) and value or nil, not key.is(value) and ("key expected, got %s"):format(type(value)) or nil
end

local function is_cert(value)
  return certificate.is(value) and value or nil,
    not certificate.is(value) and ("certificate expected, got %s"):format(type(value)) or nil
end

local function is_csr(value)
  return value,
    not (type(value) == "table" and value.is_csr) and ("request expected, got %s"):format(type(value)) or nil
end

local schema = {
  key = { type = is_key },
  csr = { type = is_csr },
  copy = { type = "list", default = {} },
  issuer = { type = is_cert },
  issuer_key = { type = is_key },
  profile = {
    type = "string", default = "server",
    values = { "server", "client", "peer", "ca", "intermediate", "ocsp", "email", "code_signing" },
  },
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
}

-- each step takes and fills one draft, and answers true or nil, err --

local function copied(set, what)
  for _, item in ipairs(set.copy) do
    if item ~= "subject" and item ~= "hosts" then
      error(("bad option 'copy' to 'cert.create' (only \"subject\" and \"hosts\" are copied, not '%s')"):format(
        tostring(item)), 0)
    elseif item == what then
      return set.csr ~= nil
    end
  end
  return false
end

local function set_key(draft, set)
  if (set.key ~= nil) == (set.csr ~= nil) then
    error("bad options to 'cert.create' (one of 'key' and 'csr' is required)", 0)
  elseif set.csr and not set.csr:verify() then
    return fail("sign", "csr_signature_invalid", "the request is not signed by the key in it")
  end
  draft.key = set.key or set.csr:public_key()
  if draft.key:security_bits() < 112 then
    return fail("sign", "weak_key", "a %s key of %d bits is too weak", draft.key:type(), draft.key:bits())
  end
  return true
end

--- The alternative names of a list of texts.
---@param hosts string[]
---@return table[]? names
---@return lacre.error? err bad_name
function issue.alt_names(hosts)
  local names, seen = {}, {}
  for _, text in ipairs(hosts) do
    if type(text) ~= "string" then
      error(("bad option 'hosts' (list of strings expected, got %s)"):format(type(text)), 0)
    end
    local item, err = extension.general_of(text)
    if not item then
      return nil, err
    end
    local id = item.type .. ":" .. item.value
    if not seen[id] then
      names[#names + 1], seen[id] = item, true
    end
  end
  return names
end

local function set_names(draft, set)
  local names, err = set.subject_alt_names, nil
  if not names and copied(set, "hosts") and not set.hosts then
    names = set.csr:subject_alt_names()
  elseif not names then
    names, err = issue.alt_names(set.hosts or {})
  end
  if not names then
    return nil, err
  elseif #names == 0 and draft.profile.needs_hosts then
    error(("bad options to 'cert.create' (a %s certificate needs 'hosts')"):format(set.profile), 0)
  end
  draft.names = names
  return true
end

local function first_host(names)
  for _, item in ipairs(names) do
    if (item.type == "dns" or item.type == "ip" or item.type == "email") and #item.value <= 64 then
      return item.value
    end
  end
end

local function set_subject(draft, set)
  local given = set.subject
  if given == nil and copied(set, "subject") then
    given = set.csr:subject()
  elseif given == nil then
    local common = first_host(draft.names)
    given = common and { CN = common } or {}
  end
  local subject, err = name.new(given)
  draft.subject = subject
  if subject and subject:is_empty() and draft.profile.ca then
    return fail("sign", "bad_name", "a CA needs a subject (RFC 5280 section 4.1.2.6)")
  end
  return subject ~= nil or nil, err
end

local function set_validity(draft, set)
  local now = math.floor(time.now())
  draft.not_before = math.floor(set.not_before or now - SKEW)
  local start = set.not_before and draft.not_before or now
  draft.not_after = math.floor(set.not_after or start + (set.valid_for or draft.profile.valid_for))
  if draft.not_after < draft.not_before then
    error("bad options to 'cert.create' (it would end before it begins)", 0)
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
    serial = ("%x"):format(serial)
  end
  local digits = serial and serial:gsub("^0+", "") or "1"
  if not digits:match "^%x+$" or #digits > 40 or (#digits == 40 and digits:match "^[89a-fA-F]") then
    error("bad option 'serial' to 'cert.create' (positive, at most 20 octets, in hexadecimal)", 0)
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
    local most = constraints.path_length
    if most == 0 or (set.path_length ~= nil and (not length or length >= most)) then
      return fail("sign", "issuer_path_length", "%s allows %d CAs below it",
        tostring(issuer:subject()), constraints.path_length)
    end
    draft.path_length = math.min(length or 0, constraints.path_length - 1)
  end
  return true
end

local function set_issuer(draft, set)
  draft.issuer, draft.signer = set.issuer, set.issuer_key or set.key
  if (set.issuer == nil) ~= (set.issuer_key == nil) then
    error("bad options to 'cert.create' ('issuer' and 'issuer_key' go together)", 0)
  elseif not draft.signer or not draft.signer:is_private() then
    error("bad options to 'cert.create' (a private key is needed to sign)", 0)
  elseif not draft.issuer then
    return true
  elseif not draft.signer:matches(draft.issuer) then
    return fail("sign", "key_mismatch", "the issuer's key is not that of %s", tostring(draft.issuer:subject()))
  end
  return check_issuer(draft, set)
end

-- the extensions of a draft --

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

local function usage_of(draft, set)
  if set.key_usage then
    return set_of(set.key_usage)
  end
  local usage = set_of(draft.profile.usage)
  usage.key_encipherment = draft.profile.enciphers and draft.key:type() == "rsa" or nil
  return usage
end

local function constraints_of(draft, set)
  local length = draft.path_length
  if length == nil then
    length = set.path_length
  end
  if length == nil then
    length = draft.profile.path_length
  end
  return { ca = draft.profile.ca or false, path_length = draft.profile.ca and length or nil }
end

local function authority_of(draft)
  local id = draft.issuer and draft.issuer:subject_key_id()
  if draft.issuer and not id then
    id = draft.issuer:public_key():key_id()
  end
  return { key_id = id or draft.key:key_id() }
end

local function subtrees_of(list)
  local trees = {}
  for i, text in ipairs(list or {}) do
    trees[i] = { base = type(text) == "table" and text or extension.subtree_of(text), minimum = 0 }
  end
  return #trees > 0 and trees or nil
end

local function urls_of(set)
  local access = {}
  for _, url in ipairs(set.ocsp_urls or {}) do
    access[#access + 1] = { method = "1.3.6.1.5.5.7.48.1", location = { type = "uri", value = url } }
  end
  for _, url in ipairs(set.issuer_urls or {}) do
    access[#access + 1] = { method = "1.3.6.1.5.5.7.48.2", location = { type = "uri", value = url } }
  end
  return access
end

local function mapped_list(list, wrap)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = wrap(item)
  end
  return out
end

-- { name, critical, value }; no value: not there. In the order people print them
local function default_extensions(draft, set)
  local profile = draft.profile
  local purposes = set.extended_key_usage or profile.purposes
  local limits = set.name_constraints
  local crls = mapped_list(set.crl_urls, function(url)
    return { name = { full_name = { { type = "uri", value = url } } } }
  end)
  local policies = mapped_list(set.policies, function(oid)
    return { policy = oid }
  end)
  local access = urls_of(set)
  return {
    { "basic_constraints", true, constraints_of(draft, set) },
    { "key_usage", true, usage_of(draft, set) },
    { "extended_key_usage", false, purposes and set_of(purposes) },
    { "subject_key_id", false, draft.key:key_id() },
    { "authority_key_id", false, authority_of(draft) },
    { "subject_alt_names", draft.subject:is_empty(), #draft.names > 0 and draft.names or nil },
    { "name_constraints", true, limits and {
      permitted = subtrees_of(limits.permitted), excluded = subtrees_of(limits.excluded),
    } },
    { "certificate_policies", false, #policies > 0 and policies or nil },
    { "crl_distribution_points", false, #crls > 0 and crls or nil },
    { "authority_info_access", false, #access > 0 and access or nil },
    { "tls_feature", false, set.must_staple and { 5 } or nil },
    { "ocsp_no_check", false, profile.no_check },
  }
end

-- what the caller adds, and which defaults are dropped or replaced
local function changes_of(list)
  local dropped, added = {}, {}
  local function drop(which)
    local oid = extension.oid(which)
    if not oid then
      error(("bad option 'extensions' (unknown extension '%s')"):format(tostring(which)), 0)
    end
    dropped[oid] = true
  end
  local function take(item)
    for which, value in pairs(item) do
      if value == false and which ~= "critical" then
        drop(which)
      end
    end
    local id = item.oid or item.name
    if not id then
      return
    end
    drop(id)
    local critical = item.critical == true
    if item.der then
      added[#added + 1] = { oid = extension.oid(id), critical = critical, der = item.der }
    else
      added[#added + 1] = extension.make(id, critical, item.value)
    end
  end
  for _, item in ipairs(list) do
    take(item)
  end
  for which, value in pairs(list) do
    if value == false then
      drop(which)
    end
  end
  return dropped, added
end

--- The encoded extensions: the defaults, without what was dropped, and what was added.
---@param defaults table[] { name, critical, value }
---@param given table the option `extensions`
---@return table[]
function issue.extensions(defaults, given)
  local dropped, list = changes_of(given)
  local out = {}
  for _, row in ipairs(defaults) do
    if row[3] ~= nil and row[3] ~= false and not dropped[extension.oid(row[1])] then
      out[#out + 1] = extension.make(row[1], row[2], row[3])
    end
  end
  for _, item in ipairs(list) do
    out[#out + 1] = item
  end
  return out
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
  local extensions = issue.extensions(default_extensions(draft, set), set.extensions)
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

local steps = { set_key, set_issuer, set_names, set_subject, set_validity, set_serial }

local function create(set)
  local draft = { profile = issue.profiles[set.profile] }
  for _, step in ipairs(steps) do
    local done, err = step(draft, set)
    if not done then
      return nil, err
    end
  end
  local made, err = seal(draft, set)
  return made or nil, not made and err or nil
end

--- Raises text at the caller's caller, as options.check does, and passes everything else on.
---@param level integer as for `error`, seen from the caller of this
function issue.guard(level, run, ...)
  local ok, result, err = pcall(run, ...)
  if not ok then
    error(result, type(result) == "string" and level + 1 or 0)
  end
  return result, err
end

--- Makes and signs a certificate; self-signed where there is no issuer.
---@param given table see docs/cert.md: key|csr, hosts, subject, profile, issuer, issuer_key, valid_for ...
---@return lacre.cert? cert
---@return lacre.error? err issuer_not_ca issuer_path_length key_mismatch validity_exceeds_issuer
---  csr_signature_invalid weak_key bad_name
function issue.create(given)
  local set = options.check(schema, given, "cert.create")
  return issue.guard(2, create, set)
end

return issue
