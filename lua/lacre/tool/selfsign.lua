--- selfsign: a key and a certificate that signs itself, in one call.

local cert = require "lacre.cert"
local file = require "lacre.file"
local key = require "lacre.key"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local selfsign = {
  name = "selfsign",
  summary = "make a key and a self-signed certificate",
  description = "Makes a private key and a certificate signed by it, for development, devices and tests. "
    .. "Clients have to be told to trust exactly this certificate, or its pin.",
  examples = {
    { "lacre selfsign localhost 127.0.0.1 ::1", "write localhost.crt and localhost.key" },
    { "lacre selfsign '*.dev.test' --valid-for 1y --out certs", "a wildcard, for a year, in certs/" },
    {
      "lacre selfsign localhost '*.localhost' 127.0.0.1 --key rsa:4096 --valid-for 365d"
        .. " --subject C=PT,ST=Lisboa,L=Lisboa,O=Example,CN=localhost",
      "the classic kind, with a full subject",
    },
  },
  argument = { name = "hosts", type = "list", many = true, value = "NAME", help = "DNS names and IP addresses" },
  options = {
    { name = "key", type = { "string", "userdata" }, value = "TYPE", default = "p256",
      help = "kind of key: p256, p384, p521, ed25519, ed448, rsa, rsa:BITS" },
    { name = "valid_for", type = "duration", value = "TIME", default = "30d",
      help = "how long it is valid, as 90d or 1y" },
    { name = "subject", type = { "string", "table", "userdata" }, value = "NAME",
      help = "subject, as CN=localhost,O=Example (default: CN of the first name)" },
    { name = "profile", default = "server", values = { "server", "client", "peer" }, help = "what it is for" },
    { name = "out", value = "DIR", command_default = ".", help = "directory for the files (default: .)" },
    { name = "overwrite", type = "boolean", default = false, help = "replace old files" },
  },
}

-- the first name, as a file may be called
local function base_name(host)
  local name = host:gsub("^%*", "_wildcard"):gsub("[^%w._@-]", "_")
  return name == "" and "selfsigned" or name
end

local function write_files(set, identity)
  local base = file.join(set.out, base_name(set.hosts[1]))
  identity.cert_file, identity.key_file = base .. ".crt", base .. ".key"
  return file.write_together({
    { path = identity.key_file, bytes = identity.key:to_pem(), mode = "0600" },
    { path = identity.cert_file, bytes = identity.cert:to_pem() },
  }, { overwrite = set.overwrite })
end

local function make(set)
  local private, err = set.key, nil
  if type(private) == "string" then
    private, err = key.generate(private)
  end
  if not private then
    return nil, err
  end
  local certificate
  certificate, err = cert.create {
    key = private,
    hosts = set.hosts,
    subject = set.subject,
    profile = set.profile,
    valid_for = set.valid_for,
  }
  return certificate and { cert = certificate, key = private, chain = {}, pin = certificate:pin() }, err
end

--- Makes an identity; with `out` its two files are written too, never over old ones unless told.
---@param set table see `selfsign.options`
---@return table? identity `cert`, `key`, `chain`, `pin`, and with `out` also `cert_file`, `key_file`
---@return lacre.error? err file_exists, permission_denied, bad_name ...
function selfsign.run(set)
  local identity, err = make(set)
  if identity and set.out then
    local written
    written, err = write_files(set, identity)
    identity = written and identity
  end
  return identity or nil, err
end

--- For people.
---@param identity table
---@param style lacre.style
---@return string
function selfsign.text(identity, style)
  local certificate = identity.cert
  return table.concat({
    ("%s  certificate for %s"):format(style.bold(identity.cert_file), table.concat(certificate:hosts(), ", ")),
    ("%s  private key, readable by you alone: it stays here"):format(style.bold(identity.key_file)),
    ("valid until %s (%s)"):format(
      time.format(certificate:not_after(), "date"), time.humanize(certificate:expires_in())
    ),
    "pin " .. identity.pin,
    "",
    style.dim "clients have to be told to trust exactly this certificate:",
    ("  curl --cacert %s https://%s:8443/"):format(identity.cert_file, certificate:hosts()[1] or "HOST"),
    ("  lacre echo --connect %s:8443 --trust %s"):format(certificate:hosts()[1] or "HOST", identity.cert_file),
  }, "\n")
end

--- Plain data.
---@param identity table
---@return table
function selfsign.to_table(identity)
  return {
    cert_file = identity.cert_file,
    key_file = identity.key_file,
    pin = identity.pin,
    cert = identity.cert:to_table(),
  }
end

return toolkit.define(selfsign)
