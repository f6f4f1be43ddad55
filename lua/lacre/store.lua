--- store: trust anchors, and the verification of chains without TLS (RFC 5280 section 6).

local certificate = require "lacre.certificate"
local core = require "lacre.core"
local file = require "lacre.file"
local host = require "lacre.host"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"
local trust = require "lacre.trust"
local verdict = require "lacre.verdict"


local store = {}

---@class lacre.store
local methods = core.store.methods

-- text raised below becomes an error at the caller of `what`
local function blame(level, run, ...)
  local ok, result, err = pcall(run, ...)
  if not ok then
    error(result, type(result) == "string" and level + 1 or 0)
  end
  return result, err
end

--- A store of trust anchors: `"system"`, a file, PEM text, certificates, stores, a CA, or a list.
---@param spec any
---@return lacre.store? store
---@return lacre.error? err trust_empty trust_unavailable file_not_found no_certificate bad_pem bad_der
function store.new(spec)
  return blame(2, trust.store, spec == nil and {} or spec)
end

--- The same for a context: shared by all that trust the same file, and never changed.
---@param spec any
---@return lacre.store? store
---@return lacre.error? err as `store.new`
function store.kept(spec)
  return blame(2, trust.kept, spec)
end

--- The system's own. It is shared, and refuses changes.
---@return lacre.store? store
---@return lacre.error? err trust_unavailable
function store.system()
  return trust.system()
end

