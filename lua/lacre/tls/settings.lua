--- tls.settings: what users call a context: immutable settings of TLS, for a client or a server.
--
-- A context is built once from an options table and never changes; `ctx:with{}` makes another. What
-- it does (connect, listen, engine) is added by `lacre.context`, which stands above those. What
-- it needs of the world (files, the system's trust) is read while it is built and copied, so that
-- nothing done later alters what a live context trusts.

local algorithms = require "lacre.tls.algorithms"
local build = require "lacre.tls.settings.build"
local core = require "lacre.core"
local merged = require "lacre.merged"
local options = require "lacre.options"
local schema = require "lacre.tls.settings.schema"
local store = require "lacre.store"
local suites = require "lacre.tls.suites"

local settings = {}

---@class lacre.context
local Context = {}
local private = setmetatable({}, { __mode = "k" }) -- what a context holds, out of reach

local metatable = {
  __name = "lacre.context",
  __metatable = "lacre.context",
  __index = Context,
  __newindex = function(_, key)
    error(("a context never changes: make another with ctx:with{ %s = ... }"):format(tostring(key)), 2)
  end,
}

-- options as they are now: what becomes of the caller's tables later changes no context that is made with this one
local function copied(value, seen)
  if type(value) ~= "table" or getmetatable(value) ~= nil or seen[value] then
    return seen[value] or value
  end
  local copy = {}
  seen[value] = copy
  for key, part in pairs(value) do
    copy[key] = copied(part, seen)
  end
  return copy
end

local function make(role, options_given, lab)
  local given = copied(options_given or {}, {})
  local ctx, set = build(role, given, lab)
  if not ctx then
    return nil, set
  end
  local object = setmetatable({}, metatable)
  private[object] = { core = ctx, set = set, given = given }
  return object
end

--- A context for clients. With no options: the system's trust, TLS 1.2 or newer, forward-secret AEAD
--- suites, chain, host name and dates verified.
---@param given? table see docs/contexts.md
---@return lacre.context? ctx
---@return lacre.error? err trust_unavailable, file_not_found, key_mismatch ...; wrong options raise
function settings.client(given)
  local ctx, err = make("client", given)
  return ctx, err
end

--- A context for servers; `identity`, or `cert` and `key`, is required.
---@param given table see docs/contexts.md
---@return lacre.context? ctx
---@return lacre.error? err no_certificate, no_key, key_mismatch, file_not_found ...; wrong options raise
function settings.server(given)
  local ctx, err = make("server", given)
  return ctx, err
end

--- A context of the laboratory, which no option of the others gives: a client that completes a handshake
--- with every server, however old or weak, and whose engines only look and never write; or a server that
--- has a fault on purpose. For `lacre.health.probe` and `lacre.zoo`.
---@param role "client"|"server"
---@param given table as for the others
---@param lab? { prime?: string, offers_everything?: boolean, acts?: boolean } a server's prime for Diffie-Hellman, big
--- endian; a client's curves and suites are all that there are; `acts`: a client as others are, whose sins are
--- committed to be shown, and need no warning
---@return lacre.context? ctx
---@return lacre.error? err
function settings.lab(role, given, lab)
  local ctx, err = make(role, given, lab or {})
  return ctx, err
end

--- Whether a value is a context, and has a role.
---@param value any
---@param role? "client"|"server"
---@return boolean
function settings.is(value, role)
  local inside = private[value]
  return inside ~= nil and (role == nil or inside.set.role == role)
end

--- The context of a call that takes one, or the options of one inline, and not both.
---@param what string the function that was called
---@param role "client"|"server"
---@param ctx? lacre.context
---@param inline? table
---@return lacre.context? ctx
---@return lacre.error? err as settings.client and settings.server
function settings.of_call(what, role, ctx, inline)
  if ctx and inline and next(inline) ~= nil then
    options.misuse("contradictory options to '%s' (context, and '%s')", what, tostring(next(inline)))
  elseif ctx and not settings.is(ctx, role) then
    options.misuse("bad option 'context' to '%s' (a %s context is expected)", what, role)
  elseif ctx then
    return ctx
  end
  return settings[role](inline or {})
end

--- The inside of a context, for the modules above: `core`, and the settings it was built from.
---@param ctx lacre.context
---@return { core: any, set: table }
function settings.inside(ctx)
  return private[ctx] or error("a context is expected", 3)
end

--- What contexts take, for calls that take it inline.
settings.client_schema, settings.server_schema = schema.client, schema.server

--- The role: client or server.
---@return "client"|"server"
function Context:role()
  return settings.inside(self).set.role
end

--- The leaf certificate a context presents, or nil.
---@return lacre.cert?
function Context:certificate()
  local first = settings.inside(self).set.identities[1]
  return first and first.cert
end

--- Another context: the options of this one with some replaced. No secrets are shared.
---@param given table
---@return lacre.context?
---@return lacre.error?
function Context:with(given)
  options.argument("with", 1, given, "table")
  local inside = settings.inside(self)
  local ctx, err = make(inside.set.role, merged(inside.given, given))
  return ctx, err
end

-- the suites that a hello names, without signals (SCSV); all there are of a context that says no hello
local function suites_of(offered, effective)
  local names = {}
  for _, name in ipairs(offered.ciphers or {}) do
    names[#names + 1] = suites.row(name) and name
  end
  for i, row in ipairs(offered.ciphers and {} or effective.ciphers) do
    names[i] = row.name
  end
  return names
end

--- The sins a context commits, by name, sorted.
---@param set table
---@return string[]
function settings.sins(set)
  local sins = {}
  for name, value in pairs(set.insecure) do
    sins[#sins + 1] = value and name or nil
  end
  table.sort(sins)
  return sins
end

--- Forgets the sessions of a client; makes new ticket keys for a server.
---@return true?
---@return lacre.error?
function Context:flush_sessions()
  return settings.inside(self).core:flush()
end

local function trusted(set)
  if not set.anchors then
    return { kind = set.pins_only and "pins" or "none" }
  end
  local summary = store.summary(set.anchors)
  summary.kind = (set.trust or set.client_trust) == "system" and "system" or "own"
  return summary
end

--- The settings in effect, after OpenSSL and the system's policy. Plain data, no keys.
---@return table
function Context:config()
  local inside = settings.inside(self)
  local set, effective = inside.set, inside.core:effective()
  local offered = algorithms.offered(set) or {}
  local subjects = {}
  for i, one in ipairs(set.identities) do
    subjects[i] = tostring(one.cert:subject())
  end
  return {
    role = set.role,
    policy = set.policy,
    min_version = effective.min_version,
    max_version = effective.max_version,
    security_level = effective.security_level,
    ciphers = suites_of(offered, effective),
    groups = offered.groups or {},
    sigalgs = offered.sigalgs or {},
    identities = subjects,
    trust = trusted(set),
    strict = set.strict,
    client_auth = set.client_auth,
    ktls = set.ktls and core.openssl.kernel_encrypts(),
    pins = set.pin_set and set.pin_set:to_table() or nil,
    insecure = settings.sins(set),
  }
end

function metatable.__tostring(ctx)
  return ("lacre.context: %s, TLS %s or newer"):format(ctx:role(), settings.inside(ctx).core:effective().min_version)
end

--- The methods of contexts, for `lacre.context` to complete.
settings.methods = Context

return settings
