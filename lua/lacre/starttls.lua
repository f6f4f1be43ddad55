--- starttls: from plaintext to TLS, as each protocol asks for it.
--
-- A dialogue is a function of a plain socket that returns true when the next byte is TLS's. It never
-- goes on in clear text: what the peer does not offer is `starttls_unsupported`, what it denies
-- `starttls_refused`, and a byte that came too early `plaintext_pending` (the injections of
-- CVE-2011-0411 and CVE-2021-23222).

local fail = require("lacre.error").fail

local starttls = {}

local function unsupported(what)
  return fail("starttls", "starttls_unsupported", "the server does not offer it: %s", (what:gsub("%c", " ")))
end

local function refused(what)
  return fail("starttls", "starttls_refused", "the server refused: %s", (what:gsub("%c", " ")))
end

local MOST_LINES = 200

-- a reply of SMTP's kind (RFC 5321 section 4.2.1): "250-more" lines, the last with a space
local function reply(plain)
  local lines = {}
  for _ = 1, MOST_LINES do
    local line, err = plain:read "l"
    if not line then
      return nil, err
    end
    local code, mark, text = line:match "^(%d%d%d)([ -]?)(.*)$"
    if not code then
      return refused(line)
    end
    lines[#lines + 1] = text
    if mark ~= "-" then
      return code, lines
    end
  end
  return refused "too many lines"
end

local function ask(plain, ...)
  local sent, err = plain:write(...)
  if not sent then
    return nil, err
  end
  return true
end

-- sends a command and reads its reply; fails unless the code is the one wanted
local function command(plain, text, wanted, otherwise)
  local code, lines = true, nil
  if text then
    code, lines = ask(plain, text, "\r\n")
  end
  if code then
    code, lines = reply(plain)
  end
  if not code then
    return nil, lines
  elseif code ~= wanted then
    return otherwise(code .. " " .. tostring(lines[#lines]))
  end
  return true, lines
end

local function offers(lines, word)
  for _, line in ipairs(lines) do
    if line:upper():match "^%S+" == word then
      return true
    end
  end
  return false
end

-- RFC 3207; LMTP differs in one letter (RFC 2033)
local function smtp(hello)
  return function(plain)
    local done, lines = command(plain, nil, "220", refused)
    if done then
      done, lines = command(plain, hello .. " localhost", "250", unsupported)
    end
    if not done then
      return nil, lines
    elseif not offers(lines, "STARTTLS") then
      return unsupported "no STARTTLS among its extensions"
    end
    return command(plain, "STARTTLS", "220", refused)
  end
end

-- lines until one that is `last`; true and the lines before it
local function lines_until(plain, is_last)
  local lines = {}
  for _ = 1, MOST_LINES do
    local line, err = plain:read "l"
    if not line then
      return nil, err
    elseif is_last(line) then
      return true, lines, line
    end
    lines[#lines + 1] = line
  end
  return refused "too many lines"
end

local function tagged(tag)
  return function(line)
    return line:sub(1, #tag + 1) == tag .. " "
  end
end

-- RFC 9051 section 6.2.1
local function imap(plain)
  local greeting, err = plain:read "l"
  if not greeting then
    return nil, err
  elseif not greeting:upper():find "^%* OK" then
    return refused(greeting) -- PREAUTH: there would be nothing left to protect
  end
  local done, lines, last = ask(plain, "a1 CAPABILITY\r\n")
  if done then
    done, lines, last = lines_until(plain, tagged "a1")
  end
  if not done then
    return nil, lines
  elseif not (" " .. table.concat(lines, " "):upper() .. " "):find(" STARTTLS ", 1, true) then
    return unsupported "no STARTTLS among its capabilities"
  end
  done, lines = ask(plain, "a2 STARTTLS\r\n")
  if done then
    done, lines, last = lines_until(plain, tagged "a2")
  end
  if not done then
    return nil, lines
  elseif not last:upper():find "^A2 OK" then
    return refused(last)
  end
  return true
end

local function is_dot(line)
  return line == "."
end

local function positive(plain, text)
  local done, err = true, nil
  if text then
    done, err = ask(plain, text, "\r\n")
  end
  local line
  if done then
    line, err = plain:read "l"
  end
  if not line then
    return nil, err
  end
  return line:find "^%+OK" ~= nil, line
end

-- RFC 2595 section 4
local function pop3(plain)
  local ok, line = positive(plain)
  if not ok then
    return nil, ok == false and select(2, refused(line)) or line
  end
  ok, line = positive(plain, "CAPA")
  if not ok then
    return nil, ok == false and select(2, unsupported(line)) or line
  end
  local done, lines = lines_until(plain, is_dot)
  if not done then
    return nil, lines
  elseif not offers(lines, "STLS") then
    return unsupported "no STLS among its capabilities"
  end
  ok, line = positive(plain, "STLS")
  if not ok then
    return nil, ok == false and select(2, refused(line)) or line
  end
  return true
end

-- RFC 4217 section 4
local function ftp(plain)
  local done, err = command(plain, nil, "220", refused)
  if not done then
    return nil, err
  end
  return command(plain, "AUTH TLS", "234", function(text)
    return (text:find "^50[0234]" and unsupported or refused)(text)
  end)
end

-- RFC 4642 section 2.2
local function nntp(plain)
  local code, lines = reply(plain)
  if not code then
    return nil, lines
  elseif code ~= "200" and code ~= "201" then
    return refused(code)
  end
  local done
  done, lines = command(plain, "CAPABILITIES", "101", unsupported)
  if done then
    done, lines = lines_until(plain, is_dot)
  end
  if not done then
    return nil, lines
  elseif not offers(lines, "STARTTLS") then
    return unsupported "no STARTTLS among its capabilities"
  end
  return command(plain, "STARTTLS", "382", refused)
end

local function is_sieve_end(line)
  return line:upper():find "^OK" or line:upper():find "^NO" or line:upper():find "^BYE"
end

-- RFC 5804 section 2.2
local function sieve(plain)
  local done, lines, last = lines_until(plain, is_sieve_end)
  if not done then
    return nil, lines
  elseif not last:upper():find "^OK" then
    return refused(last)
  elseif not table.concat(lines, "\n"):upper():find('"STARTTLS"', 1, true) then
    return unsupported "no STARTTLS among its capabilities"
  end
  done, lines = ask(plain, "STARTTLS\r\n")
  if done then
    done, lines, last = lines_until(plain, is_sieve_end)
  end
  if not done then
    return nil, lines
  elseif not last:upper():find "^OK" then
    return refused(last)
  end
  return true
end

local MOST_XML = 65536

-- text up to and with one of some patterns; the whole of it, and which pattern it was
local function xml_until(plain, patterns)
  local text = ""
  repeat
    for which, pattern in ipairs(patterns) do
      local _, stop = text:find(pattern)
      if stop then
        return which, text, stop == #text
      end
    end
    local more, err = plain:receive(1024)
    if not more then
      return nil, err
    end
    text = text .. more
  until #text > MOST_XML
  return refused "too much XML"
end

-- RFC 6120 section 5.4
local function xmpp(plain, host)
  local done, text = ask(plain, "<?xml version='1.0'?><stream:stream to='", (host:gsub("['<&>]", "")),
    "' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
  if done then
    done, text = xml_until(plain, { "</stream:features>", "<stream:features%s*/>", "</stream:stream>" })
  end
  if not done then
    return nil, text
  elseif not text:find("urn:ietf:params:xml:ns:xmpp-tls", 1, true) then
    return unsupported "no starttls among its features"
  end
  done, text = ask(plain, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  local at_end
  if done then
    done, text, at_end = xml_until(plain, {
      "<proceed[^>]*/>", "<proceed[^>]*></proceed>", "<failure", "</stream:stream>",
    })
  end
  if not done then
    return nil, text
  elseif done > 2 then
    return refused(text)
  elseif not at_end then
    return fail("starttls", "plaintext_pending", "bytes came before TLS began")
  end
  return true
end

-- RFC 4511 section 4.14: an extended request with the OID of StartTLS
local LDAP_REQUEST = "\48\29\2\1\1\119\24\128\22" .. "1.3.6.1.4.1.1466.20037"

local function ldap(plain)
  local done, err = ask(plain, LDAP_REQUEST)
  local head
  if done then
    head, err = plain:read(2)
  end
  if not head then
    return nil, err
  end
  local tag, length = head:byte(1, 2)
  if tag ~= 48 or length > 127 then
    return refused "not an answer of LDAP"
  end
  local body
  body, err = plain:read(length)
  if not body then
    return nil, err
  end
  local code = body:match "^\2\1\1\120.\10\1(.)"
  if not code then
    return refused "not an answer of LDAP"
  elseif code ~= "\0" then
    return (code == "\2" and unsupported or refused)(("result code %d"):format(code:byte()))
  end
  return true
end

-- PostgreSQL, message SSLRequest: one byte comes back
local function postgres(plain)
  local done, err = ask(plain, "\0\0\0\8\4\210\22\47")
  local answer
  if done then
    answer, err = plain:read(1)
  end
  if not answer then
    return nil, err
  elseif answer ~= "S" then
    return (answer == "N" and unsupported or refused)("it answered " .. answer)
  end
  return true
end

local function byte_at(text, at)
  return text:byte(at) or 0
end

-- MySQL, protocol 10: the server's first packet tells what it can; CLIENT_SSL is 0x800
local function mysql(plain)
  local head, err = plain:read(4)
  local packet
  if head then
    local a, b, c = head:byte(1, 3)
    packet, err = plain:read(math.min(a + b * 256 + c * 65536, MOST_XML))
  end
  if not packet then
    return nil, err
  end
  local zero = packet:find("\0", 2, true)
  if packet:byte() ~= 10 or not zero then
    return refused "not a greeting of MySQL"
  elseif math.floor(byte_at(packet, zero + 15) / 8) % 2 == 0 then
    return unsupported "no CLIENT_SSL among its capabilities"
  end
  -- CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION; 16 MiB; utf8
  return ask(plain, "\32\0\0\1", "\0\138\0\0", "\0\0\0\1", "\33", ("\0"):rep(23))
end

local dialogues = {
  smtp = smtp "EHLO", lmtp = smtp "LHLO", imap = imap, pop3 = pop3, ftp = ftp, nntp = nntp, sieve = sieve,
  xmpp = xmpp, ldap = ldap, postgres = postgres, mysql = mysql,
}

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
  return refused(tostring(err or "the dialogue did not succeed"))
end

--- Carries a plain socket to the point where TLS begins.
---@param plain lacre.tcp
---@param how string|fun(plain: lacre.tcp): true?, any a protocol, or a dialogue of one's own
---@param host string
---@return true?
---@return lacre.error? err starttls_unsupported, starttls_refused, plaintext_pending, timeout, closed ...
function starttls.negotiate(plain, how, host)
  local done, err = checked((dialogues[how] or how)(plain, host))
  if not done then
    return nil, err
  end
  return starttls.must_be_silent(plain)
end

--- Refuses to begin TLS where bytes came before it.
---@param plain lacre.tcp
---@return true?
---@return lacre.error? err plaintext_pending
function starttls.must_be_silent(plain)
  if plain:dirty() or plain.socket:receive(1) then
    return fail("starttls", "plaintext_pending", "bytes came before TLS began")
  end
  return true
end

return starttls
