--- tool.selfsign: a key and a certificate that signs itself, in one call.

local later = require "lacre.later"
local options = require "lacre.options"
local shared = require "lacre.toolkit.shared"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local cert = later "lacre.cert"
local filing = later "lacre.x509.filing"

local selfsign = {
  name = "selfsign",
  summary = "make a key and a self-signed certificate",
  description = "Makes a private key and a self-signed certificate, for development, devices and tests. Clients "
    .. "have to be told to trust exactly this certificate, or its pin.",
  examples = {
    { "lacre selfsign localhost 127.0.0.1 ::1", "write localhost.crt and localhost.key" },
    { "mkdir -p certs && lacre selfsign '*.dev.test' --valid-for 1y --out certs",
      "a wildcard, valid for a year, written to certs/" },
    { "lacre selfsign bücher.test --days 90 --encrypt --p12",
      "an internationalized name, an encrypted key, and a PKCS#12 bundle" },
    {
      "lacre selfsign localhost '*.localhost' 127.0.0.1 --key rsa:4096 --valid-for 365d"
        .. " --subject CN=localhost,O=Example,L=Lisboa,ST=Lisboa,C=PT",
      "an RSA key and a full subject",
    },
  },
  argument = shared.hosts,
  options = {
    shared.key,
    { name = "valid_for", type = "duration", value = "TIME",
      help = "how long it is valid, such as 90d or 1y (default: 30d)" },
    { name = "days", type = "integer", value = "N", help = "the same, in days" },
    { name = "subject", type = { "string", "table", "userdata" }, value = "NAME",
      help = "subject, such as CN=localhost,O=Example (default: the first name as CN)" },
    { name = "profile", default = "server", help = "what the certificate is for",
      values = { "server", "client", "peer", "email", "code_signing" } },
    shared.out, shared.encrypt,
    { name = "password", type = "password", prompt = "encrypt", new = true, help = "the key and bundle" },
    { name = "p12", type = "boolean", default = false,
      help = "also write a PKCS#12 bundle, for Windows, Java and browsers" },
    shared.overwrite,
  },
}

local function duration_of(set)
  if set.days and set.valid_for then
    options.misuse "bad option 'days' to 'tool.selfsign' (days and valid_for cannot be combined)"
  elseif set.days and set.days < 1 then
    options.misuse "bad option 'days' to 'tool.selfsign' (at least 1 expected)"
  end
  return set.days and set.days * 86400 or set.valid_for or 30 * 86400
end

local function make(set)
  local valid_for = duration_of(set)
  local private, from = filing.key(set.key, set.password)
  if not private then
    return nil, from
  end
  local certificate, err = cert.create {
    key = private, hosts = set.hosts, subject = set.subject, profile = set.profile, valid_for = valid_for,
  }
  return certificate and {
    cert = certificate, key = private, chain = {}, pin = certificate:pin(), key_file = from, is_old_key = from ~= nil,
  }, err
end

--- Makes an identity; with `out` its files are written too, never over old ones unless told.
---@param set table see `selfsign.options`
---@return table? identity `cert`, `key`, `chain`, `pin`, and with `out` also `cert_file`, `key_file`, `p12_file`
---@return lacre.error? err file_exists, permission_denied, bad_name ...
function selfsign.run(set)
  return filing.made(set, make)
end

local function key_line(identity)
  if identity.is_old_key then
    return "the existing private key"
  end
  return identity.is_sealed and "private key, encrypted with the password"
    or "private key, readable only by you: keep it secret"
end

local function names_of(certificate)
  local names = {}
  for i, item in ipairs(certificate:subject_alt_names()) do
    names[i] = tostring(item.value)
  end
  return table.concat(names, ", ")
end

local function trust_lines(identity, style)
  local name = identity.cert:hosts()[1]
  if not name or not (identity.cert:extended_key_usage() or {}).server_auth then
    return {}
  end
  local host = name:gsub("^%*", "www")
  host = host:find ":" and "[" .. host .. "]" or host
  return {
    "",
    style.dim "tell clients to trust exactly this certificate:",
    ("  curl --cacert %s https://%s:8443/"):format(identity.cert_file, host),
    ("  lacre echo --connect %s:8443 --trust %s"):format(host, identity.cert_file),
    style.dim "for browsers, make a CA instead: lacre ca init, lacre ca issue",
  }
end

--- For people.
---@param identity table
---@param style lacre.style
---@return string
function selfsign.text(identity, style)
  local certificate = identity.cert
  local lines = {
    ("%s  certificate for %s"):format(style.bold(identity.cert_file), names_of(certificate)),
    ("%s  %s"):format(style.bold(identity.key_file), key_line(identity)),
    identity.p12_file and ("%s  certificate and key as PKCS#12"):format(style.bold(identity.p12_file)) or false,
    ("valid until %s (%s)"):format(
      time.format(certificate:not_after(), "date"), time.humanize(certificate:expires_in())
    ),
    "pin " .. identity.pin,
  }
  for _, line in ipairs(trust_lines(identity, style)) do
    lines[#lines + 1] = line
  end
  if not lines[3] then
    table.remove(lines, 3)
  end
  return table.concat(lines, "\n")
end

--- Plain data.
---@param identity table
---@return table
function selfsign.to_table(identity)
  return {
    cert_file = identity.cert_file,
    key_file = identity.key_file,
    p12_file = identity.p12_file,
    pin = identity.pin,
    cert = identity.cert:to_table(),
  }
end

return toolkit.define(selfsign)
