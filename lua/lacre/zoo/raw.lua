--- zoo.raw: servers that do not speak TLS as they should. Each is a function of a plain socket.

local greeting = require "lacre.tls.greeting"
local loop = require "lacre.loop"

local zoo_raw = {}

local LONG = 60 -- seconds after which a visitor is sent home

local function read_hello(plain)
  local bytes = plain:receive() or ""
  local length = greeting.record_length(bytes)
  while length and #bytes < length do
    local more = plain:receive()
    if not more then
      break
    end
    bytes = bytes .. more
  end
  return greeting.read_client(bytes)
end

-- whatever else comes is read and dropped, until the visitor goes
local function linger(plain)
  plain:set_timeout(LONG)
  repeat
    local bytes = plain:receive()
  until not bytes
end

local function alert(number)
  return "\21\3\3\0\2\2" .. string.char(number)
end

--- Speaks first, as SSH and SMTP do.
function zoo_raw.speaks(bytes)
  return function(plain)
    plain:write(bytes)
    linger(plain)
  end
end

--- Answers the first bytes, whatever they are, and hangs up, as a plain web server does.
function zoo_raw.answers(bytes)
  return function(plain)
    plain:receive()
    plain:write(bytes)
    plain:shutdown()
    linger(plain)
  end
end

zoo_raw.silent = linger

--- Hangs up when the hello has come.
function zoo_raw.eof(plain)
  read_hello(plain)
end

--- Hangs up without having read: the system resets the connection.
function zoo_raw.reset(plain)
  loop.wait(plain:pollfd(), "r", LONG)
end

--- Announces a record and sends it a byte at a time.
function zoo_raw.drips(plain)
  read_hello(plain)
  plain:write "\22\3\3\62\128\2"
  repeat
    loop.sleep(0.1)
  until not plain:write "\0"
end

--- Refuses with an alert.
function zoo_raw.alerts(number)
  return function(plain)
    read_hello(plain)
    plain:write(alert(number))
    plain:shutdown()
    linger(plain)
  end
end

--- Begins a handshake and hangs up in the middle of a record.
function zoo_raw.cuts(plain)
  local hello = read_hello(plain)
  plain:write(greeting.server({ version = 0x0303, cipher = 0xc02b, session = hello and hello.session }):sub(1, 40))
end

--- Says nothing to a hello without TLS 1.2 and newer, as some walls before servers do: an `on_client_hello`.
function zoo_raw.ignores_old(hello)
  for _, version in ipairs(hello.versions) do
    if version >= "1.2" then
      return true
    end
  end
  loop.sleep(LONG)
end

local function refuse(plain)
  plain:write(alert(40))
  plain:shutdown()
  linger(plain)
end

--- Speaks one old version and one suite, as far as the ServerHello.
function zoo_raw.old(version, cipher)
  return function(plain)
    local hello = read_hello(plain)
    if not hello or not hello.ciphers[cipher] or hello.version < version then
      return refuse(plain)
    end
    plain:write(greeting.server { version = version, cipher = cipher, session = ("\7"):rep(32) })
    linger(plain)
  end
end

--- Wants one group and nothing else, as far as the HelloRetryRequest.
function zoo_raw.only_group(number)
  return function(plain)
    local hello = read_hello(plain)
    if not hello or not hello.groups[number] then
      return refuse(plain)
    end
    plain:write(greeting.server { version = 0x0303, cipher = 0x1301, session = hello.session, group = number })
    linger(plain)
  end
end

--- A mail server that knows no STARTTLS.
function zoo_raw.smtp_without_starttls(plain)
  plain:write "220 mail.zoo.test ESMTP\r\n"
  while true do
    local line = plain:read "l"
    if not line then
      return
    end
    plain:write(line:upper():find "^EHLO" and "250-mail.zoo.test\r\n250 SIZE 1000000\r\n" or "502 not here\r\n")
  end
end

--- The plaintext part of a mail server with STARTTLS; then TLS begins.
function zoo_raw.smtp(plain)
  plain:write "220 mail.zoo.test ESMTP\r\n"
  while true do
    local line = plain:read "l"
    if not line then
      return false
    elseif line:upper():find "^EHLO" then
      plain:write "250-mail.zoo.test\r\n250 STARTTLS\r\n"
    elseif line:upper():find "^STARTTLS" then
      plain:write "220 go ahead\r\n"
      return true
    else
      plain:write "502 not here\r\n"
    end
  end
end

return zoo_raw