--- Whether a value is a store.
---@return boolean
function store.is(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.store"
end

local function add(self, item)
  if type(item) == "userdata" and getmetatable(item) == "lacre.crl" then
    return self:add_crl(item)
  end
  return trust.add(self, item)
end

--- Adds a certificate, a revocation list, or whatever else a trust spec may be.
---@return lacre.store? self
---@return lacre.error? err
function methods:add(item)
  if trust.is_shared(self) then
    error("the system's store is shared; make one of your own with store.new { \"system\", ... }", 2)
  end
  local done, err = blame(2, add, self, item)
  return done and self, err
end

--- Every anchor in memory: `for cert in store:certs() do`. Those of a directory are read when a chain
--- needs them, and are not among these.
---@return fun(): lacre.cert?
function methods:certs()
  local list, i = lacre_error.assert(self:list()), 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- The number of anchors in memory.
---@return integer
function methods:count()
  return #lacre_error.assert(self:list())
end

-- verification --

local schema = {
  trust = { type = "any", default = "system" },
  intermediates = { type = { "list", "string", "userdata" }, default = {} },
  server_name = { type = "string" },
  email = { type = "string" },
  any_name = { type = "boolean" },
  purpose = {
    type = "string", default = "server",
    values = { "server", "client", "email", "code_signing", "ocsp", "timestamp", "any" },
  },
  time = { type = "instant" },
  strict = { type = { "boolean", "string" }, default = true },
  max_depth = { type = "integer", default = 8 },
  security_level = { type = "integer", default = 2 },
  crls = { type = { "list", "string", "userdata" } },
  revocation = { type = "string", values = { "off", "leaf", "chain" } },
  pins = { type = "any" },
  all_errors = { type = "boolean", default = false },
  policies = { type = "list" },
}

local strictness = { [true] = 1, [false] = 0, anchors = 2 }

local function rules_of(set)
  local rules = {
    purpose = set.purpose, time = math.floor(set.time or time.now()), strict = strictness[set.strict],
    max_depth = set.max_depth, security_level = set.security_level, all_errors = set.all_errors,
    policies = set.policies, email = set.email, revocation = set.revocation or (set.crls and "chain" or "off"),
  }
  if not rules.strict then
    error("bad option 'strict' to 'verify' (true, false or \"anchors\" expected)", 0)
  elseif set.server_name then
    local wanted, err = host.reference(set.server_name)
    if not wanted then
      return nil, err
    end
    rules[wanted.type == "ip" and "ip" or "host"] = wanted.value
  elseif not set.email and not set.any_name then
    error("missing option 'server_name' to 'verify' (a name, 'email', or any_name = true)", 0)
  end
  return rules
end

local function helpers(spec)
  if certificate.is(spec) then
    return { spec }
  elseif type(spec) == "string" then
    return (spec:find("-----BEGIN ", 1, true) and certificate.parse_all or certificate.load_all)(spec)
  end
  local list = {}
  for _, item in ipairs(spec) do
    local some, err = helpers(item)
    if not some then
      return nil, err
    end
    for _, one in ipairs(some) do
      list[#list + 1] = one
    end
  end
  return list
end

local function load_crls(spec)
  if type(spec) == "userdata" then
    return { spec }
  elseif type(spec) == "string" then
    local bytes, err = spec, nil
    if not spec:find("-----BEGIN ", 1, true) then
      bytes, err = file.read(spec)
    end
    local crl
    if bytes then
      crl, err = core.crl.parse(bytes)
    end
    return crl and { crl }, err
  end
  local list = {}
  for _, item in ipairs(spec) do
    local some, err = load_crls(item)
    if not some then
      return nil, err
    end
    list[#list + 1] = some[1]
  end
  return list
end

-- lists are added to a store of their own: the one given stays as it is
local function with_crls(base, spec)
  if not spec then
    return base
  end
  local crls, err = load_crls(spec)
  if not crls then
    return nil, err
  end
  local own = trust.empty()
  local done
  done, err = trust.add(own, base)
  for _, crl in ipairs(done and crls or {}) do
    done, err = own:add_crl(crl)
    if not done then
      break
    end
  end
  return done and own, err
end

--- A store with revocation lists beside the anchors of another, which stays as it is.
---@type fun(base: lacre.store, spec: any): lacre.store?, lacre.error?
store.with_crls = with_crls

-- OpenSSL 3.0 has no purpose for code: the leaf must say so itself
local function lacks_purpose(cert, set)
  if set.purpose ~= "code_signing" then
    return false
  end
  local usage = cert:extended_key_usage()
  return not usage or not usage.code_signing
end

local function check_pins(chain, pins)
  if pins == nil then
    return true
  end
  return require("lacre.pin").check(pins, chain)
end

local function judge(base, cert, set)
  local rules, err = rules_of(set)
  local untrusted, findings, good
  if rules then
    untrusted, err = helpers(set.intermediates)
  end
  if not untrusted then
    return nil, err
  end
  base, err = with_crls(base, set.crls)
  if not base then
    return nil, err
  end
  findings, good = base:check(cert, untrusted, rules)
  if not findings then
    return nil, good
  elseif good and lacks_purpose(cert, set) then
    findings[1] = { number = 26, code = "wrong_purpose", reason = "X509_V_ERR_INVALID_PURPOSE", depth = 0, cert = cert }
    good = false
  end
  if not good then
    local presented = { cert }
    for i, one in ipairs(untrusted) do
      presented[i + 1] = one
    end
    return nil, verdict.error(findings, {
      server_name = set.server_name, email = set.email, purpose = set.purpose, now = rules.time,
      max_depth = set.max_depth, presented = presented,
    })
  end
  good, err = check_pins(findings.chain, set.pins)
  return good and findings.chain, err
end

--- Verifies a certificate against the anchors of this store.
---@param cert lacre.cert
---@param given table server_name, or email, or any_name = true; purpose, time, intermediates, crls ...
---@return lacre.cert[]? chain leaf first, anchor last
---@return lacre.error? err a code of category "verify"
function methods:verify(cert, given)
  if not certificate.is(cert) then
    error(("bad argument #1 to 'verify' (certificate expected, got %s)"):format(type(cert)), 2)
  end
  local set = options.check(schema, given, "verify")
  return blame(2, judge, self, cert, set)
end

--- The same with the trust among the options; "system" by default.
---@param cert lacre.cert
---@param given table
---@return lacre.cert[]? chain
---@return lacre.error? err
function store.verify(cert, given)
  if not certificate.is(cert) then
    error(("bad argument #1 to 'verify' (certificate expected, got %s)"):format(type(cert)), 2)
  end
  local set = options.check(schema, given, "verify")
  local base, err = blame(2, trust.store, set.trust)
  if not base then
    return nil, err
  end
  return blame(2, judge, base, cert, set)
end

core.store.metatable.__tostring = function(self)
  local ok, text = pcall(function()
    return ("lacre.store: %d in memory"):format(self:count())
  end)
  return ok and text or "lacre.store"
end

return store
