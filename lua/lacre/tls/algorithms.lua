--- tls.algorithms: what a context negotiates: versions, ciphers, groups, signatures, protocols.
--
-- OpenSSL drops unknown ciphers without a word and refuses a list for one unknown name, so each is
-- looked up here first. The system's own policy may narrow all of it, and is never widened.

local apply_lab = require "lacre.tls.lab_algorithms"
local core = require "lacre.core"
local fail = require("lacre.error").fail
local options = require "lacre.options"
local groups = require "lacre.tls.groups"
local sigalgs = require "lacre.tls.sigalgs"
local suites = require "lacre.tls.suites"
local system_policy = require "lacre.tls.system_policy"

local misuse = options.misuse
local unpack = table.unpack or unpack -- luacheck: ignore

local algorithms = {}

local function check_versions(set, policy)
  set.min_version = set.min_version or policy.min_version
  local old = set.min_version == "1.0" or set.min_version == "1.1"
  if old and not set.insecure.allow_tls_1_0 then
    misuse("bad option 'min_version' to '%s' (TLS %s is broken; \"1.2\" or \"1.3\" expected)",
      set.role, set.min_version)
  elseif set.max_version and set.max_version < set.min_version then
    misuse("bad option 'max_version' to '%s' (below min_version)", set.role)
  end
end

local function check_level(set, ctx)
  local weak = set.insecure.allow_weak_crypto
  local level = set.security_level or (weak and 0 or 2)
  if level < 2 and not weak then
    misuse("bad option 'security_level' to '%s' (2 to 5 expected)", set.role)
  end
  set.security_level = weak and level or math.max(level, ctx:security_level())
end

local kept_lists = {} -- of policies, which are few and never change

