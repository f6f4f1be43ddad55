--- key.encoding: keys as PEM and DER, and written to files, sealed or not.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"

local fail = lacre_error.fail

local methods = core.key.methods

local format_schema = {
  password = { type = "string" },
  cipher = { type = "string", values = { "aes-128-cbc", "aes-192-cbc", "aes-256-cbc" }, default = "aes-256-cbc" },
  format = { type = "string", values = { "pkcs8", "traditional" }, default = "pkcs8" },
}

local traditional_labels = { rsa = "RSA PRIVATE KEY", ec = "EC PRIVATE KEY" }

local function encode(self, set)
  if not self:is_private() then
    return self:spki(), "PUBLIC KEY"
  elseif set.password and set.format == "traditional" then
    options.misuse "bad option 'format' (a traditional key is not encrypted here; use pkcs8)"
  elseif set.password then
    local bytes, err = core.keyfile.encrypted(self, set.password, set.cipher)
    return bytes, bytes and "ENCRYPTED PRIVATE KEY" or err
  elseif set.format == "traditional" then
    local label = traditional_labels[self:type()]
    if not label then
      return fail("save", "unsupported", "%s keys have no traditional format", self:type())
    end
    local bytes, err = core.keyfile.traditional(self)
    return bytes, bytes and label or err
  end
  local bytes, err = core.keyfile.pkcs8(self)
  return bytes, bytes and "PRIVATE KEY" or err
end

--- PEM of the key; a public one is SubjectPublicKeyInfo. With a password: encrypted PKCS#8.
---@param given? { password?: string, cipher?: string, format?: "pkcs8"|"traditional" }
---@return string? pem
---@return lacre.error? err unsupported
function methods:to_pem(given)
  local bytes, label = encode(self, options.check(format_schema, given, "key:to_pem"))
  if not bytes then
    return nil, label
  end
  return core.pem.encode(label, bytes)
end

--- The same in DER.
---@param given? table as to_pem
---@return string? der
---@return lacre.error? err unsupported
function methods:to_der(given)
  local bytes, label = encode(self, options.check(format_schema, given, "key:to_der"))
  if not bytes then
    return nil, label
  end
  return bytes
end

local save_schema = {
  password = format_schema.password,
  cipher = format_schema.cipher,
  format = format_schema.format,
  overwrite = { type = "boolean", default = false },
  mode = { type = "string", default = "0600" },
}

--- Writes the key as PEM, durably, to a file that only its owner can read; never replaces a file unless told.
---@param path string
---@param given? { password?: string, overwrite?: boolean, mode?: string, format?: string, cipher?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function methods:save(path, given)
  local set = options.check(save_schema, given, "key:save")
  local bytes, label = encode(self, set)
  if not bytes then
    return nil, label
  end
  local mode = self:is_private() and set.mode or (given and given.mode) or "0644"
  return file.write(path, core.pem.encode(label, bytes), { mode = mode, overwrite = set.overwrite })
end
