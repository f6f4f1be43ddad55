--- tool.ca.sign: the CA signs a request that somebody else made.

local delivery = require "lacre.tool.ca.delivery"
local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"

local csr = later "lacre.csr"
local founding = later "lacre.tool.ca.founding"

local sign = {
  name = "sign",
  summary = "sign a certificate request",
  description = "Shows what the request asks for, then signs it. The request must be signed with its own key. Only "
    .. "its subject and names are used, unless --host or --subject replace them; anything else it asks for (to be a "
    .. "CA, key usages, extensions) is listed and ignored. Writes NAME.crt with the full chain.",
  examples = {
    { "lacre ca sign ca www.example.test.csr", "a server certificate" },
    { "lacre ca sign ca alice.csr --profile client --host alice@example.test", "with a name chosen by the CA" },
    { "lacre ca sign root online/ca.csr --profile intermediate", "an intermediate CA below an offline root" },
    { "lacre ca sign ca x.csr --dry-run", "only show what the request asks for" },
  },
  arguments = {
    parts.row.dir,
    { name = "request", type = { "string", "userdata", "table" }, value = "FILE.csr",
      help = "the certificate request" },
  },
  options = parts.rows(
    { name = "profile", default = "server", help = "what the certificate is for",
      values = { "server", "client", "peer", "email", "code_signing", "ocsp", "intermediate" } },
    "valid_for", "subject",
    { name = "host", type = "list", value = "NAME", default = {},
      help = "use these names instead of those in the request; may be repeated" },
    { name = "copy", type = "list", value = "PART", default = { "subject", "hosts" },
      help = "what to use from the request: subject, hosts (default: both)" },
    { name = "unique", type = "boolean", default = nil,
      help = "refuse if a valid certificate for one of the names exists" },
    { name = "dry_run", type = "boolean", default = false, help = "show the request and sign nothing" },
    "purpose", "permit", "exclude", "out", "overwrite", "password", "lock_timeout", "on_event"
  ),
}

-- kinds of names that are taken
local kinds = { dns = true, ip = true, email = true, uri = true }

-- extensions whose content is taken, or that mean nothing in a request
local taken = { subject_alt_names = true, subject_key_id = true }

local function asked(request)
  local names, others = {}, {}
  for _, item in ipairs(request:subject_alt_names()) do
    local list = kinds[item.type] and names or others
    list[#list + 1] = (kinds[item.type] and "" or "the name ") .. item.type .. ":" .. tostring(item.value)
  end
  for extension in request:extensions() do
    if not taken[extension.name] then
      others[#others + 1] = ("%s (%s)"):format(extension.name or extension.oid, extension.text)
    end
  end
  return { subject = tostring(request:subject()), names = names, left_out = others }
end

local function show(set, request, what)
  local public = request:public_key()
  parts.event(set, "requested: %s, for %s", what.subject ~= "" and what.subject or "no subject",
    #what.names > 0 and table.concat(what.names, ", ") or "no names")
  if public then
    parts.event(set, "its key: %s, %d bits, %s", public:type(), public:bits(), public:pin())
  end
  for _, other in ipairs(what.left_out) do
    parts.event(set, "ignored: %s", other)
  end
end

local function request_of(set, request)
  return {
    csr = request, copy = set.copy, hosts = #set.host > 0 and set.host or nil, subject = set.subject,
    profile = set.profile, valid_for = set.valid_for, unique = set.unique, name_constraints = founding.constraints(set),
    extended_key_usage = #set.purpose > 0 and set.purpose or nil,
  }
end

local function load(given)
  if type(given) ~= "string" then
    return given
  end
  return csr.load(given)
end

local function base_of(set, request)
  if type(set.request) == "string" then
    return (set.request:match "[^/]*$":gsub("%.%w+$", ""))
  end
  local first = request:subject_alt_names()[1]
  return parts.base_name(tostring(first and first.value or request:subject():get "CN" or "certificate"))
end

--- Signs, and with `out` writes the certificate.
---@param set table
---@return table? identity cert, chain, pin, asked; with `out` also cert_file
---@return lacre.error? err csr_signature_invalid policy_refused file_exists ...
function sign.run(set)
  local request, err = load(set.request)
  if not request then
    return nil, err
  end
  local what = asked(request)
  show(set, request, what)
  if set.dry_run then
    return { asked = what }
  end
  local ca
  ca, err = parts.open(set)
  if not ca then
    return nil, err
  end
  local function make()
    local identity, problem = ca:issue(request_of(set, request))
    if identity then
      identity.asked = what
    end
    return identity, problem
  end
  if not set.out then
    return make()
  end
  return delivery.run(set, ca, base_of(set, request), { make = make })
end

function sign.text(result, style)
  return result.cert and parts.text(result, style) or "nothing was signed"
end

function sign.to_table(result)
  local data = result.cert and parts.to_table(result) or {}
  data.asked = result.asked
  return data
end

return sign
