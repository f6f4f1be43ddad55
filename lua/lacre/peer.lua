--- peer: what a failed handshake says about the other side, in full.
--
-- C tells that verification failed, or that the first bytes made no sense; here that becomes the
-- error a person can act on: which certificate, which names, which pins, what the peer speaks.

local core = require "lacre.core"
local settings = require "lacre.settings"
local hello = require "lacre.hello"
local identity = require "lacre.identity"
local loop = require "lacre.loop"
local lacre_error = require "lacre.error"
local pin = require "lacre.pin"
local time = require "lacre.time"
local verdict = require "lacre.verdict"
local warning = require "lacre.warning"

local peer = {}

local annotate, fail = lacre_error.annotate, lacre_error.fail

-- the first bytes of what people put on ports where TLS was expected
local greetings = {
  { "^HTTP/", "http" },
  { "^<[!hH]", "http" },
  { "^SSH%-", "ssh" },
  { "^220[ -]", "smtp" },
  { "^%* OK", "imap" },
  { "^%+OK", "pop3" },
  { "^421", "smtp" },
  { "^<%?xml", "xmpp" },
  { "^GET ", "http" },
  { "^POST ", "http" },
}

local function looks_like(opening)
  for _, row in ipairs(greetings) do
    if opening:find(row[1]) then
      return row[2]
    end
  end
end

-- OpenSSL calls many openings a wrong version; a TLS record begins with its type and 3
local function is_record(opening)
  local kind, major = opening:byte(1, 2)
  return kind and kind >= 20 and kind <= 24 and (major == nil or major == 3)
end

local function explain_opening(err, opening)
  if not opening or is_record(opening) then
    return err
  end
  local protocol = looks_like(opening)
  err.code = "not_tls"
  err.message = protocol and ("the peer speaks %s, not TLS"):format(protocol:upper())
    or "the peer does not speak TLS"
  err.detail = { looks_like = protocol, opening = opening:gsub("[^\32-\126]", ".") }
  return err
end

local APPLICATION_VERIFICATION = 50

local function pin_error(self, findings, chain)
  local set = settings.inside(self.context).set
  local pins = peer.pins_of(set, self.name)
  if pins and self.core:pin_state() == "expired" then
    return lacre_error.new {
      code = "pin_expired", stage = "verify", library = "lacre", depth = 0,
      message = "the pins expired on " .. time.format(pins.expires), detail = { expires = pins.expires },
    }
  end
  local judged = findings.chain and #findings.chain > 0 and findings.chain or chain or {}
  return pin.mismatch(pins or { to_table = function() return { pins = {} } end }, judged)
end

local function hook_error(self)
  local cause = self.vetoed
  local raised = type(cause) == "table" and cause.raised
  return lacre_error.new {
    code = raised and "hook_failed" or "verify_rejected", stage = "verify", library = "lacre", depth = 0,
    message = raised and "on_verify raised an error: " .. tostring(raised) or "on_verify did not accept the peer",
    cause = raised or (type(cause) == "table" and cause.answer or nil),
  }
end

local function now_of(set)
  if type(set.time) == "function" then
    return set.time()
  end
  return set.time
end

--- The error that a verification with findings amounts to.
---@param self table as in `peer.explain`
---@param findings table
---@param chain lacre.cert[]
---@return lacre.error
function peer.verification_error(self, findings, chain)
  local first = findings[1]
  local err
  if self.vetoed then
    err = hook_error(self)
  elseif first and first.number == APPLICATION_VERIFICATION then
    err = pin_error(self, findings, chain)
  else
    local set = settings.inside(self.context).set
    err = verdict.error(findings, { server_name = self.name, chain = chain, now = now_of(set) })
  end
  return annotate(err, { chain = chain, cert = chain and chain[1] })
end

--- The pins that count for a name: those of its hosts, or the whole set.
---@param set table settings of a context
---@param name? string
---@return lacre.pinset?
function peer.pins_of(set, name)
  local pins = set.pin_set
  if not pins or not pins.hosts then
    return pins
  end
  return name and pins:for_host(name) or nil
