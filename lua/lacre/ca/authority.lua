--- authority: a CA as an object: a certificate, its key, those above it, and its books.
--
-- It draws a serial nobody used, checks what it is asked against its policy and the rules of
-- `lacre.issue`, signs, enters it in the books, and only then gives it away.

local issue = require "lacre.issue"
local key = require "lacre.key"
local ledger = require "lacre.ca.ledger"
local options = require "lacre.options"
local policy = require "lacre.ca.policy"
local profiles = require "lacre.profile"
local record = require "lacre.ca.record"
local sign = require "lacre.sign"
local store = require "lacre.store"
local time = require "lacre.time"

local fail = require("lacre.error").fail
local unpack = table.unpack or unpack -- luacheck: ignore

local authority = {}

---@class lacre.ca
local methods = {}
authority.methods = methods
local metatable = { __index = methods, __name = "lacre.ca" }

--- Whether a value is a CA.
---@return boolean
function authority.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

--- An authority from its parts.
---@param parts { cert: lacre.cert, key?: lacre.key, above?: lacre.cert[], books?: table, policy?: table }
---@return lacre.ca
function authority.new(parts)
  return setmetatable({
    certificate = parts.cert,
    private = parts.key,
    above = parts.above or {},
    books = parts.books or ledger.new(),
    policy = parts.policy or policy.new {},
  }, metatable)
end

--- Its certificate.
---@return lacre.cert
function methods:cert()
  return self.certificate
end

