--- starttls.dialogue: what the talks before TLS have in common: lines, replies, and how they fail.

local fail = require("lacre.error").fail

local dialogue = {}

local function unsupported(what)
  return fail("starttls", "starttls_unsupported", "the server does not offer STARTTLS: %s", (what:gsub("%c", " ")))
end

local function refused(what)
  return fail("starttls", "starttls_refused", "the server refused STARTTLS: %s", (what:gsub("%c", " ")))
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

--- Fails: what is wanted is not offered.
---@param what string
---@return nil
---@return lacre.error err starttls_unsupported
dialogue.unsupported = unsupported

--- Fails: it was denied, or the answer made no sense.
---@param what string
---@return nil
---@return lacre.error err starttls_refused
dialogue.refused = refused

--- Sends; true or nil and the error.
dialogue.ask = ask

--- Reads a reply of SMTP's kind: its code and its lines.
dialogue.reply = reply

--- Sends a command and reads its reply, whose code must be the one wanted.
dialogue.command = command

--- Whether one of some lines begins with a word.
dialogue.offers = offers

--- Reads lines until one that ends them: true, the lines before it, and it.
dialogue.lines_until = lines_until

return dialogue