end

-- the OCSP response a server sends; a function's answer is kept until its next update
local function staple_of(set)
  local source = set.ocsp_staple
  if type(source) ~= "function" then
    return source
  end
  local kept = set.staple_kept
  if not kept or (kept.next_update and kept.next_update <= time.now()) then
    local ok, der, next_update = loop.pcall(source, set.identities[1])
    if not ok or type(der) ~= "string" then
      warning.say("ocsp_staple gave no response: %s", tostring(der))
      der, next_update = nil, time.now() + 60
    end
    kept = { der = der, next_update = next_update }
    set.staple_kept = kept
  end
  return kept.der
end

--- Gives a fresh engine of the core its pins, its time and its staple.
---@param made any engine of the core
---@param set table settings of a context
---@param name? string
function peer.prepare(made, set, name)
  local now = now_of(set)
  if now then
    made:time(now)
  end
  local staple = set.ocsp_staple and staple_of(set)
  if staple then
    made:staple(staple)
  end
  local pins = peer.pins_of(set, name)
  if not pins then
    return
  end
  local is_expired = pins.expires ~= nil and (now or time.now()) > pins.expires
  if not is_expired or pins.on_expired ~= "unpin" then
    made:pins(table.concat(pins:digests()), pins.scope, is_expired, pins.report_only)
  end
end

-- what a hook is shown
local function described(self)
  local info, chain = self.core:info(), self.core:peer_chain()
  return {
    role = self.context:role(),
    server_name = self.name or info.sni,
    cert = chain and chain[1],
    chain = chain,
    verified_chain = self.core:verified_chain(),
    resumed = info.resumed,
    version = info.version,
    alpn = info.alpn,
    address = self.address or self.socket and self.socket:peer(),
    pin = self.core:pin_state(),
  }
end

--- Asks `on_verify`, outside of OpenSSL: it may wait. Anything but `true` refuses the peer.
---@param self table
---@return true? accepted
---@return lacre.error? err verify_rejected, hook_failed
function peer.ask(self)
  local hook = settings.inside(self.context).set.on_verify
  local ok, answer = loop.pcall(hook, described(self))
  local accepted = ok and answer == true
  if not accepted then
    self.vetoed = { raised = not ok and answer or nil, answer = ok and answer or nil }
  end
  self.core:decide(accepted)
  if accepted or self.core:state() ~= "failed" then
    return true -- a client's handshake goes on to say no
  end
  return nil, peer.explain(self, annotate(hook_error(self), { chain = self.core:peer_chain() }))
end

local function refuse_hello(self, raised, reason)
  self.unwelcome = lacre_error.new {
    code = raised and "hook_failed" or "handshake_failed", stage = "handshake", library = "lacre", cause = reason,
    message = (raised and "on_client_hello raised an error" or "on_client_hello refused the client")
      .. (reason ~= nil and ": " .. tostring(reason) or ""),
  }
  if not self.core:hello() then
    return nil, peer.explain(self, self.unwelcome)
  end
  self.core:greet(false)
  return true -- the handshake goes on to say no
end

local function use_answer(self, answer)
  if answer == true then
    self.core:greet(true)
    return true
  elseif settings.is(answer, "server") then
    self.context = answer
    return self.core:switch(settings.inside(answer).core)
  end
  local one, err = identity.load(answer)
  local used
  if one then
    used, err = self.core:identity(one.cert, one.key, one.chain)
  end
  if not used then
    return nil, err
  end
  self.core:greet(true)
  return true
end

local function is_answer(value)
  return value == true or settings.is(value, "server") or (type(value) == "table" and value.cert ~= nil)
end

