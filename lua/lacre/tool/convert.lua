--- tool.convert: the same thing in another form: PEM, DER, PKCS#8, traditional, PKCS#12.

local core = require "lacre.core"
local later = require "lacre.later"
local toolkit = require "lacre.toolkit"

local documents = later "lacre.x509.documents"
local file = later "lacre.file"
local filing = later "lacre.x509.filing"
local forms = later "lacre.x509.forms"
local parameters = later "lacre.x509.parameters"
local pem = later "lacre.pem"

local convert = {
  name = "convert",
  summary = "convert between PEM, DER, PKCS#8, PKCS#12 and traditional keys",
  description = "Reads everything that inspect reads. Keys are written unencrypted unless --encrypt or a "
    .. "--new-password option is given. Files that hold a private key get mode 0600; existing files are never "
    .. "replaced without --overwrite.",
  examples = {
    { "lacre convert server.der --to pem --out server.pem", "DER to PEM" },
    { "lacre convert server.crt server.key --to p12 --out server.p12 --new-password-file pw", "a PKCS#12 bundle" },
    { "lacre convert server.p12 --to pem --out server.pem", "the key, the certificate and its chain as PEM" },
    { "lacre convert old.key --to pkcs8 --encrypt --out new.key",
      "a traditional key to PKCS#8, encrypted with a new password" },
    { "lacre convert server.key --to public", "the public key of a key or certificate" },
  },
  argument = { name = "files", type = "texts", many = true, value = "FILE", help = "files, or - for standard input" },
  options = {
    { name = "to", default = "pem", help = "output format",
      values = { "pem", "der", "pkcs8", "traditional", "public", "p12" } },
    { name = "out", value = "FILE", help = "write here (default: -, standard output)" },
    { name = "overwrite", type = "boolean", default = false, help = "replace an existing file" },
    { name = "password", type = "password", prompt = true, help = "the input" },
    { name = "encrypt", type = "boolean", default = false,
      help = "encrypt keys with a new password (asked for twice)" },
    { name = "new_password", type = "password", prompt = "encrypt", new = true, help = "the output" },
    { name = "name", value = "NAME", help = "friendly name in a PKCS#12 file" },
    { name = "legacy", type = "boolean", default = false,
      help = "use old PKCS#12 ciphers, for programs from before 2019" },
    { name = "on_data", type = "function", from_lua = true, help = "called with the bytes if no file is named" },
  },
}

local function load(set)
  local items = {}
  for _, path in ipairs(set.files) do
    local list, err = documents.load(path, set)
    if not list then
      return nil, err
    end
    for _, found in ipairs(list) do
      if found.error then
        return nil, found.error
      end
      items[#items + 1] = found
    end
  end
  return parameters.needed(items)
end

local function new_password(set)
  return filing.password(set.new_password, set.out or "the result", set.encrypt)
end

local function has_secret(items, set)
  for _, found in ipairs(items) do
    if found.kind == "key" and found.value:is_private() and set.to ~= "public" then
      return true
    end
  end
  return false
end

local function deliver(set, result)
  if result.out then
    local mode = result.secret and "0600" or "0644"
    local done, err = file.write(result.out, result.bytes, { mode = mode, overwrite = set.overwrite })
    return done and result, err
  elseif set.on_data then
    local done, err = set.on_data(result.bytes)
    result.delivered = true
    return done and result, err
  end
  return result
end

--- The bytes in the other form; with `out` they are written there.
---@param set table see `convert.options`
---@return { bytes: string, kinds: string[], out?: string }? result
---@return lacre.error? err
function convert.run(set)
  local items, err = load(set)
  local bytes, written
  if items then
    set.password_text, err = new_password(set)
  end
  if items and set.password_text ~= nil then
    bytes, err, written = forms[set.to](items, set)
  end
  if not bytes then
    return nil, err
  end
  local kinds = {}
  for i, found in ipairs(written or items) do
    kinds[i] = found.kind
  end
  local out = set.out ~= "-" and set.out or nil -- as of what is read, "-" is standard output
  return deliver(set, { bytes = bytes, kinds = kinds, out = out, to = set.to, secret = has_secret(items, set) })
end

--- For people: what was written, or the text itself.
---@param result table
---@param style lacre.style
---@return string?
function convert.text(result, style)
  if result.out then
    return ("%s  %s as %s"):format(style.bold(result.out), table.concat(result.kinds, ", "), result.to)
  end
  return not result.delivered and result.bytes or nil
end

--- Plain data.
---@param result table
---@return table
function convert.to_table(result)
  local is_text = pem.is(result.bytes)
  return {
    out = result.out, to = result.to, kinds = result.kinds,
    pem = not result.out and is_text and result.bytes or nil,
    base64 = not result.out and not is_text and core.bytes.base64(result.bytes) or nil,
  }
end

return toolkit.define(convert)
