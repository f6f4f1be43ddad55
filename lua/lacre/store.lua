--- store: trust anchors, and the verification of chains without TLS (RFC 5280 section 6).

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local path = require "lacre.store.path"
local trust = require "lacre.store.trust"

local revocations = later "lacre.crl.read"

local store = { with_crls = path.with_crls }

---@class lacre.store
local methods = core.store.methods

local blame = options.blame

--- A store of trust anchors: `"system"`, a file, PEM text, certificates, stores, a CA, or a list.
---@param spec any
---@return lacre.store? store
---@return lacre.error? err trust_empty trust_unavailable file_not_found no_certificate bad_pem bad_der
function store.new(spec)
  return blame(trust.store, spec == nil and {} or spec)
end

--- The same for a context: shared by all that trust the same file, and never changed.
---@param spec any
---@return lacre.store? store
---@return lacre.error? err as `store.new`
---@package
function store.kept(spec)
  return blame(trust.kept, spec)
end

--- Describes a store, for people: how many certificates, and which directories OpenSSL searches.
---@param one lacre.store
---@return { certificates: integer, directories: string[] }
function store.summary(one)
  options.expect("store.summary", 1, trust.is(one), "store", one)
  local from = trust.sources[one]
  local directories = {}
  for i, name in ipairs(from.directories) do
    directories[i] = name
  end
  return { certificates = from.anchors, directories = directories }
end

--- The system's trust store. It is shared and cannot be changed.
---@return lacre.store? store
---@return lacre.error? err trust_unavailable
function store.system()
  return trust.system()
end

--- Whether a value is a store.
---@param value any
---@return boolean
store.is = trust.is

local function add(self, item)
  if revocations.is(item) then
    return self:add_crl(item)
  end
  return trust.add(self, item)
end

--- Adds a certificate, a CRL, or anything else that `store.new` accepts.
---@param item any
---@return lacre.store? self
---@return lacre.error? err
function methods:add(item)
  if trust.is_shared(self) then
    error("the system's store is shared; make your own with store.new { \"system\", ... }", 2)
  end
  local done, err = blame(add, self, item)
  return done and self, err
end

--- All trust anchors in memory: `for cert in store:certs() do`. Those in a directory are only read when a chain
--- needs them, and are not included.
---@return fun(): lacre.cert?
function methods:certs()
  local list, i = lacre_error.assert(self:list()), 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- The number of trust anchors in memory.
---@return integer
function methods:count()
  return #lacre_error.assert(self:list())
end

local function checked(cert, given)
  options.expect("verify", 1, certificate.is(cert), "certificate", cert)
  return options.check(path.schema, given, "verify")
end

--- Verifies a certificate against the trust anchors in this store.
---@param cert lacre.cert
---@param given table server_name, or email, or any_name = true; purpose, time, intermediates, crls ...
---@return lacre.cert[]? chain leaf first, anchor last
---@return lacre.error? err a code of category "verify"
function methods:verify(cert, given)
  return blame(path.judge, self, cert, checked(cert, given))
end

--- Verifies a certificate and its chain; `trust` is "system" by default.
---@param cert lacre.cert
---@param given table
---@return lacre.cert[]? chain
---@return lacre.error? err
function store.verify(cert, given)
  local set = checked(cert, given)
  local base, err = blame(trust.store, set.trust)
  if not base then
    return nil, err
  end
  return blame(path.judge, base, cert, set)
end

core.store.metatable.__tostring = function(self)
  local ok, text = pcall(function()
    return ("lacre.store: %d in memory"):format(self:count())
  end)
  return ok and text or "lacre.store"
end

return store
