--- peer: what a failed handshake says about the other side, in full.
--
-- C tells that verification failed, or that the first bytes made no sense; here that becomes the
-- error a person can act on: which certificate, which names, which pins, what the peer speaks.

local settings = require "lacre.settings"
local lacre_error = require "lacre.error"
local pin = require "lacre.pin"
local verdict = require "lacre.verdict"

local peer = {}

local annotate = lacre_error.annotate

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

local function pin_rows(chain)
  local rows = {}
  for i, cert in ipairs(chain or {}) do
    rows[i] = { pin = tostring(pin.of(cert)), subject = tostring(cert:subject()) }
  end
  return rows
end

local function pin_lines(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = ("%s (%s)"):format(row.pin, row.subject)
  end
  return table.concat(lines, ", ")
end

local APPLICATION_VERIFICATION = 50

local function pin_error(findings, chain, set)
  local pins = set.pin_set
  local presented = pin_rows(findings.chain and #findings.chain > 0 and findings.chain or chain)
  local expired = set.pins_expired
  return lacre_error.new {
    code = expired and "pin_expired" or "pin_mismatch",
    message = expired and "the pin set is past its date"
      or "none of the pins is in the chain, which has " .. pin_lines(presented),
    stage = "verify",
    library = "lacre",
    depth = 0,
    detail = { pins = pins and pins:to_table().pins, presented_pins = presented },
  }
end

--- The error that a verification with findings amounts to.
---@param self table as in `peer.explain`
---@param findings table
---@param chain lacre.cert[]
---@return lacre.error
function peer.verification_error(self, findings, chain)
  local set = settings.inside(self.context).set
  local first = findings[1]
  local err
  if first and first.number == APPLICATION_VERIFICATION then
    err = pin_error(findings, chain, set)
  else
    local about = { server_name = self.server_name, chain = chain, now = set.time }
    err = verdict.error(findings, about)
  end
  return annotate(err, { chain = chain, cert = chain and chain[1] })
end

--- Completes an error of the core's engine with what is known of the connection.
---@param self table `core`, `context`, and as far as they are known `server_name`, `host`, `port`, `address`
---@param err lacre.error
---@return lacre.error
function peer.explain(self, err)
  local opening = rawget(err, "opening")
  err.opening = nil
  if err.reason == "SSL_R_CERTIFICATE_VERIFY_FAILED" then
    local findings, chain = self.core:verdict()
    if findings then
      local alert = { reason = err.reason }
      err = peer.verification_error(self, findings, chain)
      annotate(err, alert)
    end
  elseif err.stage == "handshake" and err.library == "tls" then
    err = explain_opening(err, opening)
  end
  return annotate(err, { host = self.host, port = self.port, address = self.address })
end

return peer
