--- starttls.lines: STARTTLS of the protocols that speak in lines: mail, news, files.
--
-- Each is a function of a plain socket that returns true when the next byte is TLS's.

local dialogue = require "lacre.starttls.dialogue"

local ask, refused, unsupported = dialogue.ask, dialogue.refused, dialogue.unsupported
local command, lines_until, offers, reply = dialogue.command, dialogue.lines_until, dialogue.offers, dialogue.reply

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

return {
  smtp = smtp "EHLO", lmtp = smtp "LHLO", imap = imap, pop3 = pop3, ftp = ftp, nntp = nntp, sieve = sieve,
}
