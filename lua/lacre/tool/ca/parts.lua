--- tool.ca.parts: what the actions of `lacre ca` share: their rows, how they open a CA, and the files they write.

local later = require "lacre.later"
local shared = require "lacre.toolkit.shared"
local time = require "lacre.time"

local ca = later "lacre.ca"
local certificate = later "lacre.cert.read"
local file = later "lacre.file"
local filing = later "lacre.x509.filing"
local layout = later "lacre.ca.layout"

local parts = {}

local row = {}
parts.row = row

row.dir = { name = "dir", type = "string", value = "DIR", help = "the CA's directory" }
row.which = {
  name = "which", type = "string", value = "SERIAL|FILE", help = "serial number or file of the certificate",
}
row.password = { name = "password", type = "password", prompt = true, help = "the CA's key" }
row.lock_timeout = {
  name = "lock_timeout", type = "duration", value = "TIME", default = "30s",
  help = "how long to wait for another process that is using the CA",
}
row.on_event, row.out, row.overwrite = shared.on_event, shared.out, shared.overwrite
row.key = {
  name = "key", type = { "string", "userdata" }, value = "TYPE",
  help = "key type: p256, p384, p521, ed25519, ed448, rsa, rsa:BITS",
}
row.valid_for = {
  name = "valid_for", type = "duration", value = "TIME", help = "how long it is valid, such as 90d or 1y",
}
row.subject = {
  name = "subject", type = { "string", "table" }, value = "NAME", help = "subject, such as CN=Example CA,O=Example",
}
row.name = {
  name = "name", value = "TEXT", help = "common name of the CA (default: the directory's name followed by CA)",
}
row.no_password = { name = "no_password", type = "boolean", default = false, help = "do not encrypt the key" }
row.crl_url = {
  name = "crl_url", type = "list", value = "URL", default = {},
  help = "URL of the CRL, written into issued certificates",
}
row.ocsp_url = {
  name = "ocsp_url", type = "list", value = "URL", default = {},
  help = "URL of the OCSP responder (lacre ca ocsp), written into issued certificates",
}
row.issuer_url = {
  name = "issuer_url", type = "list", value = "URL", default = {},
  help = "URL of the CA's certificate, written into issued certificates",
}
row.purpose = {
  name = "purpose", type = "list", value = "PURPOSE", default = {},
  help = "what an intermediate and everything it issues is for: server_auth, client_auth, email_protection, "
    .. "code_signing (default: the first two)",
}
row.permit = {
  name = "permit", type = "list", value = "NAME", default = {},
  help = "name constraint: allow this domain, IP range or @domain, and no other name of that type; may be repeated",
}
row.exclude = {
  name = "exclude", type = "list", value = "NAME", default = {},
  help = "name constraint: names the CA may not issue for; may be repeated",
}

--- Several rows at once, by their names; a table among them is a row itself.
---@return lacre.tool.row[]
function parts.rows(...)
  local list = {}
  for _, one in ipairs { ... } do
    list[#list + 1] = type(one) == "string" and row[one] or one
  end
  return list
end

local function event(set, format, ...)
  if set.on_event then
    set.on_event(format:format(...))
  end
end
parts.event = event

--- Opens the CA of a directory.
---@param set table `dir`, `password`, `lock_timeout`, `on_event`
---@param without_key? boolean
---@return lacre.ca? ca
---@return lacre.error? err
function parts.open(set, without_key)
  return ca.load(set.dir, {
    password = set.password, key = not without_key, lock_timeout = set.lock_timeout,
    on_wait = function(path)
      event(set, "waiting for %s, locked by another process", path)
    end,
  })
end

--- The serial of what the user named: a serial number, or a file with the certificate.
---@param which string
---@return string|lacre.cert? which as the methods of a CA take it
---@return lacre.error? err
function parts.which(which)
  if not which:find "[/.]" and which:find "^[%x:]+$" and not file.stat(which) then
    return which
  end
  return certificate.load(which)
end

--- A duration that is taken for none of an instant, however long it is.
---@param duration number|string
---@return string
function parts.lasting(duration)
  return type(duration) == "number" and ("%.0fs"):format(duration) or duration
end

function parts.base_name(name)
  return filing.base_name(name)
end

--- What a certificate is called by people.
---@param cert lacre.cert
---@return string
function parts.name_of(cert)
  local names = cert:subject_alt_names()
  return tostring(names[1] and names[1].value or cert:subject():get "CN" or cert:serial())
end

--- The certificate with its chain, as servers want it.
---@param identity { cert: lacre.cert, chain: lacre.cert[] }
---@return string pem
function parts.full_chain(identity)
  local pem = { identity.cert:to_pem() }
  for _, cert in ipairs(identity.chain) do
    pem[#pem + 1] = cert:to_pem()
  end
  return table.concat(pem)
end

--- Whether a file may be written there: never over one of the CA's own.
---@param set { dir?: string }
---@param path? string nothing, where nothing is written
---@return true?
---@return lacre.error? err file_exists
function parts.spare(set, path)
  local paths = path and set.dir and layout.find(set.dir)
  if not paths then
    return true
  end
  return layout.spare(paths, path)
end

--- Plain data of something issued.
---@param identity table
---@return table
function parts.to_table(identity)
  local cert = identity.cert
  return {
    serial = cert:serial(),
    subject = tostring(cert:subject()),
    names = cert:hosts(),
    not_after = time.format(cert:not_after()),
    fingerprint = cert:fingerprint(),
    pin = cert:pin(),
    cert_file = identity.cert_file,
    key_file = identity.key_file,
    p12_file = identity.p12_file,
  }
end

--- The lines that tell people of something issued.
---@param identity table
---@param style lacre.style
---@return string
function parts.text(identity, style)
  local cert = identity.cert
  local lines = {}
  if identity.cert_file then
    lines[1] = ("%s  certificate for %s%s"):format(style.bold(identity.cert_file), parts.name_of(cert),
      #identity.chain > 0 and ", with its chain" or "")
  end
  if identity.key_file then
    lines[#lines + 1] = ("%s  private key, readable only by you"):format(style.bold(identity.key_file))
  end
  if identity.p12_file then
    lines[#lines + 1] = style.bold(identity.p12_file) .. "  all of it in one encrypted file, for browsers and Windows"
  end
  lines[#lines + 1] = "serial " .. cert:serial()
  local last = cert:not_after()
  lines[#lines + 1] = ("valid until %s (%s)"):format(time.format(last, "date"), time.humanize(cert:expires_in()))
  lines[#lines + 1] = "pin " .. cert:pin()
  return table.concat(lines, "\n")
end

return parts
