--- ca: a CA as an object, in memory or on disk.
--
--   local ca = lacre.ca.new {}                          -- a test CA, nothing written anywhere
--   local server = ca:issue { hosts = { "localhost" } } -- { cert, key, chain }
--   local context = lacre.client { trust = ca }
--
-- What an authority can do stands in lua/lacre/ca/: issuing, renewing, revoking, and the books.

local authority = require "lacre.ca.authority"
local books = require "lacre.ca.books"
local cert = require "lacre.cert"
local folder = require "lacre.ca.folder"
local identity = require "lacre.tls.identity"
local key = require "lacre.key"
local later = require "lacre.later"
local opening = require "lacre.ca.opening"
local options = require "lacre.options"
local policy = require "lacre.ca.policy"

require "lacre.ca.answers"
require "lacre.ca.bookkeeping"
require "lacre.ca.keys_lost"
require "lacre.ca.register"
require "lacre.ca.renewal"
require "lacre.ca.revocation"

local audit = later "lacre.ca.audit"

local ca = { is = authority.is }

local function key_or_kind(value)
  if key.is(value) or type(value) == "string" then
    return value
  end
  return nil, ("key or key type expected, got %s"):format(type(value))
end

local new_schema = {
  name = { type = "string", default = "Test CA" },
  subject = { type = { "string", "table" } },
  key = { type = key_or_kind, default = "p256" },
  valid_for = { type = "duration" },
  not_before = { type = "instant" },
  not_after = { type = "instant" },
  path_length = { type = { "integer", "boolean" } },
  name_constraints = { type = "table" },
  hash = { type = "string" },
  policy = { type = "table" },
}

--- A new root CA in memory.
---@param given? table `name` ("Test CA") or `subject`; `key` (a key, or a kind: "p256"); `valid_for` ("10y"),
--- `not_before`, `not_after`; `path_length` (1); `name_constraints`; `hash`; `policy`
---@return lacre.ca? ca
---@return lacre.error? err bad_name, unsupported
function ca.new(given)
  local set = options.check(new_schema, given, "ca.new")
  local private, err = set.key, nil
  if type(private) == "string" then
    private, err = key.generate(private)
  end
  if not private then
    return nil, err
  end
  local made
  made, err = cert.create {
    profile = "ca", key = private, subject = set.subject or { CN = set.name }, valid_for = set.valid_for,
    not_before = set.not_before, not_after = set.not_after, path_length = set.path_length,
    name_constraints = set.name_constraints, hash = set.hash,
  }
  return made and authority.new { cert = made, key = private, policy = policy.new(set.policy or {}) }, err
end

local open_schema = {
  cert = { type = "any", required = true },
  key = { type = "any", required = true },
  chain = { type = "any" },
  password = { type = { "string", "function" } },
  policy = { type = "table" },
}

--- A CA from a certificate and its key, with its records in memory.
---@param given { cert: any, key: any, chain?: any, password?: string|function, policy?: table } objects, PEM or files
---@return lacre.ca? ca
---@return lacre.error? err key_mismatch file_not_found bad_password ...
function ca.open(given)
  local set = options.check(open_schema, given, "ca.open")
  local found, err = identity.load { cert = set.cert, key = set.key, chain = set.chain, password = set.password }
  if not found then
    return nil, err
  end
  return authority.new {
    cert = found.cert, key = found.key, above = found.chain, policy = policy.new(set.policy or {}),
  }
end

local load_schema = {
  password = { type = { "string", "function" } },
  key = { type = "boolean", default = true },
  lock_timeout = { type = "duration", default = 30 },
  on_wait = { type = "function" },
}

--- Opens a CA in a directory, made by lacre, `openssl ca` or easy-rsa. Every change is durably on disk
--- when the method that makes it returns.
---@param directory string
---@param given? { password?: string|function, key?: boolean, lock_timeout?: number|string, on_wait?: function }
--- `key = false` opens it without its key, for reading
---@return lacre.ca? ca
---@return lacre.error? err ca_not_found password_required bad_password key_mismatch ...
function ca.load(directory, given)
  options.argument("ca.load", 1, directory, "string")
  local set = options.check(load_schema, given, "ca.load")
  local parts, err = opening.open(directory, set)
  if not parts then
    return nil, err
  end
  set.cert = parts.cert
  parts.books = books.open(parts.paths, set)
  return authority.new(parts)
end

local check_schema = {
  repair = { type = "boolean", default = false },
  expect = { type = "string" },
  password = { type = { "string", "function" } },
  lock_timeout = { type = "duration", default = 30 },
  on_wait = { type = "function" },
}

--- Whether the directory of a CA is consistent: every certificate against the index and back, signatures,
--- numbers, dates, modes, and the log from its first line.
---@param directory string
---@param given? { repair?: boolean, expect?: string, password?: string|function, lock_timeout?: number|string }
--- `repair` repairs what it can; `expect` is the `log_head` of an earlier check; with `password` the key is tested too
---@return { ok: boolean, findings: lacre.ca.finding[], repaired: lacre.ca.finding[], certificates: table,
--- log_head: string }? result
---@return lacre.error? err ca_not_found locked bad_password ...
function ca.check(directory, given)
  options.argument("ca.check", 1, directory, "string")
  local set = options.check(check_schema, given, "ca.check")
  local parts, err = opening.open(directory, { key = set.password ~= nil, password = set.password, mending = true })
  if not parts then
    return nil, err
  end
  return audit.check(parts, set)
end

local save_schema = { password = { type = "string" }, policy = { type = "string" } }

--- Writes an in-memory CA to a new directory, with everything it issued.
---@param directory string must not exist, or be empty
---@param given? { password?: string, policy?: string } `password` encrypts the key; `policy` is the text of policy.lua
---@return lacre.ca? ca the one on disk, to go on with
---@return lacre.error? err file_exists permission_denied io_error
function authority.methods:save(directory, given)
  options.argument("ca:save", 1, directory, "string")
  local set = options.check(save_schema, given, "ca:save")
  local private, err = self:key()
  if not private then
    return nil, err
  end
  local records
  records, err = self.books:records()
  if not records then
    return nil, err
  end
  local done
  done, err = folder.create(directory, {
    cert = self.certificate, key = private, above = self.above, password = set.password,
    policy_text = set.policy, records = records,
  })
  if not done then
    return nil, err
  end
  return ca.load(directory, { password = set.password })
end

return ca
