--- starttls.packets: STARTTLS of the protocols that speak in packets or XML: XMPP, LDAP, databases.
--
-- Each is a function of a plain socket that returns true when the next byte is TLS's.

local dialogue = require "lacre.starttls.dialogue"

local ask, refused, unsupported = dialogue.ask, dialogue.refused, dialogue.unsupported
local fail = require("lacre.error").fail

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
    return fail("starttls", "plaintext_pending", "data arrived before TLS began")
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
    return refused "not an LDAP answer"
  end
  local body
  body, err = plain:read(length)
  if not body then
    return nil, err
  end
  local code = body:match "^\2\1\1\120.\10\1(.)"
  if not code then
    return refused "not an LDAP answer"
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
    return refused "not a MySQL greeting"
  elseif math.floor(byte_at(packet, zero + 15) / 8) % 2 == 0 then
    return unsupported "no CLIENT_SSL among its capabilities"
  end
  -- CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION; 16 MiB; utf8
  return ask(plain, "\32\0\0\1", "\0\138\0\0", "\0\0\0\1", "\33", ("\0"):rep(23))
end

return { xmpp = xmpp, ldap = ldap, postgres = postgres, mysql = mysql }
