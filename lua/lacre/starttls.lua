--- starttls: from plaintext to TLS, as each protocol does it.
--
-- A dialogue never goes on in clear text: what the peer does not offer is `starttls_unsupported`, what
-- it denies `starttls_refused`, and a byte that came too early `plaintext_pending` (the injections of
-- CVE-2011-0411 and CVE-2021-23222).

local lacre_error = require "lacre.error"
local later = require "lacre.later"

local dialogue = later "lacre.starttls.dialogue"
local lines = later "lacre.starttls.lines"
local packets = later "lacre.starttls.packets"

local starttls = {}

-- where the dialogue of a protocol is
local dialogues = {
  smtp = lines, lmtp = lines, imap = lines, pop3 = lines, ftp = lines, xmpp = packets, ldap = packets,
  postgres = packets, mysql = packets, sieve = lines, nntp = lines,
}

local client_first = { xmpp = true, ldap = true, postgres = true }

--- Whether the server is the first to say something.
---@param how string|function
---@return boolean
function starttls.speaks_first(how)
  return dialogues[how] ~= nil and not client_first[how]
end

-- where they begin in plaintext
local ports = {
  [21] = "ftp", [24] = "lmtp", [25] = "smtp", [110] = "pop3", [119] = "nntp", [143] = "imap", [389] = "ldap",
  [587] = "smtp", [3306] = "mysql", [4190] = "sieve", [5222] = "xmpp", [5432] = "postgres",
}

local mute = { unexpected_eof = true, closed = true, connection_reset = true, handshake_timeout = true, timeout = true }

--- Says what may be wrong where a handshake without STARTTLS failed on a port of a protocol that wants it.
---@param err lacre.error
---@param port integer
---@return lacre.error err the same
function starttls.advise(err, port)
  local protocol = ports[port]
  if protocol and err.stage == "handshake" and mute[err.code] then
    lacre_error.annotate(err, { hint = ("port %d usually begins in plaintext: use starttls = %q, or --starttls %s")
      :format(port, protocol, protocol) })
  end
  return err
end

--- The names of the protocols, for messages.
starttls.names = { "smtp", "lmtp", "imap", "pop3", "ftp", "xmpp", "ldap", "postgres", "mysql", "sieve", "nntp" }

--- For option schemas: a name, or a function of one's own.
---@param value any
---@return any?
---@return string? why
function starttls.option(value)
  if dialogues[value] or type(value) == "function" then
    return value
  end
  return nil, ("one of %s, or a function, expected"):format(table.concat(starttls.names, " "))
end

local function checked(ok, err)
  if ok then
    return true
  elseif type(err) == "table" then
    return nil, err
  end
  return dialogue.refused(tostring(err or "the STARTTLS dialogue failed"))
end

-- what happens to a connection before TLS begins is a matter of STARTTLS
local function failed(err)
  if err.stage == "read" or err.stage == "write" then
    err.stage = "starttls"
    lacre_error.annotate(err, { hint = "check that the port speaks this protocol; if TLS begins at once there, leave "
      .. "starttls out" })
  end
  return err
end

--- Carries a plain socket to the point where TLS begins.
---@param plain lacre.tcp
---@param how string|fun(plain: lacre.tcp): true?, any a protocol, or a dialogue of one's own
---@param host string
---@return true?
---@return lacre.error? err starttls_unsupported, starttls_refused, plaintext_pending, timeout, closed ...
function starttls.negotiate(plain, how, host)
  local talk = dialogues[how] and dialogues[how][how] or how
  local done, err = checked(talk(plain, host))
  if not done then
    return nil, failed(err)
  end
  return starttls.must_be_silent(plain)
end

--- Refuses to begin TLS where bytes came before it.
---@param plain lacre.tcp
---@return true?
---@return lacre.error? err plaintext_pending
function starttls.must_be_silent(plain)
  if plain:dirty() or plain.socket:receive(1) then
    return lacre_error.fail("starttls", "plaintext_pending", "data arrived before TLS began")
  end
  return true
end

return starttls
