--- tls.peer_error: what a failed handshake says about the other side, in full.
--
-- C tells that verification failed, or that the first bytes made no sense; here that becomes the
-- error a person can act on: which certificate, which names, which pins, what the peer speaks.

local lacre_error = require "lacre.error"
local peer = require "lacre.tls.peer"
local pin = require "lacre.pin"
local settings = require "lacre.tls.settings"
local time = require "lacre.time"
local verdict = require "lacre.store.verdict"

local annotate = lacre_error.annotate

local peer_error = {}

-- the first bytes of what people put on ports where TLS was expected
local greetings = {
  { "^HTTP/", "http" },
  { "^<[!hH]", "http" },
  { "^SSH%-", "ssh" },
  { "^220[^\n]*FTP", "ftp" },
  { "^220[ -]", "smtp" },
  { "^%* OK", "imap" },
  { "^%+OK", "pop3" },
  { "^421", "smtp" },
  { "^554[ -]", "smtp" },
  { "^%* BYE", "imap" },
  { "^%-ERR Protoc", "redis" },
  { "^%-ERR unknow", "redis" },
  { "^%-DENIED ", "redis" },
  { "^%-ERR", "pop3" },
  { "^20[01] ", "nntp" },
  { '^"IMPLEMENTATION', "sieve" },
  { "^...%z\10%d+%.", "mysql" },
  { "^0[%z\1-\255]\2\1", "ldap" },
  { "^<%?xml", "xmpp" },
  { "^<stream:", "xmpp" },
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

local upgrades = {
  smtp = true, imap = true, pop3 = true, ftp = true, xmpp = true, nntp = true, sieve = true, mysql = true, ldap = true,
}

local function explain_opening(err, opening)
  if not opening or is_record(opening) then
    return err
  end
  local protocol = looks_like(opening)
  err.code = "not_tls"
  err.message = protocol and ("the peer speaks %s, not TLS"):format(protocol:upper())
    or "the peer does not speak TLS"
  err.hint = upgrades[protocol] and ("use starttls = %q, or --starttls %s"):format(protocol, protocol) or nil
  err.detail = {
    looks_like = protocol, starttls = upgrades[protocol] and protocol or nil,
    opening = opening:gsub("[^\32-\126]", "."),
  }
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

--- What a hook raised or answered, as text, whatever it is.
---@param value any
---@return string
function peer_error.text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and text or "a " .. type(value)
end

--- What became of asking `on_verify`.
---@param self table
---@return lacre.error err hook_failed, verify_rejected
function peer_error.of_hook(self)
  local raised, cause = self.vetoed.raised, self.vetoed.cause
  local why = type(cause) == "string" and ": " .. cause or ""
  return lacre_error.new {
    code = raised and "hook_failed" or "verify_rejected", stage = "verify", library = "lacre", depth = 0,
    message = raised and "on_verify raised an error: " .. peer_error.text_of(cause)
      or "on_verify did not accept the peer" .. why,
    cause = cause,
  }
end

--- The error that a verification with findings amounts to.
---@param self table as in `peer_error.explain`
---@param findings table
---@param chain lacre.cert[]
---@return lacre.error
function peer_error.of_verification(self, findings, chain)
  local first = findings[1]
  local err
  if self.vetoed then
    err = peer_error.of_hook(self)
  elseif first and first.number == APPLICATION_VERIFICATION then
    err = pin_error(self, findings, chain)
  else
    local set = settings.inside(self.context).set
    err = verdict.error(findings, {
      server_name = self.name, host = self.host, chain = chain, now = (peer.time_of(set)),
    })
  end
  return annotate(err, { chain = chain, cert = chain and chain[1] })
end

local staple_errors = {
  missing = { "ocsp_missing", "the server sent no OCSP response, and one is required" },
  invalid = { "ocsp_invalid", "the OCSP response is not about this certificate, or not signed by its issuer" },
  expired = { "ocsp_expired", "the OCSP response is past its nextUpdate" },
  unknown = { "ocsp_unknown", "the OCSP responder does not know the certificate" },
  revoked = { "cert_revoked", "the OCSP response says the certificate is revoked" },
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

-- what stands behind a failure, where that is more than what the core could say
local function understood(self, err)
  local opening = rawget(err, "opening")
  err.opening = nil
  peer.log_keys(self)
  if self.unwelcome then
    err = self.unwelcome
  elseif self.core:refused_name() == true then
    err.code, err.message = "unrecognized_name", "the client asked for a host name that is not served here"
  elseif err.reason == "SSL_R_INVALID_STATUS_RESPONSE" then
    err = staple_error(self) or err
  elseif err.reason == "SSL_R_CERTIFICATE_VERIFY_FAILED" or err.code == "cert_invalid" then
    local findings, chain = self.core:verdict()
    if findings then
      local alert = { reason = err.reason }
      err = peer_error.of_verification(self, findings, chain)
      annotate(err, alert)
    end
  elseif err.code == "not_tls" and err.stage ~= "handshake" then
    err.code, err.message = "protocol_error", "the data received is not a TLS record"
  elseif err.stage == "handshake" and err.library == "tls" then
    err = explain_alert(self, explain_opening(err, opening))
  end
  return err
end

--- Completes an error of the core's engine with what is known of the connection.
---@param self table `core`, `context`, and as far as they are known `name`, `host`, `port`, `address`
---@param err lacre.error
---@return lacre.error
function peer_error.explain(self, err)
  if self.failure then
    return self.failure
  end
  -- most connections end well: that says everything
  if rawget(err, "code") ~= "closed" or rawget(err, "stage") ~= "read" then
    err = understood(self, err)
  end
  err.host, err.port = rawget(err, "host") or self.host, rawget(err, "port") or self.port
  err.address = rawget(err, "address") or self.address
  if self.core:state() == "failed" then
    self.failure = err -- whatever is asked next has the same answer
  end
  return err
end

return peer_error
