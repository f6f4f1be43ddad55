--- pkcs12: a key, its certificate and its chain in one encrypted file (RFC 7292), as Windows, Java and
--- browsers carry them.
--
-- Written with AES-256, PBKDF2 and a SHA-256 MAC. What older programs write and need has to be asked
-- for by name: `legacy = true`.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local der = require "lacre.der"
local file = require "lacre.file"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local options = require "lacre.options"

local annotate, fail = lacre_error.annotate, lacre_error.fail

local pkcs12 = {}

local read_schema = {
  password = { type = { "string", "function" } },
  legacy = { type = "boolean", default = false },
}

local hints = {
  unsupported = "have it made again, or open it with legacy = true (--legacy)",
  too_large = "have it encrypted again with fewer rounds, where it comes from",
}

local function parse(bytes, set, what)
  local password = type(set.password) == "string" and set.password or nil
  local found, err = core.pkcs12.parse(bytes, password, set.legacy)
  if not found and err.code == "password_required" and type(set.password) == "function" then
    password = set.password(what)
    if type(password) == "string" then
      found, err = core.pkcs12.parse(bytes, password, set.legacy)
    end
  end
  if not found then
    local is_helpful = not (err.code == "unsupported" and set.legacy)
    return nil, annotate(err, { hint = is_helpful and hints[err.code] or nil })
  elseif not found.cert and not found.key and #found.chain == 0 then
    return fail("parse", "no_certificate", "the file contains neither a key nor a certificate")
  end
  return found
end

local function check_size(bytes)
  local whole = der.length(bytes)
  if not whole then
    return fail("parse", "bad_der", "not a PKCS#12 file")
  elseif whole < #bytes then
    return fail("parse", "trailing_data", "%d bytes follow the PKCS#12 file", #bytes - whole)
  end
  return true
end

--- An identity from the bytes of a PKCS#12 file.
---@param bytes string DER
---@param given? { password?: string|fun(what: string): string, legacy?: boolean }
---@return { cert?: lacre.cert, key?: lacre.key, chain: lacre.cert[], name?: string }? identity
---@return lacre.error? err bad_der trailing_data password_required bad_password unsupported
function pkcs12.parse(bytes, given)
  options.argument("pkcs12.parse", 1, bytes, "string")
  local set = options.check(read_schema, given, "pkcs12.parse")
  local good, err = check_size(bytes)
  if not good then
    return nil, err
  end
  return parse(bytes, set, "PKCS#12 file")
end

--- An identity from a PKCS#12 file.
---@param path string
---@param given? { password?: string|fun(what: string): string, legacy?: boolean }
---@return table? identity as pkcs12.parse
---@return lacre.error? err as pkcs12.parse, and file_not_found permission_denied
function pkcs12.load(path, given)
  local set = options.check(read_schema, given, "pkcs12.load")
  local bytes, err = file.read(path)
  local good = bytes
  if bytes then
    good, err = check_size(bytes)
  end
  local found
  if good then
    found, err = parse(bytes, set, path)
  end
  return found, not found and annotate(err, { path = path }) or nil
end

local create_schema = {
  cert = { type = options.object("certificate", certificate.is), required = true },
  key = { type = options.object("key", key.is), required = true },
  chain = { type = "list", default = {} },
  password = { type = "string", required = true },
  name = { type = "string" },
  rounds = { type = "integer", default = 600000 },
  legacy = { type = "boolean", default = false },
}

local function create(set)
  if not set.key:is_private() then
    options.misuse "bad option 'key' to 'pkcs12.create' (a private key is needed)"
  elseif set.password == "" or set.password:find "%z" then
    options.misuse "bad option 'password' to 'pkcs12.create' (empty, or with a NUL)"
  elseif set.rounds < 1000 or set.rounds > 10000000 then
    options.misuse "bad option 'rounds' to 'pkcs12.create' (1000 to 10000000 expected)"
  elseif not set.key:matches(set.cert) then
    return fail("config", "key_mismatch", "the key does not belong to the certificate %s", tostring(set.cert:subject()))
  end
  return core.pkcs12.create(set.key, set.cert, set.chain, set.password, set.name, set.rounds, set.legacy)
end

--- Makes a PKCS#12 file. `rounds` is how often the password is hashed (600000); `legacy` uses 3DES and SHA-1,
--- for programs from before 2019.
---@param given { cert: lacre.cert, key: lacre.key, chain?: lacre.cert[], password: string, name?: string,
---  rounds?: integer, legacy?: boolean }
---@return string? der
---@return lacre.error? err key_mismatch
function pkcs12.create(given)
  return options.blame(create, options.check(create_schema, given, "pkcs12.create"))
end

return pkcs12
