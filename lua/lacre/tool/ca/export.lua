--- tool.ca.export: a certificate with its chain, or with its key in a PKCS#12 file.

local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"

local file = later "lacre.file"
local key = later "lacre.key"

local export = {
  name = "export",
  summary = "export a certificate with its chain, or with its key in a PKCS#12 file",
  examples = {
    { "lacre ca export ca 0a1b2c --out www.crt", "the certificate and its chain, without the root" },
    { "lacre ca export ca alice.crt --key alice.key --out alice.p12", "for browsers, Windows and Java" },
    { "lacre ca export ca alice.crt --key alice.key --out alice.p12 --legacy", "for systems from before 2019" },
  },
  arguments = { parts.row.dir, parts.row.which },
  options = parts.rows(
    { name = "out", value = "FILE", required = true, help = "write to this file" },
    { name = "key", value = "FILE", help = "the private key: write both to a PKCS#12 file" },
    { name = "key_password", type = "password", prompt = "key", help = "the private key" },
    { name = "p12_password", type = "password", prompt = "key", new = true, help = "the PKCS#12 file" },
    { name = "legacy", type = "boolean", default = false, help = "use 3DES and SHA-1, which give little protection" },
    "overwrite", "on_event"
  ),
}

local function sealed(set, cert, chain)
  local private, err = key.load(set.key, { password = set.key_password })
  local password = set.p12_password
  if private and type(password) == "function" then
    password, err = password "the PKCS#12 file"
  end
  if not private or not password then
    return nil, err
  end
  if set.legacy then
    parts.event(set, "warning: this file is encrypted with 3DES and SHA-1; whoever gets it can guess passwords quickly")
  end
  return require("lacre.pkcs12").create {
    cert = cert, key = private, chain = chain, password = password, name = parts.name_of(cert), legacy = set.legacy,
  }
end

--- Writes the file.
---@param set table
---@return { file: string, cert: lacre.cert, sealed: boolean }? result
---@return lacre.error? err unknown_serial key_mismatch file_exists ...
function export.run(set)
  local spare, taken = parts.spare(set, set.out)
  if not spare then
    return nil, taken
  end
  local which, err = parts.which(set.which)
  local ca, cert
  if which then
    ca, err = parts.open(set, true)
  end
  if ca then
    cert, err = ca:certificate_of(which)
  end
  local bytes = cert and not set.key and parts.full_chain { cert = cert, chain = ca:chain() }
  if cert and set.key then
    bytes, err = sealed(set, cert, ca:chain())
  end
  local done
  if bytes then
    done, err = file.write(set.out, bytes, { overwrite = set.overwrite, mode = set.key and "0600" or "0644" })
  end
  return done and { file = set.out, cert = cert, sealed = set.key ~= nil }, err
end

function export.text(result, style)
  return ("%s  %s%s"):format(style.bold(result.file), parts.name_of(result.cert),
    result.sealed and ", encrypted, with its key and chain" or ", with its chain")
end

function export.to_table(result)
  return { file = result.file, serial = result.cert:serial(), sealed = result.sealed }
end

return export
