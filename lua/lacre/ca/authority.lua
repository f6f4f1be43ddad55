--- ca.authority: a CA as an object: a certificate, its key, the certificates above it, and its books.
--
-- It draws a serial nobody used, checks what it is asked against its policy and the rules of
-- `lacre.cert.create`, signs, enters it in the books, and only then gives it away.

local issue = require "lacre.cert.issue"
local key = require "lacre.key"
local ledger = require "lacre.ca.ledger"
local merged = require "lacre.merged"
local options = require "lacre.options"
local policy = require "lacre.ca.policy"
local profiles = require "lacre.cert.profile"
local record = require "lacre.ca.record"
local scrutiny = require "lacre.ca.scrutiny"
local sign = require "lacre.x509.sign"

local fail = require("lacre.error").fail
local unpack = table.unpack or unpack -- luacheck: ignore

local authority = {}

---@class lacre.ca
local methods = {}
authority.methods = methods
local metatable = { __index = methods, __name = "lacre.ca" }

--- Whether a value is a CA.
---@param value any
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

--- The chain to send after a certificate it issued: its own certificate and those above, without the root.
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

--- The topmost certificate it knows: the root, unless it was opened without.
---@return lacre.cert
function methods:root()
  return self.above[#self.above] or self.certificate
end

--- Its private key.
---@return lacre.key? key
---@return lacre.error? err no_key
function methods:key()
  if not self.private then
    return fail("sign", "no_key", "the CA %s has no key here", tostring(self.certificate:subject()))
  end
  return self.private
end

-- issuing --

-- a serial nobody used: the one that was asked for, or one drawn
local function choose_serial(books, asked)
  local is_whole = type(asked) == "number" and asked >= 0 and asked < 2 ^ 53 and asked % 1 == 0
  asked = is_whole and ("%x"):format(asked) or asked
  if asked and not (type(asked) == "string" and record.serial(asked)) then
    return asked -- refused by who checks the options
  end
  local serial, used, err
  repeat
    serial = asked and record.serial(asked) or sign.serial()
    used, err = books:is_used(serial)
    if used and asked then
      return fail("sign", "serial_conflict", "the serial number %s is already in use", tostring(asked))
    end
  until not used
  return used == false and serial or nil, err
end

local function sign_one(self, set)
  local cert, err = issue.create(set)
  if not cert then
    return nil, err
  end
  local allowed
  allowed, err = scrutiny.of_certificate(self, cert)
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
---@param own? boolean for the CA itself: no policy is asked
---@return lacre.cert? cert
---@return lacre.error? err
local function issue_one(self, set, unique, own)
  local private, err = self:key()
  if not private then
    return nil, err
  end
  set.profile = set.profile or "server"
  with_defaults(self, set)
  set.issuer, set.issuer_key = self.certificate, private
  set.check = scrutiny.of_draft(self, set.profile, unique, own)
  return self.books:transact(function()
    local right, problem = self.books:check_clock()
    if right then
      set.serial, problem = choose_serial(self.books, set.serial)
    end
    if not right or not set.serial then
      return nil, problem
    end
    return sign_one(self, set)
  end)
end

local function copy_of(given, what)
  if given ~= nil and type(given) ~= "table" then
    options.misuse("bad options to '%s' (table expected, got %s)", what, type(given))
  end
  return merged(given)
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
--- `key` may also be a key type ("p256"), and `unique` refuses names that a valid
--- certificate already has.
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

--- An intermediate CA below this one, with its own records, in memory.
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

metatable.__tostring = function(self)
  return ("lacre.ca: %s"):format(tostring(self.certificate:subject()))
end

authority.issue_one, authority.copy_of = issue_one, copy_of

return authority
