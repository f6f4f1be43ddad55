--- tool.csr: a certificate signing request, with a new key or an old one.

local later = require "lacre.later"
local shared = require "lacre.toolkit.shared"
local toolkit = require "lacre.toolkit"

local csr = later "lacre.csr"
local filing = later "lacre.x509.filing"
local plain = later "lacre.plain"

local tool = {
  name = "csr",
  summary = "make a certificate signing request",
  description = "Makes a certificate signing request for the given names, with a new key or an existing one. Send "
    .. "the request to a CA and keep the key.",
  examples = {
    { "lacre csr www.example.com example.com", "write www.example.com.csr and www.example.com.key" },
    { "lacre csr www.example.com --key old.key", "reuse a key, to renew a certificate whose pin must not change" },
    { "lacre csr 10.0.0.7 db.test --subject CN=db.test,O=Example,C=PT --key rsa:3072",
      "a full subject and an RSA key" },
    { "lacre csr alice@example.com --purpose client_auth --encrypt", "for a client, with an encrypted key" },
    { "lacre inspect www.example.com.csr", "show what a request asks for" },
  },
  argument = shared.hosts,
  options = {
    shared.key,
    { name = "subject", type = { "string", "table", "userdata" }, value = "NAME",
      help = "subject, such as CN=www.example.com,O=Example (default: the first name as CN)" },
    { name = "usage", also = "key_usage", type = "list", value = "NAME",
      help = "key usage to ask for: digital_signature ..." },
    { name = "purpose", also = "extended_key_usage", type = "list", value = "NAME",
      help = "purpose to ask for: server_auth, client_auth ..." },
    { name = "must_staple", type = "boolean", default = false,
      help = "ask for a must-staple certificate (clients then require a stapled OCSP response)" },
    shared.out, shared.encrypt,
    { name = "password", type = "password", prompt = "encrypt", new = true, help = "the key" },
    shared.overwrite,
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
  return filing.made(set, make)
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
    or result.is_sealed and "private key, encrypted with the password"
    or "private key, readable only by you: keep it secret"
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
