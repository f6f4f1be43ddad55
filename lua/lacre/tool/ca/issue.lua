--- tool.ca.issue: a key and a certificate of the CA, in one go.

local delivery = require "lacre.tool.ca.delivery"
local fail = require("lacre.error").fail
local later = require "lacre.later"
local options = require "lacre.options"
local parts = require "lacre.tool.ca.parts"

local filing = later "lacre.x509.filing"
local key = later "lacre.key"
local name = later "lacre.name"
local pkcs12 = later "lacre.pkcs12"

local issue = {
  name = "issue",
  summary = "make a key and a certificate signed by the CA",
  description = "Makes a key and a certificate: writes NAME.crt, with the full chain, and NAME.key. Names are DNS "
    .. "names (wildcards and IDNs too), IP addresses, user@host or URIs.",
  examples = {
    { "lacre ca issue ca www.example.test 10.0.0.7", "a server certificate" },
    { "lacre ca issue ca alice@example.test --profile client --p12",
      "a client certificate, with a PKCS#12 file for the browser" },
    { "lacre ca issue ca db.example.test --profile peer --valid-for 30d --out /etc/db",
      "for both sides of mutual TLS" },
  },
  arguments = {
    parts.row.dir,
    {
      name = "names", also = "hosts", type = "list", many = true, optional = true, value = "NAME",
      help = "what the certificate is for",
    },
  },
  options = parts.rows(
    { name = "profile", default = "server", help = "what the certificate is for",
      values = { "server", "client", "peer", "email", "code_signing", "ocsp" } },
    "key", "valid_for", "subject",
    { name = "must_staple", type = "boolean", default = false,
      help = "must-staple: clients require a stapled OCSP response" },
    { name = "unique", type = "boolean", default = nil,
      help = "refuse if a valid certificate for one of the names exists" },
    "out", "overwrite",
    { name = "p12", type = "boolean", default = false, help = "also write NAME.p12, encrypted with its own password" },
    { name = "p12_password", type = "password", prompt = "p12", new = true, help = "the PKCS#12 file" },
    { name = "encrypt", type = "boolean", default = false, help = "encrypt NAME.key with a password, asked twice" },
    { name = "key_password", type = "password", prompt = "encrypt", new = true, help = "NAME.key" },
    "password", "lock_timeout", "on_event"
  ),
}

local function request_of(set, private)
  return {
    hosts = set.names or {}, subject = set.subject, key = private, profile = set.profile, valid_for = set.valid_for,
    unique = set.unique, must_staple = set.must_staple or nil,
  }
end

-- the key, and how it will be written
local function make_key(set, ca)
  local kind = set.key or ca.policy.defaults.key or (set.profile == "code_signing" and "rsa") or "p256"
  local private, err = key.is(kind) and kind or nil, nil
  if not private then
    private, err = key.generate(kind)
  end
  if not private then
    return nil, nil, err
  end
  local password, pem
  password, err = filing.password(set.key_password, "the new key", set.encrypt)
  if password ~= nil then
    pem, err = private:to_pem { password = password or nil }
  end
  return private, pem, err
end

-- the identity in one sealed file; its password is there before anything is issued
local function sealer(set, password)
  return set.p12 and function(identity)
    return pkcs12.create {
      cert = identity.cert, key = identity.key, chain = identity.chain, password = password,
      name = parts.name_of(identity.cert),
    }
  end
end

-- what the files are called after
local function base_of(set)
  if set.names and set.names[1] then
    return parts.base_name(set.names[1])
  elseif not set.subject or set.profile == "server" then
    options.misuse("missing argument 'names' (a %s certificate needs a name%s)", set.profile,
      set.profile == "server" and "" or ", or a subject")
  end
  local subject, err = name.new(set.subject)
  return subject and parts.base_name(subject:get "CN" or "certificate"), err
end

local function open(set)
  if set.p12 and not set.p12_password then
    return fail("config", "password_required", "a PKCS#12 file is sealed with a password: say p12_password")
  end
  local password, err = filing.password(set.p12_password, "the PKCS#12 file")
  if password == nil then
    return nil, err
  end
  local ca
  ca, err = parts.open(set)
  return ca, ca and password or err
end

--- Issues, and with `out` writes the files.
---@param set table
---@return table? identity cert, key, chain, pin; with `out` also cert_file, key_file, p12_file
---@return lacre.error? err policy_refused file_exists password_required ...
function issue.run(set)
  local base, err = base_of(set)
  local ca, password, private, pem
  if base then
    ca, password = open(set)
    err = password
  end
  if ca then
    private, pem, err = make_key(set, ca)
  end
  if not pem then
    return nil, err
  end
  local function make()
    return ca:issue(request_of(set, private))
  end
  if not set.out then
    return make()
  end
  return delivery.run(set, ca, base, { key = private, pem = pem, make = make, more = sealer(set, password) })
end

issue.text, issue.to_table = parts.text, parts.to_table

return issue
