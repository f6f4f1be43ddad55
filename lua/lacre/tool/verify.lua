--- tool.verify: whether a certificate would be believed, by whom, and if not, every reason why.

local later = require "lacre.later"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local documents = later "lacre.x509.documents"
local plain = later "lacre.plain"
local store = later "lacre.store"

local verify = {
  name = "verify",
  summary = "verify a certificate and its chain, without a connection",
  description = "Builds a chain from the first certificate to a trusted one, using the others given, and reports "
    .. "everything that is wrong. Without --host or --email no name is checked, and the output says so.",
  examples = {
    { "lacre verify server.crt --host www.example.com", "against the system's CAs; server.crt may include the chain" },
    { "lacre verify server.crt intermediate.pem --trust ca.crt --host db.test", "against your own CA" },
    { "lacre verify alice.crt --trust ca.crt --purpose client --crl ca.crl",
      "a client certificate, with revocation check" },
    { "lacre verify server.crt --host www.example.com --time 2027-01-01", "will it still be valid then?" },
  },
  argument = { name = "files", type = "texts", many = true, value = "FILE",
    help = "the certificate, and optionally its intermediates" },
  options = {
    { name = "host", also = "server_name", value = "NAME", help = "the host name or IP address it must be valid for" },
    { name = "email", value = "ADDRESS", help = "the mail address it must be valid for" },
    { name = "trust", type = "any", many = true, value = "FILE",
      help = "trusted certificates (default: the system's CAs)" },
    { name = "purpose", default = "server", help = "what it will be used for",
      values = { "server", "client", "email", "code_signing", "ocsp", "timestamp", "any" } },
    { name = "time", type = "instant", value = "TIME", help = "check as of this time (default: now)" },
    { name = "crl", type = "list", value = "FILE", help = "check revocation with the CRLs in this file" },
    { name = "policy", also = "policies", type = "list", value = "OID", help = "require this certificate policy" },
    { name = "pin", type = "list", value = "PIN", help = "require a key with this pin in the chain" },
    { name = "lax", type = "boolean", default = false,
      help = "do not enforce RFC 5280 strictly, like older verifiers" },
  },
  exits = { { 4, "it does not verify" } },
}

local function load_certs(paths)
  local all = {}
  for _, path in ipairs(paths) do
    local list, err = documents.load(path)
    local certs
    if list then
      certs, err = documents.only(list, "cert")
    end
    if not certs then
      return nil, err
    end
    for _, cert in ipairs(certs) do
      all[#all + 1] = cert
    end
  end
  return all
end

local function trust_of(set)
  local trust = set.trust
  if type(trust) == "table" and not getmetatable(trust) and #trust == 0 then
    trust = nil
  end
  return trust or "system"
end

local function judge(set, certs, anchors)
  local leaf = table.remove(certs, 1)
  local chain, err = anchors:verify(leaf, {
    intermediates = certs, server_name = set.host, email = set.email, any_name = not set.host and not set.email or nil,
    purpose = set.purpose, time = set.time, crls = set.crl and #set.crl > 0 and set.crl or nil, policies = set.policy,
    pins = toolkit.pins(set.pin), strict = not set.lax, all_errors = true,
  })
  if not chain and not err:is "verify" then
    return nil, err
  end
  return {
    ok = chain ~= nil, cert = leaf, chain = chain, errors = err and (err.errors or { err }) or {},
    host = set.host, email = set.email, purpose = set.purpose,
  }
end

--- The verdict.
---@param set table see `verify.options`
---@return { ok: boolean, cert: lacre.cert, chain?: lacre.cert[], errors: lacre.error[] }? verdict
---@return lacre.error? err file_not_found bad_pem no_certificate trust_unavailable ...
function verify.run(set)
  local certs, err = load_certs(set.files)
  local anchors
  if certs then
    anchors, err = store.new(trust_of(set))
  end
  if not anchors then
    return nil, err
  end
  return judge(set, certs, anchors)
end

function verify.failed(verdict)
  return not verdict.ok and 4
end

--- For people.
---@param verdict table
---@param style lacre.style
---@return string
function verify.text(verdict, style)
  local lines = {}
  local what = verdict.host and " for " .. verdict.host or verdict.email and " for " .. verdict.email or ""
  lines[1] = verdict.ok and style.good("verified" .. what) or style.bad("NOT verified" .. what)
  for _, err in ipairs(verdict.errors) do
    lines[#lines + 1] = ("  %s: %s"):format(style.bad(err.code), plain.printable(err.message))
    if err.hint then
      lines[#lines + 1] = style.dim("    " .. err.hint)
    end
  end
  for i, cert in ipairs(verdict.chain or {}) do
    local until_text = time.format(cert:not_after(), "date")
    lines[#lines + 1] = ("  %d %s, until %s"):format(i - 1, plain.printable(tostring(cert:subject())), until_text)
  end
  if not verdict.host and not verdict.email then
    lines[#lines + 1] = style.warn "no name was checked: use --host or --email"
  end
  return table.concat(lines, "\n")
end

--- Plain data.
---@param verdict table
---@return table
function verify.to_table(verdict)
  local chain, errors = {}, {}
  for i, cert in ipairs(verdict.chain or {}) do
    chain[i] = {
      subject = plain.text(tostring(cert:subject())), serial = cert:serial(), pin = cert:pin(),
      fingerprint = cert:fingerprint(), not_after = cert:not_after(),
    }
  end
  for i, err in ipairs(verdict.errors) do
    errors[i] = err:to_table()
  end
  return {
    ok = verdict.ok, host = verdict.host, email = verdict.email, purpose = verdict.purpose,
    name_checked = verdict.host ~= nil or verdict.email ~= nil, chain = chain, errors = errors,
  }
end

return toolkit.define(verify)
