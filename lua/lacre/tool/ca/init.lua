--- tool.ca.init: a root CA in a new directory.

local founding = require "lacre.tool.ca.founding"
local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"
local policy_text = require "lacre.tool.ca.policy_text"
local time = require "lacre.time"

local authority = later "lacre.ca"
local cert = later "lacre.cert"
local folder = later "lacre.ca.folder"

local init = {
  name = "init",
  summary = "make a root CA",
  description = "Makes a key and a self-signed root certificate in a new directory, with the files that `openssl "
    .. "ca` reads too. The key is encrypted with a password unless --no-password is given.",
  examples = {
    { "lacre ca init ca", "asks for a password (twice)" },
    { "lacre ca init ca --name 'Example Root' --password-file pw --permit example.test",
      "limited to names below example.test" },
    { "lacre ca init lab --no-password --path-length 0",
      "for a lab: a root that issues end-entity certificates itself" },
  },
  argument = parts.row.dir,
  options = parts.rows(
    "name", "subject",
    { name = "key", type = { "string", "userdata" }, value = "TYPE", default = "p384", help = parts.row.key.help },
    { name = "valid_for", type = "duration", value = "TIME", default = "10y", help = "how long it is valid" },
    { name = "path_length", type = "integer", value = "N", default = 1,
      help = "how many levels of CAs are allowed below it" },
    "permit", "exclude",
    { name = "password", type = "password", prompt = true, new = true, help = "the CA's key" },
    "no_password",
    "crl_url", "ocsp_url", "issuer_url",
    "on_event"
  ),
}

local function make(set, private)
  return cert.create {
    profile = "ca", key = private, subject = founding.subject(set, "Root CA"), valid_for = set.valid_for,
    path_length = set.path_length, name_constraints = founding.constraints(set),
  }
end

local function write(set, private, made, password)
  local done, err = folder.create(set.dir, {
    cert = made, key = private, password = password or nil, policy_text = policy_text.of(set),
  })
  local ca
  if done then
    ca, err = authority.load(set.dir, { password = password or nil })
  end
  local list
  if ca then
    list, err = ca:crl()
  end
  return list and { dir = set.dir, cert = made, sealed = password ~= false }, err
end

--- Makes the CA: its directory is there complete, or not at all.
---@param set table
---@return { dir: string, cert: lacre.cert, sealed: boolean }? result
---@return lacre.error? err file_exists permission_denied password_required ...
function init.run(set)
  local free, err = folder.is_free(set.dir)
  if not free then
    return nil, err
  end
  local password
  password, err = founding.password(set)
  if password == nil then
    return nil, err
  end
  local private, made
  private, err = founding.key(set)
  if private then
    made, err = make(set, private)
  end
  if not made then
    return nil, err
  end
  return write(set, private, made, password)
end

function init.text(result, style)
  local cert_file = result.dir:gsub("/+$", "") .. "/ca.crt"
  return table.concat({
    ("%s  the CA: %s"):format(style.bold(result.dir), tostring(result.cert:subject())),
    ("valid until %s; its key is %s"):format(
      time.format(result.cert:not_after(), "date"), result.sealed and "encrypted with your password" or "not sealed"),
    "fingerprint " .. result.cert:fingerprint("sha256", "colon"),
    "",
    style.dim "next: issue a certificate, and make programs trust the CA:",
    ("  lacre ca issue %s www.example.test"):format(result.dir),
    ("  curl --cacert %s https://www.example.test/"):format(cert_file),
    ("  lacre ca trust install %s --dry-run"):format(result.dir),
  }, "\n")
end

function init.to_table(result)
  return {
    dir = result.dir, subject = tostring(result.cert:subject()), serial = result.cert:serial(),
    not_after = time.format(result.cert:not_after()), fingerprint = result.cert:fingerprint(),
    pin = result.cert:pin(), sealed = result.sealed,
  }
end

return init
