--- tool.echo: TLS to be watched: the lab, an echo server, an echo client.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local shared = require "lacre.toolkit.shared"
local toolkit = require "lacre.toolkit"

local connect = later "lacre.connect"
local context = later "lacre.context"
local lab = later "lacre.lab"
local listener = later "lacre.listener"
local loop = later "lacre.loop"
local reception = later "lacre.net.reception"
local report = later "lacre.report.lab"
local target = later "lacre.net.target"

local echo = {
  name = "echo",
  summary = "see TLS at work: a round trip, the bytes on the wire, and what is refused",
  description = "Without options, shows how TLS works: makes a self-signed certificate in memory, starts a server "
    .. "on loopback, and lets a verifying client send a line and get it back. Then it shows clients that must "
    .. "refuse to connect, and do; one bit that is changed on the way; and an attacker in the middle, who can read "
    .. "what a client without verification sends, and nothing else. With --listen or --connect it is an echo server "
    .. "or client.",
  examples = {
    { "lacre echo", "the lab: exit code 0 only if everything went as expected" },
    { "lacre echo --listen 7443", "an echo server on 127.0.0.1:7443; prints its pin" },
    { "lacre echo --connect localhost:7443 --pin sha256//...", "a client that trusts exactly that key" },
    { "lacre echo --connect localhost:7443 --trust localhost.crt", "a client that trusts exactly that certificate" },
  },
  argument = { name = "message", type = "string", optional = true, value = "TEXT", help = "line of text to send" },
  options = {
    { name = "listen", value = "[HOST:]PORT", help = "run an echo server until stopped" },
    { name = "connect", value = "HOST:PORT", help = "send a line and print the answer" },
    { name = "cert", value = "FILE", help = "server certificate, with its chain (default: make one in memory)" },
    { name = "key", value = "FILE", help = "private key of the certificate" },
    { name = "trust", type = "any", value = "FILE",
      help = "certificates the client trusts (default: the system's CAs)" },
    { name = "pin", value = "PIN", help = "trust only the key with this pin" },
    { name = "server_name", value = "NAME", help = "host name the certificate must be valid for (default: the host)" },
    { name = "timeout", type = "duration", value = "TIME", default = 10,
      help = "time limit for connecting, and for the answer" },
    shared.on_event,
  },
  exits = { { 1, "the lab did not go as expected" } },
}

local function listen_address(text)
  if text:match "^%d+$" then
    text = "127.0.0.1:" .. text
  elseif not text:find ":%d+$" then
    local _, err = lacre_error.fail("config", "bad_name", "no port to listen on: %s", text)
    return nil, lacre_error.annotate(err, { hint = "write 7443, or 192.0.2.1:7443" })
  end
  return target.parse_listening(text)
end

local function server_identity(set)
  if set.cert or set.key then
    return { cert = set.cert, key = set.key }
  end
  return lab.identity()
end

local function announce(set, server, certificate)
  local host, port = server:address()
  local say = set.on_event or function() end
  say(("listening on %s"):format(target.format(host, port)))
  say(("pin %s"):format(certificate:pin()))
  say(("try: lacre echo --connect localhost:%d --pin %s"):format(port, certificate:pin()))
  return say
end

local function serve_one(connection, say)
  local done, err = connection:handshake()
  local peer = connection:info().peer_address or "somebody"
  if done then
    local info = connection:info()
    say(("%s: %s %s"):format(peer, info.version, info.cipher))
    err = lab.echo(connection)
  end
  say(("%s: %s"):format(peer, tostring(err)))
end

local function serve(server, say)
  reception.open(server, function(connection)
    serve_one(connection, say)
  end):wait()
end

local function run_server(set)
  local address, err = listen_address(set.listen)
  local identity, ctx, server
  if address then
    identity, err = server_identity(set)
  end
  if identity then
    ctx, err = context.server { identity = identity }
  end
  if ctx then
    server, err = listener.listen { context = ctx, host = address.host, port = address.port }
  end
  if not server then
    return nil, err
  end
  return loop.enter(serve, server, announce(set, server, ctx:certificate()))
end

local function client_options(set)
  local given = { timeout = set.timeout, io_timeout = set.timeout, server_name = set.server_name, trust = set.trust }
  if set.pin then
    given.pins = { set.pin, allow_no_backup = true }
    given.trust = given.trust or "pins"
  end
  return given
end

local function exchange(connection, message)
  local done, err = connection:write(message, "\n")
  local reply
  if done then
    reply, err = connection:read "l"
  end
  return reply and { reply = reply, message = message, info = connection:info() }, err
end

local function run_client(set)
  local address, err = target.parse(set.connect)
  local connection
  if address then
    connection, err = connect.connect(address.host, address.port, client_options(set))
  end
  if not connection then
    return nil, err
  end
  local result
  result, err = exchange(connection, set.message or "hello, sealed world")
  connection:close()
  return result or nil, err
end

-- lines that are read have a limit
local LONGEST = 8000

local function check_message(text)
  if text and (text:find "\n" or #text > LONGEST) then
    options.misuse("bad argument #1 to 'tool.echo' (the text to send must be one line of at most %d bytes)", LONGEST)
  end
end

local function check(set)
  check_message(set.message)
  local of_client = set.trust and "trust" or set.pin and "pin" or set.server_name and "server_name"
  if set.listen and set.connect then
    options.misuse "bad option 'listen' to 'tool.echo' (listen and connect cannot be combined)"
  elseif (set.cert == nil) ~= (set.key == nil) then
    options.misuse("bad option '%s' to 'tool.echo' (the server needs both cert and key, or neither)",
      set.cert and "cert" or "key")
  elseif set.cert and not set.listen then
    options.misuse "bad option 'cert' to 'tool.echo' (it is for a server: add listen)"
  elseif of_client and not set.connect then
    options.misuse("bad option '%s' to 'tool.echo' (it is for a client: add connect)", of_client)
  end
end

--- Runs the lab, or with `listen` a server (until it fails or is stopped), or with `connect` a client.
---@param set table see `echo.options`
---@return table? result
---@return lacre.error? err
function echo.run(set)
  check(set)
  if set.listen then
    return run_server(set)
  elseif set.connect then
    return run_client(set)
  end
  return lab.run(set.message)
end

function echo.failed(result)
  return result.conversation ~= nil and not result.held
end

echo.text = report.text
echo.to_table = report.to_table

return toolkit.define(echo)
