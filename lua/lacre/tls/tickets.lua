--- tls.tickets: a server's tickets, and what lets other processes take them.
--
-- Keys of its own make a context's sessions its own. Keys that were given are shared by processes, and then by any
-- contexts: a session is taken only where everything is the same that was decided when it was made, the certificates
-- shown, the clients trusted, the protocols spoken. What that is goes into the name that OpenSSL binds sessions to.

local core = require "lacre.core"
local options = require "lacre.options"
local schema = require "lacre.tls.settings.schema"

local misuse = options.misuse

local tickets = {}

local HOUR, KEY = 3600, 80

local function checked(set)
  local given = set.session_tickets
  if given == nil then
    given = set.client_auth == "none"
  end
  if given == false then
    return nil
  end
  local chosen = options.check(schema.tickets, given ~= true and given or nil, "session_tickets")
  if chosen.count < 1 or chosen.count > 16 or chosen.lifetime < 1 or chosen.lifetime > 7 * 24 * HOUR then
    misuse "bad option 'session_tickets' to 'server' (count 1 to 16, lifetime up to 7d)"
  end
  return chosen
end

local function joined(keys)
  for _, key in ipairs(keys) do
    if type(key) ~= "string" or #key ~= KEY then
      misuse "bad option 'keys' to 'session_tickets' (strings of 80 bytes expected)"
    end
  end
  if #keys == 0 or #keys > 4 then
    misuse "bad option 'keys' to 'session_tickets' (one to four keys expected)"
  end
  return table.concat(keys)
end

local plain = {
  "policy", "min_version", "max_version", "security_level", "client_auth", "revocation", "strict", "max_depth",
  "sni_unknown",
}
local lists = { "ciphers", "groups", "sigalgs", "alpn" }
local hooks = { "on_verify", "on_client_hello", "crls" }

local function fingerprints(certs)
  local list = {}
  for i, cert in ipairs(certs) do
    list[i] = cert:fingerprint()
  end
  return table.concat(list, " ")
end

local function leaves(identities)
  local certs = {}
  for i, one in ipairs(identities) do
    certs[i] = one.cert
  end
  return certs
end

-- what two contexts must agree on, as bytes
local function agreement(set)
  local parts = { "lacre sessions" }
  local function note(name, value)
    parts[#parts + 1] = ("%s=%d:%s"):format(name, #value, value)
  end
  for _, name in ipairs(plain) do
    note(name, tostring(set[name]))
  end
  for _, name in ipairs(lists) do
    note(name, set[name] and table.concat(set[name], " ") or "-")
  end
  for _, name in ipairs(hooks) do
    note(name, set[name] ~= nil and "set" or "-")
  end
  note("identities", fingerprints(leaves(set.identities)))
  note("clients", set.anchors and fingerprints(set.anchors:list() or {}) or "-")
  return core.bytes.digest("sha256", table.concat(parts, "\n"))
end

--- Gives a server's context its tickets.
---@param set table checked options of a context
---@param ctx any core context
---@return true?
---@return lacre.error?
function tickets.apply(set, ctx)
  local chosen = checked(set)
  if not chosen then
    return true
  end
  local lifetime = math.floor(chosen.lifetime)
  if not chosen.keys then
    return ctx:tickets(chosen.count, lifetime)
  end
  local keys = joined(chosen.keys)
  local name, err = agreement(set)
  if not name then
    return nil, err
  end
  return ctx:tickets(chosen.count, lifetime, keys, name)
end

return tickets