-- a version that nothing is said about has the default policy's: OpenSSL's own would be laxer
local function cipher_names(set, policy)
  local names, more = set.ciphers or policy.ciphers, {}
  for _, version in ipairs { "1.2", "1.3" } do
    if #suites.of_version(names, version) == 0 then
      more[#more + 1] = suites.of_version(suites.policies.default.ciphers, version)
    end
  end
  return #more == 0 and names or suites.join(names, unpack(more))
end

local function check_ciphers(set)
  for _, name in ipairs(set.ciphers or {}) do
    if suites.is_bare(name) then
      misuse("bad option 'ciphers' to '%s' (%s has no authentication or no encryption)", set.role, name)
    end
  end
end

local function cipher_lists(set, policy)
  check_ciphers(set)
  local weak = set.insecure.allow_weak_crypto
  local kept = not weak and not set.ciphers and kept_lists[policy]
  if kept then
    return kept[1], kept[2]
  end
  local tls12, tls13 = suites.cipher_lists(cipher_names(set, policy), not weak)
  if not tls12 then
    misuse("bad option 'ciphers' to '%s' (unknown cipher suite '%s')", set.role, tostring(tls13))
  elseif not weak and not set.ciphers then
    kept_lists[policy] = { tls12, tls13 }
  end
  return tls12, tls13
end

-- everything but what authenticates or encrypts nothing
local WEAK = "ALL:!aNULL:!eNULL:!PSK:!SRP"

local function apply_ciphers(set, policy, ctx)
  if set.insecure.allow_weak_crypto and not set.ciphers then
    return ctx:ciphers(WEAK, "")
  end
  local tls12, tls13 = cipher_lists(set, policy)
  if tls12 == "" or tls13 == "" then
    return fail("config", "no_shared_cipher", "the system's policy allows none of the cipher suites")
  end
  return ctx:ciphers(tls12, suites.to_set(tls13))
end

-- a policy of the system narrows; who names weak crypto as his sin has set it aside
local function narrowed(kind, names, set)
  return set.insecure.allow_weak_crypto and names or system_policy.narrow(kind, names)
end

local function allowed_groups(set, policy)
  local list, culprit, why = groups.list(set.groups or policy.groups)
  if why == "unknown" then
    misuse("bad option 'groups' to '%s' (unknown group '%s')", set.role, tostring(culprit))
  elseif not list then
    return fail("config", "unsupported", "this OpenSSL does not support the group %s", culprit)
  end
  local allowed = narrowed("groups", list, set)
  if #list == 0 and #(set.groups or policy.groups) == 0 then
    misuse("bad option 'groups' to '%s' (the list is empty)", set.role)
  elseif #list == 0 then
    return fail("config", "unsupported", "this OpenSSL supports none of the groups")
  elseif #allowed == 0 then
    return fail("config", "no_shared_group", "the system's policy allows none of the groups %s",
      table.concat(list, ", "))
  end
  return table.concat(allowed, ":")
end

local kept_groups = {} -- of policies, as the lists of ciphers

local function apply_groups(set, policy, ctx)
  local is_usual = not set.groups and not set.insecure.allow_weak_crypto
  local list, err = is_usual and kept_groups[policy], nil
  if not list then
    list, err = allowed_groups(set, policy)
  end
  if not list then
    return nil, err
  elseif is_usual then
    kept_groups[policy] = list
  end
  return ctx:groups(list)
end

local function apply_sigalgs(set, ctx)
  if #set.sigalgs == 0 then
    misuse("bad option 'sigalgs' to '%s' (the list is empty)", set.role)
  end
  for _, name in ipairs(set.sigalgs) do
    if not sigalgs.is_known(name) then
      misuse("bad option 'sigalgs' to '%s' (unknown signature algorithm '%s')", set.role, tostring(name))
    end
  end
  local list = narrowed("sigalgs", set.sigalgs, set)
  if #list == 0 then
    return fail("config", "no_shared_sigalg", "the system's policy allows none of the signature algorithms")
  end
  local done, err = ctx:sigalgs(table.concat(list, ":"))
  if not done then
    return fail("config", "unsupported", "this OpenSSL does not support all of the signature algorithms %s: %s",
      table.concat(set.sigalgs, ", "), err.message)
  end
  return true
end

local function alpn_wire(set)
  local wire = {}
  for i, name in ipairs(set.alpn) do
    if type(name) ~= "string" or #name < 1 or #name > 255 then
      misuse("bad option 'alpn' to '%s' (names of 1 to 255 bytes expected)", set.role)
    end
    wire[i] = string.char(#name) .. name
  end
  return table.concat(wire)
end

--- Applies the protocols above TLS (RFC 7301).
---@param set { alpn?: string[] }
---@param ctx any core context
---@return true?
---@return lacre.error?
function algorithms.apply_alpn(set, ctx)
  if set.alpn and #set.alpn > 0 then
    return ctx:alpn(alpn_wire(set))
  end
  return true
end

--- Applies what a context negotiates.
---@param set table checked options of a context; `security_level` is filled in
---@param ctx any core context, fresh
---@return true?
---@return lacre.error? err unsupported, no_shared_cipher
function algorithms.apply(set, ctx)
  if set.lab then
    return apply_lab(set, ctx)
  end
  local policy = suites.policies[set.policy]
  check_versions(set, policy)
  check_level(set, ctx)
  local done, err = apply_ciphers(set, policy, ctx)
  if done then
    ctx:security_level(set.security_level)
    done, err = ctx:versions(set.min_version, set.max_version)
  end
  if done then
    done, err = apply_groups(set, policy, ctx)
  end
  if done and set.sigalgs then
    done, err = apply_sigalgs(set, ctx)
  end
  if set.prefer_server_ciphers == false then
    ctx:client_prefers()
  end
  return done, err
end

--- What is really negotiated with some settings, as a ClientHello of theirs says it.
---@param set table checked options of a context
---@return { groups: string[], sigalgs: string[] }?
function algorithms.offered(set)
  local ctx = core.context.new "client"
  if set.lab then
    return nil
  end
  local copy = setmetatable({ security_level = set.security_level }, { __index = set })
  return ctx and algorithms.apply(copy, ctx) and system_policy.hello_of(ctx)
end

return algorithms
