--- issue: a key and a certificate of the CA, in one go.

local fail = require("lacre.error").fail
local key = require "lacre.key"
local options = require "lacre.options"
local parts = require "lacre.tool.ca.parts"

local issue = {
  name = "issue",
  summary = "make a key and have the CA sign a certificate for it",
  description = "Writes NAME.crt, with the full chain, and NAME.key. Names are DNS names (wildcards and IDNs too), IP "
    .. "addresses, user@host or URIs.",
  examples = {
    { "lacre ca issue ca www.example.test 10.0.0.7", "a server" },
    { "lacre ca issue ca alice@example.test --profile client --p12", "a person, in a file for her browser" },
    { "lacre ca issue ca db.example.test --profile peer --valid-for 30d --out /etc/db", "both sides of mutual TLS" },
  },
  arguments = {
    parts.row.dir,
    { name = "names", type = "list", many = true, optional = true, value = "NAME", help = "what it is for" },
  },
  options = parts.rows(
    { name = "profile", default = "server", help = "what it is for",
      values = { "server", "client", "peer", "email", "code_signing", "ocsp" } },
    "key", "valid_for", "subject",
    { name = "must_staple", type = "boolean", default = false, help = "clients shall insist on a stapled OCSP answer" },
    { name = "unique", type = "boolean", default = nil, help = "refuse names that a valid certificate carries" },
    "out", "overwrite",
    { name = "p12", type = "boolean", default = false, help = "write NAME.p12 too, sealed with its own password" },
    { name = "p12_password", type = "password", prompt = "p12", new = true, help = "of the PKCS#12 file" },
    { name = "seal", type = "boolean", default = false, help = "seal NAME.key with a password" },
    { name = "key_password", type = "password", prompt = "seal", new = true, help = "that will seal NAME.key" },
    "password", "lock_timeout", "on_event"
  ),
}

local function request_of(set, private)
  return {
    hosts = set.names or {}, subject = set.subject, key = private, profile = set.profile, valid_for = set.valid_for,
    unique = set.unique, must_staple = set.must_staple or nil,
  }
end

local function fetched(password, what)
  if type(password) == "function" then
    return password(what)
  end
  return password
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
  local password
  if set.key_password then
    password, err = fetched(set.key_password, "the new key")
    if not password then
      return nil, nil, err
    end
  end
  local pem
  pem, err = private:to_pem { password = password }
  return private, pem, err
end

-- the identity in one sealed file
local function sealer(set)
  if not set.p12 then
    return nil
  end
  return function(identity)
    local password, err = fetched(set.p12_password, "the PKCS#12 file")
    if not password then
      return nil, err
    end
    local pkcs12 = require "lacre.pkcs12"
    return pkcs12.create {
      cert = identity.cert, key = identity.key, chain = identity.chain, password = password,
      name = parts.name_of(identity.cert),
    }
  end
end

local function first_name(set)
  if set.names and set.names[1] then
    return set.names[1]
  elseif set.subject then
    return tostring(require("lacre.error").assert(require("lacre.name").new(set.subject)):get "CN" or "certificate")
  end
  options.misuse "missing argument 'names' (what is it for? a server needs at least one name)"
end

--- Issues, and with `out` writes the files.
---@param set table
---@return table? identity cert, key, chain, pin; with `out` also cert_file, key_file, p12_file
---@return lacre.error? err policy_refused file_exists password_required ...
function issue.run(set)
  if set.p12 and not set.p12_password then
    return fail("config", "password_required", "a PKCS#12 file is sealed with a password: say p12_password")
  end
  local base = parts.base_name(first_name(set))
  local ca, err = parts.open(set)
  if not ca then
    return nil, err
  end
  local private, pem
  private, pem, err = make_key(set, ca)
  if not pem then
    return nil, err
  end
  local function make()
    return ca:issue(request_of(set, private))
  end
  if not set.out then
    return make()
  end
  return parts.deliver(set, base, private, pem, make, sealer(set))
end

issue.text, issue.to_table = parts.text, parts.to_table

return issue
