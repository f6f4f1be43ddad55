--- echo: TLS to be watched: the lab, an echo server, an echo client.

local connect = require "lacre.connect"
local context = require "lacre.context"
local lab = require "lacre.lab"
local lacre_error = require "lacre.error"
local listener = require "lacre.listener"
local loop = require "lacre.loop"
local records = require "lacre.records"
local target = require "lacre.target"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local echo = {
  name = "echo",
  summary = "see TLS work: a round trip, what crossed the wire, and what is refused",
  description = "Without options: makes a self-signed identity in memory, serves TLS on a loopback port, and lets a "
    .. "verifying client send a line and get it back; then shows that three clients that should refuse do. "
    .. "With --listen or --connect it is an echo server or client by itself.",
  examples = {
    { "lacre echo", "the lab: exit code 0 only if everything held" },
    { "lacre echo --listen 7443", "an echo server on 127.0.0.1:7443; prints its pin" },
    { "lacre echo --connect localhost:7443 --pin sha256//...", "a client that trusts exactly that key" },
    { "lacre echo --connect localhost:7443 --trust localhost.crt", "a client that trusts exactly that certificate" },
  },
  argument = { name = "message", type = "string", optional = true, value = "TEXT", help = "the line to send" },
  options = {
    { name = "listen", value = "[HOST:]PORT", help = "serve, until stopped" },
    { name = "connect", value = "HOST:PORT", help = "send a line, print what comes back" },
    { name = "cert", value = "FILE", help = "certificate of the server, with its chain (default: made in memory)" },
    { name = "key", value = "FILE", help = "its private key" },
    { name = "trust", type = "any", value = "FILE", help = "what the client trusts (default: the system's CAs)" },
    { name = "pin", value = "PIN", help = "trust exactly the key with this pin" },
    { name = "server_name", value = "NAME", help = "the name the certificate must carry (default: the host)" },
    { name = "timeout", type = "duration", value = "TIME", default = 10, help = "for connecting and for the answer" },
    { name = "on_event", type = "function", from_lua = true, help = "called with a line about what happens" },
  },
}

local function listen_address(text)
  if text:match "^%d+$" then
    text = "127.0.0.1:" .. text
  end
  return target.parse(text)
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
  local _, _, peer = nil, nil, connection:info().peer_address or "somebody"
  if done then
    local info = connection:info()
    say(("%s: %s %s"):format(peer, info.version, info.cipher))
    err = lab.echo(connection)
  end
  say(("%s: %s"):format(peer, tostring(err)))
  connection:close()
end

local function serve(server, say)
  while true do
    local connection, err = server:accept()
    if connection then
      loop.spawn(serve_one, connection, say)
    elseif not err.temporary then
      return nil, err
    end
  end
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
  return loop.run(serve, server, announce(set, server, ctx:certificate()))
end

local function client_options(set)
  local options = { timeout = set.timeout, io_timeout = set.timeout, server_name = set.server_name, trust = set.trust }
  if set.pin then
    options.pins = { set.pin, allow_no_backup = true }
    options.trust = options.trust or "pins"
  end
  return options
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

--- Runs the lab, or with `listen` a server (until it fails or is stopped), or with `connect` a client.
---@param set table see `echo.options`
---@return table? result
---@return lacre.error? err
function echo.run(set)
  if set.listen and set.connect then
    return lacre_error.fail("config", "unsupported", "listen and connect exclude each other")
  elseif set.listen then
    return run_server(set)
  elseif set.connect then
    return run_client(set)
  end
  return lab.run(set.message)
end

function echo.failed(result)
  return result.conversation ~= nil and not result.held
end

-- text: what a person sees -------------------------------------------------------------------

local function describe_identity(add, certificate, style)
  add(style.bold "1. An identity, made a moment ago")
  add("   issued to   %s", table.concat(certificate:hosts(), ", "))
  add("   expires     %s (%s)", time.format(certificate:not_after()), time.humanize(certificate:expires_in()))
  add("   pin         %s", certificate:pin())
  add "   It signs itself: nobody vouches for it, so the client is told to trust exactly it."
end

local function describe_flight(add, flight, style)
  local shown = {}
  for i, record in ipairs(flight.records) do
    shown[i] = ("%s %d"):format(record.message or record.type, record.length)
  end
  local arrow = flight.from == "client" and "client -> server" or "server -> client"
  add("   %s  %5d bytes  %s", arrow, #flight.bytes, style.dim(table.concat(shown, ", ")))
end

local function describe_connection(add, conversation, style)
  local info = conversation.info
  add("")
  add(style.bold "2. The handshake: chain, name and dates verified, then keys agreed on")
  for _, flight in ipairs(conversation.wire) do
    if flight.bytes == conversation.sent then
      break
    end
    describe_flight(add, flight, style)
  end
  add("   version     TLS %s", info.version)
  add("   cipher      %s", info.cipher)
  add("   group       %s", info.group or "unknown to this OpenSSL")
end

local function describe_exchange(add, conversation, style)
  add("")
  add(style.bold "3. A line goes out and comes back")
  add("   the client said          %q", conversation.message:gsub("\n$", ""))
  add("   an observer of the wire saw %d bytes:", #conversation.sent)
  for line in records.dump(conversation.sent, 96):gmatch "[^\n]+" do
    add("      %s", style.dim(line))
  end
  add("   the server answered      %q", conversation.reply:gsub("\n$", ""))
end

local function describe_refusals(add, refusals, style)
  add("")
  add(style.bold "4. What must be refused, and is")
  for _, refusal in ipairs(refusals) do
    local mark = refusal.held and style.good "refused" or style.bad "NOT AS EXPECTED"
    add("   %s: %s", refusal.who, mark)
    add("      %s", refusal.error and tostring(refusal.error) or "it was let in")
  end
end

local function lab_text(result, style)
  local lines = {}
  local function add(format, ...)
    lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
  end
  describe_identity(add, result.identity.cert, style)
  describe_connection(add, result.conversation, style)
  describe_exchange(add, result.conversation, style)
  describe_refusals(add, result.refusals, style)
  add("")
  add(result.held and style.good "Everything held." or style.bad "Something did not hold.")
  return table.concat(lines, "\n")
end

--- For people.
---@param result table
---@param style lacre.style
---@return string
function echo.text(result, style)
  return result.conversation and lab_text(result, style) or result.reply
end

local function refusal_table(refusal)
  return {
    who = refusal.who,
    expected = refusal.expected,
    held = refusal.held,
    error = refusal.error and refusal.error:to_table(),
  }
end

local function flight_table(flight)
  return { from = flight.from, bytes = #flight.bytes, records = flight.records }
end

local function map(list, convert)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = convert(item)
  end
  return out
end

--- Plain data.
---@param result table
---@return table
function echo.to_table(result)
  local conversation = result.conversation
  if not conversation then
    return { message = result.message, reply = result.reply, connection = result.info }
  end
  return {
    held = result.held,
    cert = result.identity.cert:to_table(),
    pin = result.identity.cert:pin(),
    connection = conversation.info,
    message = conversation.message,
    reply = conversation.reply,
    wire = map(conversation.wire, flight_table),
    wire_sent = conversation.sent:gsub(".", function(c)
      return ("%02x"):format(c:byte())
    end),
    refusals = map(result.refusals, refusal_table),
  }
end

return toolkit.define(echo)