-- Asks `on_client_hello`: true goes on, an identity is shown, another context takes over; anything else
-- refuses the client.
local function ask_hello(self)
  local hook = settings.inside(self.context).set.on_client_hello
  local raw = self.core:hello()
  if not raw then
    return fail("handshake", "closed", "the connection is closed")
  end
  local ok, answer, reason = loop.pcall(hook, hello.describe(raw, self.address))
  if not self.core:hello() then
    return fail("handshake", "closed", "the connection was closed meanwhile")
  elseif not ok then
    return refuse_hello(self, true, answer)
  elseif not is_answer(answer) then
    return refuse_hello(self, false, reason)
  end
  local used, err = use_answer(self, answer)
  if not used then
    return refuse_hello(self, true, err)
  end
  return true
end

--- What to do when the core suspends a handshake: by what it wants.
peer.hooks = { want_verify = peer.ask, want_hello = ask_hello }

local OWNER_ONLY = 384 -- 0600

--- Hands on what was logged for SSLKEYLOGFILE since.
---@param self table
function peer.log_keys(self)
  local sink = settings.inside(self.context).set.keylog
  local lines = sink and self.core:keylog()
  if not lines then
    return
  elseif type(sink) == "string" then
    core.disk.create(sink, "", OWNER_ONLY) -- does nothing where there is one
    local handle = io.open(sink, "a")
    if handle then
      handle:write(lines)
      handle:close()
    end
    return
  end
  for line in lines:gmatch "[^\n]+" do
    sink(line)
  end
end

--- What is checked when the handshake is done and before anything is sent.
---@param self table
---@return true?
---@return lacre.error? err alpn_mismatch
function peer.complete(self)
  peer.log_keys(self)
  local set = settings.inside(self.context).set
  if set.alpn_required and not self.core:info().alpn then
    self.core:abandon()
    local _, err = fail("handshake", "alpn_mismatch", "the server chose no application protocol")
    return nil, peer.explain(self, err)
  end
  return true
end

local staple_errors = {
  missing = { "ocsp_missing", "the server sent no OCSP response, and one is required" },
  invalid = { "ocsp_invalid", "the OCSP response is not about this certificate, or not signed by its issuer" },
  expired = { "ocsp_expired", "the OCSP response is past its nextUpdate" },
  unknown = { "ocsp_unknown", "the OCSP responder does not know the certificate" },
  revoked = { "cert_revoked", "the OCSP response says that the certificate is revoked" },
}

local function staple_error(self)
  local row = staple_errors[self.core:staple_state()]
  local chain = self.core:peer_chain()
  return row and lacre_error.new {
    code = row[1], message = row[2], stage = "verify", library = "lacre",
    depth = 0, chain = chain, cert = chain and chain[1],
  }
end

-- TLS 1.2 has no alert of its own for a certificate that was asked for and not given
local function explain_alert(self, err)
  if err.alert == "handshake_failure" and self.core:was_asked() and not self.core:local_cert() then
    err.code = "client_cert_required"
  end
  return err
end

--- Completes an error of the core's engine with what is known of the connection.
---@param self table `core`, `context`, and as far as they are known `name`, `host`, `port`, `address`
---@param err lacre.error
---@return lacre.error
function peer.explain(self, err)
  if self.failure then
    return self.failure
  end
  local opening = rawget(err, "opening")
  err.opening = nil
  peer.log_keys(self)
  if self.unwelcome then
    err = self.unwelcome
  elseif self.core:refused_name() == true then
    err.code, err.message = "unrecognized_name", "the client asked for a name that is not served here"
  elseif err.reason == "SSL_R_INVALID_STATUS_RESPONSE" then
    err = staple_error(self) or err
  elseif err.reason == "SSL_R_CERTIFICATE_VERIFY_FAILED" or err.code == "cert_invalid" then
    local findings, chain = self.core:verdict()
    if findings then
      local alert = { reason = err.reason }
      err = peer.verification_error(self, findings, chain)
      annotate(err, alert)
    end
  elseif err.stage == "handshake" and err.library == "tls" then
    err = explain_alert(self, explain_opening(err, opening))
  end
  annotate(err, { host = self.host, port = self.port, address = self.address })
  if self.core:state() == "failed" then
    self.failure = err -- whatever is asked next has the same answer
  end
  return err
end

return peer
