--- health.probe: one diagnosing handshake, that finds everything and refuses nothing.
--
-- For tools that tell about a host. Its context completes a handshake with every server, however old or
-- weak; what is found wrong is returned beside the facts. Not one byte of application data is ever sent,
-- because the engines of such a context refuse to write.

local conn = require "lacre.conn"
local lacre_error = require "lacre.error"
local opening = require "lacre.health.opening"
local peer_error = require "lacre.tls.peer_error"
local settings = require "lacre.tls.settings"
local starttls = require "lacre.starttls"
local time = require "lacre.time"
local tls_facts = require "lacre.tls.facts"

local probe = {}

local monotonic = time.monotonic
-- how long TLS 1.3 may take to say that it wanted a client certificate: seconds, or so many times the handshake, which
-- was as far away and as busy
local LATE, FARTHEST = 0.3, 3

--- Instead of a group: whatever there is, for a server that refused what usual clients offer; and the same up to
--- TLS 1.2, where keys may be too short for the signatures of TLS 1.3.
probe.EVERYTHING = { "everything", "everything of TLS 1.2" }

--- A context that only looks.
---@param given table trust?, crls?, revocation?, cert?, key?, time?, alpn?; group?: a name, or of `probe.EVERYTHING`
---@return lacre.context?
---@return lacre.error? err trust_unavailable, file_not_found ...
function probe.context(given)
  local is_older = given.group == probe.EVERYTHING[2]
  local offers_everything = is_older or given.group == probe.EVERYTHING[1]
  return settings.lab("client", {
    trust = given.trust, pins = given.trust == "pins" and given.pins or nil, crls = given.crls,
    revocation = given.revocation, cert = given.cert, key = given.key, time = given.time, alpn = given.alpn,
    ocsp = "check", sessions = false, groups = not offers_everything and given.group and { given.group } or nil,
    min_version = is_older and "1.0" or nil, max_version = is_older and "1.2" or nil,
  }, { offers_everything = offers_everything })
end

local function verification(connection, chain)
  local findings, presented = connection.core:verdict()
  if findings then
    local err = peer_error.of_verification(connection, findings, presented)
    return { ok = false, error = err, err = err, findings = findings }
  end
  return { ok = #chain > 0, findings = {} }
end

local function pins_of(chain)
  local pins = {}
  for i, cert in ipairs(chain) do
    pins[i] = cert:pin()
  end
  return pins
end

-- whether a server that asked for a certificate can do without: TLS 1.3 tells only afterwards
local function late_word(connection, handshake)
  connection:set_timeout(math.max(LATE, FARTHEST * handshake))
  local bytes, err = connection:receive()
  if bytes or err.code == "timeout" or err.code == "closed" then
    return "requested"
  end
  return "required", err
end

local function client_cert(connection, failure, set, handshake)
  if not connection.core:was_asked() then
    return "no"
  elseif failure then
    return set.has_identity and "rejected" or "required", failure
  elseif connection:version() == "1.3" then
    local word, err = late_word(connection, handshake)
    return word == "required" and set.has_identity and "rejected" or word, err
  end
  return "requested"
end

-- in one piece, for a table that grows is made anew
local function facts_of(connection, times, failure, set, place)
  local made = connection.core
  local agreed, chain = tls_facts.agreed(made), made:peer_chain() or {}
  local verify, verified = verification(connection, chain), made:verified_chain()
  local word, why = client_cert(connection, failure, set, times.handshake)
  return {
    host = place.host, port = place.port, address = times.address, timing = times,
    version = agreed.version, cipher = agreed.cipher, group = agreed.group, dh = agreed.dh, sigalg = agreed.sigalg,
    alpn = agreed.alpn,
    chain = chain, cert = chain[1], pins = pins_of(chain), verify = verify, verified_chain = verified,
    built_chain = verified or verify.findings.chain,
    staple = made:peer_staple(), staple_state = made:staple_state(), client_cert = word, client_cert_error = why,
  }
end

local function shake(ctx, plain, place, set, times)
  local connection, err = conn.over(ctx, plain.socket, {
    server_name = set.server_name or place.host, sni = set.sni, explicit_name = set.server_name ~= nil,
    host = place.host, port = place.port, io_timeout = set.timeout, handshake_timeout = set.timeout,
  })
  if not connection then
    return nil, err
  end
  connection:set_deadline(set.deadline)
  local began = monotonic()
  local done
  done, err = connection:handshake()
  times.handshake = monotonic() - began
  times.total = (times.resolve or 0) + times.connect + (times.starttls or 0) + times.handshake
  local result
  if done or (connection.core:was_asked() and connection:peer_chain() and err.category
    and err:category() ~= "timeout") then
    result = facts_of(connection, times, not done and err or nil, set, place)
  end
  connection:abort()
  return result, err
end

--- Connects, completes a handshake, and tells what was found.
---@param place { host: string, port: integer, starttls?: string }
---@param set table context, timeout, deadline?, server_name?, sni?, rows?, family?, has_identity?
---@return table? facts
---@return lacre.error? err when there was no handshake to tell about
function probe.contact(place, set)
  set.deadline = set.deadline or monotonic() + set.timeout
  local plain, times = opening.open(place, set)
  if not plain then
    return nil, times
  end
  local result, err = shake(set.context, plain, place, set, times)
  if not result then
    if not place.starttls then
      starttls.advise(err, place.port)
    end
    return nil, lacre_error.annotate(err, { address = times.address })
  end
  return result
end

return probe
