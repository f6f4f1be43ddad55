--- tls.settings.build: from an options table to a core context.
--
-- Each step takes the checked options and the core context, and applies one concern. What is wrong
-- with an option raises at whoever asked for the context; what is wrong with the world behind it (a
-- file, a key that is not the certificate's) is returned.

local algorithms = require "lacre.tls.algorithms"
local core = require "lacre.core"
local identity = require "lacre.tls.identity"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local pin = require "lacre.pin"
local schema = require "lacre.tls.settings.schema"
local store = require "lacre.store"
local tickets = require "lacre.tls.tickets"
local warning = require "lacre.warning"

local misuse = options.misuse

-- what somebody who gives a check up can expect
local dangers = {
  accept_any_certificate = "anybody can pose as the peer",
  accept_any_name = "anybody with a trusted certificate can pose as the peer",
  accept_expired = "expired certificates are accepted",
  allow_tls_1_0 = "TLS 1.0 and 1.1 are broken",
  allow_weak_crypto = "weak keys, signatures and cipher suites are accepted",
  allow_unsafe_renegotiation = "an attacker can inject data into connections",
}

local function checked_insecure(given, role, is_demonstration)
  if next(given) == nil then
    return {}
  end
  local sins = options.check(schema.insecure, given, role .. " insecure")
  for name, set in pairs(sins) do
    if set and not is_demonstration then
      warning.say("insecure.%s is set: %s", name, dangers[name])
    end
  end
  return sins
end

-- revocation is asked for by giving lists, and then fails hard
local function apply_revocation(set, ctx)
  local extent = set.revocation or (set.crls ~= nil and "chain" or "off")
  set.revocation = extent
  if extent ~= "off" then
    ctx:revocation(extent)
  end
end

local function apply_trust(set, ctx, spec)
  local anchors, err = store.kept(spec)
  if anchors and set.crls ~= nil then
    anchors, err = store.with_crls(anchors, set.crls)
  end
  if not anchors then
    return nil, err
  end
  ctx:trust(anchors)
  set.anchors = anchors
  apply_revocation(set, ctx)
  return anchors
end

local function apply_pins(set)
  if set.pins == nil then
    return true
  end
  local pins, err = pin.set(set.pins)
  if not pins then
    return nil, err
  end
  set.pin_set = pins
  pins:warn()
  return true
end

local function apply_client(set, ctx)
  set.pins_only = set.trust == "pins"
  if set.pins_only and set.pins == nil then
    misuse("missing option 'pins' to 'client' (trust = \"pins\" trusts nothing else)")
  end
  local done, err = true, nil
  if not set.pins_only and not set.insecure.accept_any_certificate then
    done, err = apply_trust(set, ctx, set.trust)
  end
  if done then
    done, err = apply_pins(set)
  end
  return done, err
end

local function apply_greeting(set, ctx)
  return ctx:greet(set.on_client_hello ~= nil, set.sni_unknown == "reject")
end

local function apply_sessions(set, ctx)
  local limit = set.sessions == true and 64 or set.sessions or 0
  if type(limit) ~= "number" or limit < 0 or limit > 65536 then
    misuse "bad option 'sessions' to 'client' (true, false or a number up to 65536 expected)"
  end
  if limit == 0 then
    return true
  end
  return ctx:sessions(limit)
end

local function apply_ocsp(set, ctx)
  if set.ocsp and set.ocsp ~= "off" then
    ctx:ocsp(set.ocsp)
  elseif set.ocsp_staple then
    if type(set.ocsp_staple) == "string" and set.ocsp_staple:sub(1, 1) ~= "0" then
      misuse("bad option 'ocsp_staple' to '%s' (the DER of an OCSP response, or a function, expected)", set.role)
    end
    ctx:ocsp "send"
  end
  return true
end

local function apply_keylog(set, ctx)
  if set.keylog == "env" then
    set.keylog = os.getenv "SSLKEYLOGFILE" or nil
  end
  if set.keylog then
    warning.say "keylog is set: whoever has it can decrypt everything"
    ctx:keylog()
  end
  return true
end

-- who says how clients are judged, and not that they are, has not left them out on purpose
local function check_client_auth(set)
  for _, name in ipairs { "client_trust", "crls", "revocation", "on_verify" } do
    if set.client_auth == nil and set[name] ~= nil then
      misuse("missing option 'client_auth' to 'server' (with '%s': \"required\", \"optional\" or \"none\")", name)
    end
  end
  set.client_auth = set.client_auth or "none"
end

local function apply_client_auth(set, ctx)
  check_client_auth(set)
  if set.client_auth == "none" then
    return true
  elseif set.client_trust == nil then
    misuse("missing option 'client_trust' to 'server' (client_auth needs it)")
  elseif set.client_trust == "system" then
    misuse("bad option 'client_trust' to 'server' (public CAs do not identify your users: name your own CA)")
  end
  local anchors, err = apply_trust(set, ctx, set.client_trust)
  if not anchors then
    return nil, err
  end
  for _, cert in ipairs(set.advertise_cas and lacre_error.assert(anchors:list()) or {}) do
    ctx:advertise(cert)
  end
  return ctx:client_auth(set.client_auth)
end

local function apply_rules(set, ctx)
  ctx:rules({
    lax = set.strict == false,
    strict_anchors = set.strict == "anchors",
    accept_expired = set.insecure.accept_expired,
    accept_name = set.insecure.accept_any_name,
    accept_any = set.insecure.accept_any_certificate,
    pins_only = set.pins_only,
    hook = set.on_verify ~= nil,
  }, set.max_depth)
  if set.insecure.allow_unsafe_renegotiation then
    ctx:unsafe_renegotiation()
  end
  return true
end

-- where build, kernel or suite cannot, connections encrypt in the process, and info() says so
local function apply_ktls(set, ctx)
  if set.ktls then
    ctx:kernel()
  end
  return true
end

local steps = {
  client = {
    algorithms.apply, algorithms.apply_alpn, identity.apply, apply_client, apply_sessions, apply_ocsp, apply_rules,
    apply_keylog, apply_ktls,
  },
  server = {
    algorithms.apply, algorithms.apply_alpn, identity.apply, apply_client_auth, apply_greeting, tickets.apply,
    apply_ocsp, apply_rules, apply_keylog, apply_ktls,
  },
}

--- Builds the core's context.
---@param role "client"|"server"
---@param given? table
---@param lab? { prime?: string, offers_everything?: boolean, acts?: boolean } of `settings.lab`
---@return any? core
---@return table|lacre.error settings or the error
local function build(role, given, lab)
  if type(given) == "table" and given.insecure == true then
    misuse("bad option 'insecure' to '%s' (name what you give up, as in { accept_any_name = true })", role)
  end
  local set = options.check(schema[role], given, role)
  set.lab = not (lab and lab.acts) and lab or nil
  set.role, set.insecure = role, checked_insecure(set.insecure, role, lab and lab.acts)
  local ctx, err = core.context.new(role)
  if not ctx then
    return nil, err
  end
  for _, step in ipairs(steps[role]) do
    local done
    done, err = step(set, ctx)
    if not done then
      return nil, err
    end
  end
  return ctx, set
end

return build
