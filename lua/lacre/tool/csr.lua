--- csr: a certificate signing request, with a new key or an old one.

local csr = require "lacre.csr"
local filing = require "lacre.x509.filing"
local lacre_error = require "lacre.error"
local plain = require "lacre.plain"
local toolkit = require "lacre.toolkit"

local tool = {
  name = "csr",
  summary = "make a certificate signing request",
  description = "Makes a request for the names given, signed by a new key or by one there is. The request goes to a "
    .. "CA; the key stays here.",
  examples = {
    { "lacre csr www.example.com example.com", "write www.example.com.csr and www.example.com.key" },
    { "lacre csr www.example.com --key old.key", "ask anew for a key there is, as renewals with pins do" },
    { "lacre csr 10.0.0.7 db.test --subject CN=db.test,O=Example,C=PT --key rsa:3072", "a full subject, an RSA key" },
    { "lacre csr alice@example.com --purpose client_auth --encrypt", "for a client, the key sealed" },
    { "lacre inspect www.example.com.csr", "what a request asks for" },
  },
  argument = { name = "hosts", type = "list", many = true, value = "NAME",
    help = "DNS names in any script, wildcards, IP addresses, user@host" },
  options = {
    { name = "key", type = { "string", "userdata" }, value = "TYPE|FILE", default = "p256",
      help = "kind of a new key: p256, p384, p521, ed25519, ed448, rsa, rsa:BITS, ml-dsa-65 where OpenSSL has it; "
        .. "or the file or pkcs11: URI of an old one" },
    { name = "subject", type = { "string", "table", "userdata" }, value = "NAME",
      help = "subject, as CN=www.example.com,O=Example (default: CN of the first name)" },
    { name = "usage", type = "list", value = "NAME", help = "key usage to ask for: digital_signature ..." },
    { name = "purpose", type = "list", value = "NAME", help = "purpose to ask for: server_auth, client_auth ..." },
    { name = "must_staple", type = "boolean", default = false, help = "ask that OCSP stapling be demanded" },
    { name = "out", value = "DIR", command_default = ".", help = "directory for the files (default: .)" },
    { name = "encrypt", type = "boolean", default = false, help = "seal the key with a password, asked for twice" },
    { name = "password", type = "password", prompt = "encrypt", new = true, help = "of the key" },
    { name = "overwrite", type = "boolean", default = false, help = "replace old files" },
  },
}

local function make(set)
  local private, from = filing.key(set.key, set.password)
  if not private then
    return nil, from
  end
  local request, err = csr.create {
    key = private, hosts = set.hosts, subject = set.subject, key_usage = set.usage, extended_key_usage = set.purpose,
    must_staple = set.must_staple,
  }
  return request and { csr = request, key = private, key_file = from, is_old_key = from ~= nil }, err
end

--- Makes a request; with `out` its files are written too, never over old ones unless told.
---@param set table see `tool.options`
---@return { csr: lacre.csr, key: lacre.key, csr_file?: string, key_file?: string }? result
---@return lacre.error? err file_exists, bad_name ...
function tool.run(set)
  if set.encrypt and not set.password then
    return lacre_error.fail("config", "password_required", "encrypt needs a password")
  end
  local result, err = make(set)
  if not result or not set.out then
    return result or nil, err
  end
  return filing.write(result, {
    out = set.out, name = set.hosts[1], overwrite = set.overwrite, password = set.password,
  })
end

--- For people.
---@param result table
---@param style lacre.style
---@return string
function tool.text(result, style)
  local request, names = result.csr, {}
  for i, item in ipairs(request:subject_alt_names()) do
    names[i] = plain.printable(tostring(item.value))
  end
  local key_words = result.is_old_key and "the key that signed it"
    or result.is_sealed and "private key, sealed with the password"
    or "private key, readable by you alone: it stays here"
  return table.concat({
    ("%s  request for %s"):format(style.bold(result.csr_file or "-"), table.concat(names, ", ")),
    ("%s  %s"):format(style.bold(result.key_file or "-"), key_words),
    "subject " .. plain.printable(tostring(request:subject())),
    "pin " .. request:pin(),
  }, "\n")
end

--- Plain data.
---@param result table
---@return table
function tool.to_table(result)
  return {
    csr_file = result.csr_file, key_file = result.key_file, pin = result.csr:pin(), pem = result.csr:to_pem(),
    csr = result.csr:to_table(),
  }
end

return toolkit.define(tool)
