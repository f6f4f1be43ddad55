--- lab: TLS shown as it happens, on one machine, without preparation.
--
-- A server with a fresh self-signed certificate and a verifying client talk over loopback; then clients
-- that must refuse, a bit that is changed on the way, and somebody in the middle.

local client = require "lacre.lab.client"
local context = require "lacre.context"
local listener = require "lacre.listener"
local loop = require "lacre.loop"
local lacre_error = require "lacre.error"
local middle = require "lacre.lab.middle"
local reception = require "lacre.net.reception"
local time = require "lacre.time"

local fail = lacre_error.fail

local lab = {}

local DAY = 86400

lab.identity = client.identity

--- Sends back what comes, until the peer ends.
---@param conn lacre.conn
---@return lacre.error err how it ended: `closed` is the good end
function lab.echo(conn)
  while true do
    local data, err = conn:receive()
    local sent
    if data then
      sent, err = conn:write(data)
    end
    if not sent then
      return err
    end
  end
end

--- Accepts and echoes, a task a connection, until it is closed.
---@param server lacre.listener
---@return lacre.reception
function lab.serve(server)
  return reception.open(server, lab.echo)
end

-- each of them must fail, and with this code
local function refusals(identity, stranger)
  return {
    {
      who = "a client that does not trust this certificate",
      code = "self_signed",
      options = { trust = stranger.cert },
      server_name = "localhost",
    },
    {
      who = "a client that expects another host name",
      code = "hostname_mismatch",
      options = { trust = identity.cert },
      server_name = "other.test",
    },
    {
      who = "a client that expects another key (pin)",
      code = "pin_mismatch",
      options = { trust = identity.cert, pins = { stranger.cert:pin(), allow_no_backup = true } },
      server_name = "localhost",
    },
    {
      who = "a client two days from now, when the certificate has expired",
      code = "cert_expired",
      options = { trust = identity.cert, time = time.now() + 2 * DAY },
      server_name = "localhost",
    },
  }
end

local function attempt(refusal, port)
  local one, err = client.dial(refusal.options, refusal.server_name, port)
  local accepted
  if one then
    accepted, err = one:handshake()
    one.socket:close()
  end
  return {
    who = refusal.who,
    expected = refusal.code,
    error = not accepted and err or nil,
    held = not accepted and err.code == refusal.code,
  }
end

local function talk(identity, port, message)
  local one, err = client.dial({ trust = identity.cert }, "localhost", port)
  if not one then
    return nil, err
  end
  local conversation
  conversation, err = client.converse(one, message)
  one:close()
  return conversation, err
end

-- what is shown of a server that listens
local function show(identity, stranger, port, message)
  local conversation, err = talk(identity, port, message)
  if not conversation then
    return nil, err
  end
  local result = { identity = identity, port = port, conversation = conversation, refusals = {} }
  for i, refusal in ipairs(refusals(identity, stranger)) do
    result.refusals[i] = attempt(refusal, port)
  end
  result.spoiled = client.spoiled({ trust = identity.cert }, port, message)
  result.middle, err = middle.run({ port = port, cert = identity.cert }, message)
  return result.middle and result or nil, err
end

local function run_lab(identity, stranger, message)
  local server_context, err = context.server { identity = identity }
  local server
  if server_context then
    server, err = listener.listen { context = server_context, host = "127.0.0.1", port = 0 }
  end
  if not server then
    return nil, err
  end
  local _, port = server:address()
  lab.serve(server)
  local result
  result, err = show(identity, stranger, port, message)
  server:close()
  return result, err
end

local function all_held(result)
  local conversation = result.conversation
  local held = conversation.reply == conversation.message
    and not conversation.sent:find(conversation.message, 1, true)
  for _, refusal in ipairs(result.refusals) do
    held = held and refusal.held
  end
  return held and result.spoiled.held and result.middle.held
end

--- The whole lab: a verified round trip, refusals that must happen, and somebody in the middle.
---@param message? string the line to send
---@return table? result `held` tells whether every expectation was met
---@return lacre.error? err
function lab.run(message)
  message = (message or "hello, sealed world") .. "\n"
  local identity, err = lab.identity()
  local stranger = identity and lab.identity()
  if not stranger then
    return fail("config", "internal_error", "no certificate could be made: %s", tostring(err))
  end
  local result
  result, err = loop.enter(run_lab, identity, stranger, message)
  if result then
    result.held = all_held(result)
  end
  return result, err
end

return lab