--- The certificates that stand behind one it issued: its own and those above, without the root.
---@return lacre.cert[]
function methods:chain()
  local chain = {}
  for _, cert in ipairs { self.certificate, unpack(self.above) } do
    if not cert:is_self_issued() then
      chain[#chain + 1] = cert
    end
  end
  return chain
end

--- The topmost certificate it knows: the root's, unless it was opened without.
---@return lacre.cert
function methods:root()
  return self.above[#self.above] or self.certificate
end

--- Its private key.
---@return lacre.key? key
---@return lacre.error? err no_key
function methods:key()
  if not self.private then
    return fail("sign", "no_key", "the key of %s is not here", tostring(self.certificate:subject()))
  end
  return self.private
end

-- issuing --

-- a serial nobody used: the one that was asked for, or one drawn
local function choose_serial(books, asked)
  asked = type(asked) == "number" and ("%x"):format(asked) or asked
  if asked and not (type(asked) == "string" and record.serial(asked)) then
    return asked -- refused by who checks the options
  end
  local serial, used, err
  repeat
    serial = asked and record.serial(asked) or sign.serial()
    used, err = books:is_used(serial)
    if used and asked then
      return fail("sign", "serial_conflict", "the serial %s is in use", tostring(asked))
    end
  until not used
  return used == false and serial or nil, err
end

local function is_constrained(chain)
  for _, cert in ipairs(chain) do
    if cert:name_constraints() then
      return true
    end
  end
  return false
end

-- RFC 5280 section 6.1.4: `lacre.issue` asks for the issuer's own constraints, here are those above it
local function check_constraints(self, cert)
  if not is_constrained(self.above) then
    return true
  end
  local done, err = store.verify(cert, {
    trust = self:root(), intermediates = self:chain(), any_name = true, purpose = "any", time = cert:not_before() + 301,
  })
  if not done and err.code == "name_constraint_violation" then
    return fail("sign", err.code, "the name constraints of a CA above %s forbid a name of the certificate",
      tostring(self.certificate:subject()))
  end
  return true
end

-- the profile's rules and the policy's, on what is about to be signed
local function check_with(self, profile, unique)
  return function(draft)
    local allowed, err = self.policy:check(draft, profile)
    if not allowed then
      return nil, err
    end
    local rules = self.policy:rules_of(profile)
    if unique == nil then
      unique = rules.unique
    end
    local holder = unique and #draft.names > 0 and self.books:holder(draft.names, time.now())
    if holder then
      return fail("sign", "duplicate_names", "%s, serial %s, is valid", holder.subject, holder.serial)
    end
    return true
  end
end

local function sign_one(self, set)
  local cert, err = issue.create(set)
  if not cert then
    return nil, err
  end
  local allowed
  allowed, err = check_constraints(self, cert)
  if not allowed then
    return nil, err
  end
  local entered
  entered, err = self.books:add(cert)
  return entered and cert, err
end

-- what was not said is what the policy says, and never longer than it allows
local function with_defaults(self, set)
  for name, value in pairs(self.policy.defaults) do
    if set[name] == nil and name ~= "key" and not (name == "valid_for" and set.not_after) then
      set[name] = value
    end
  end
  local longest = (self.policy:rules_of(set.profile) or {}).longest
  local profile = profiles[set.profile]
  if longest and profile and set.valid_for == nil and set.not_after == nil then
    set.valid_for = math.min(longest, profile.valid_for)
  end
end

--- Signs what is asked and enters it in the books; the shape of every issuance.
---@param self lacre.ca
---@param set table as `cert.create`
---@param unique? boolean
---@return lacre.cert? cert
---@return lacre.error? err
local function issue_one(self, set, unique)
  local private, err = self:key()
  if not private then
    return nil, err
  end
  set.profile = set.profile or "server"
  with_defaults(self, set)
  set.issuer, set.issuer_key = self.certificate, private
  set.check = check_with(self, set.profile, unique)
  return self.books:transact(function()
    local problem
    set.serial, problem = choose_serial(self.books, set.serial)
    if not set.serial then
      return nil, problem
    end
    return sign_one(self, set)
  end)
end

local function copy_of(given, what)
  if given ~= nil and type(given) ~= "table" then
    options.misuse("bad options to '%s' (table expected, got %s)", what, type(given))
  end
  local set = {}
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return set
end

-- the key that was given, or a new one of the kind that was named
local function key_for(self, set)
  if key.is(set.key) then
    return set.key
  end
  return key.generate(set.key or self.policy.defaults.key or set.profile == "code_signing" and "rsa" or "p256")
end

--- Issues a certificate: `ca:issue{ hosts = { "localhost" } }`, or for a request:
--- `ca:issue{ csr = csr, copy = { "subject", "hosts" } }`. Takes every option of `cert.create`;
--- `key` may also be the name of a kind ("p256"), and `unique` refuses names that a valid
--- certificate carries.
---@param given table
---@return { cert: lacre.cert, key?: lacre.key, chain: lacre.cert[], pin: string }? identity
---@return lacre.error? err policy_refused validity_exceeds_issuer csr_signature_invalid duplicate_names ...
function methods:issue(given)
  local set = copy_of(given, "ca:issue")
  local unique, err = set.unique, nil
  set.unique = nil
  if not set.csr then
    set.key, err = key_for(self, set)
  end
  local cert
  if set.key or set.csr then
    cert, err = issue_one(self, set, unique)
  end
  if not cert then
    return nil, err
  end
  return { cert = cert, key = set.key, chain = self:chain(), pin = cert:pin() }
end

--- A CA below this one, with books of its own in memory.
---@param given? table `name` or `subject`, `key`, `valid_for`, `path_length`, `name_constraints` ...
---@return lacre.ca? ca
---@return lacre.error? err issuer_path_length validity_exceeds_issuer ...
function methods:intermediate(given)
  local set = copy_of(given, "ca:intermediate")
  set.profile = "intermediate"
  set.subject = set.subject or { CN = set.name or "Test Intermediate CA" }
  set.name = nil
  local made, err = self:issue(set)
  if not made then
    return nil, err
  end
  local above = { self.certificate }
  for _, cert in ipairs(self.above) do
    above[#above + 1] = cert
  end
  return authority.new { cert = made.cert, key = made.key, above = above }
end

-- the books --

--- Its records, oldest first: `for r in assert(ca:list()) do print(r.serial, r.status, r.subject) end`.
---@return (fun(): lacre.ca.record?)? iterator
---@return lacre.error? err index_corrupt, and the system's
function methods:list()
  local records, err = self.books:records()
  if not records then
    return nil, err
  end
  local now, i = time.now(), 0
  return function()
    i = i + 1
    local one = records[i]
    if one then
      one.status = record.status(one, now)
    end
    return one
  end
end

--- The record of a serial or certificate.
---@param which string|lacre.cert
---@return lacre.ca.record? record
---@return lacre.error? err unknown_serial index_corrupt
function methods:find(which)
  local one, err = self.books:find(record.which(which, "ca:find"))
  if one then
    one.status = record.status(one)
  end
  return one, err
end

--- The certificate of a serial.
---@param which string
---@return lacre.cert? cert
---@return lacre.error? err unknown_serial file_not_found
function methods:certificate_of(which)
  return self.books:certificate(record.which(which, "ca:certificate_of"))
end

metatable.__tostring = function(self)
  return ("lacre.ca: %s"):format(tostring(self.certificate:subject()))
end

authority.issue_one, authority.copy_of = issue_one, copy_of

return authority
