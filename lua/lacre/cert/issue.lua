--- cert.issue: makes certificates. One call, from options to a signed certificate.
--
-- A profile says what a certificate is for; everything a strict verifier wants follows from it.
-- What is about to be signed is checked first: whoever reads the error learns before the
-- certificate is out what would have been refused later.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local draft = require "lacre.cert.draft"
local draft_extensions = require "lacre.cert.draft_extensions"
local extension_list = require "lacre.x509.extension.list"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local sign = require "lacre.x509.sign"

local fail = lacre_error.fail
local forbidden = later "lacre.x509.forbidden"
local request = later "lacre.csr.read"

local issue = {}

local profile_names = { "server", "client", "peer", "ca", "intermediate", "ocsp", "email", "code_signing" }

--- What `cert.create` takes.
issue.schema = {
  key = { type = options.object("key", key.is) },
  csr = { type = options.object("request", function(value)
    return request.is(value)
  end) },
  copy = { type = "list", default = {} },
  issuer = { type = options.object("certificate", certificate.is) },
  issuer_key = { type = options.object("key", key.is) },
  profile = { type = "string", values = profile_names, default = "server" },
  subject = { type = { "string", "table" } },
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

local function seal(prepared, set)
  local scheme, err = sign.scheme(prepared.signer, set.hash)
  if not scheme then
    return nil, err
  end
  local subject = prepared.subject
  local issuer = prepared.issuer and prepared.issuer:subject_der() or subject:der()
  local made
  made, err = sign.finish(
    core.builder.certificate(scheme.algorithm, prepared.serial, issuer, prepared.not_before, prepared.not_after,
      subject:der(), prepared.key:spki()),
    extension_list.make(draft_extensions.of(prepared, set), set.extensions, subject:is_empty()),
    prepared.signer, scheme)
  if not made or subject:is_plain() then
    return made, err
  end
  return core.cert.parse(made:to_der(), 1) -- what others have encoded is read before it is given out
end

local function violation(findings)
  for _, finding in ipairs(findings) do
    if finding.code == "name_constraint_violation" then
      return finding
    end
  end
end

-- what an issuer may not name, it does not sign for: the verifier's own judgement, before it is out
local function obeys(prepared, made)
  if not prepared.issuer or not prepared.issuer:extension "name_constraints" then
    return made
  end
  local anchors = core.store.new()
  local done, err = anchors:add_cert(prepared.issuer)
  local findings
  if done then
    findings, err = anchors:check(made, {}, {
      purpose = "any", time = prepared.not_before, strict = 0, security_level = 0, all_errors = true,
    })
  end
  if not findings then
    return nil, err
  elseif violation(findings) then
    return fail("sign", "name_constraint_violation", "the name constraints of %s forbid %s",
      tostring(prepared.issuer:subject()), forbidden.told(made, prepared.issuer:name_constraints()))
  end
  return made
end

local function create(set)
  local prepared, err = draft.prepare(set)
  local allowed, made = prepared, nil
  if prepared and set.check then
    allowed, err = set.check(prepared, set)
  end
  if allowed then
    made, err = seal(prepared, set)
  end
  if not made then
    return nil, err
  end
  return obeys(prepared, made)
end

--- What `lacre.cert.create` does.
---@param given table
---@return lacre.cert? cert
---@return lacre.error? err
function issue.create(given)
  return options.blame(create, options.check(issue.schema, given, "cert.create"))
end

return issue
