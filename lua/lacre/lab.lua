--- lab: TLS shown as it happens, on one machine, with nothing prepared.
--
-- A server with a fresh self-signed certificate and a verifying client talk over loopback. The
-- client is driven by hand, as a sans-IO engine over a plain socket, so that every byte that
-- crosses the wire passes through here and can be shown.

local cert = require "lacre.cert"
local context = require "lacre.context"
local key = require "lacre.key"
local listener = require "lacre.listener"
local loop = require "lacre.loop"
local lacre_error = require "lacre.error"
local records = require "lacre.records"
local tcp = require "lacre.tcp"

local fail = lacre_error.fail

local lab = {}

local TIMEOUT = 10

--- A certificate for localhost that signs itself, and its key.
---@return { cert: lacre.cert, key: lacre.key }?
---@return lacre.error?
function lab.identity()
  local private, err = key.generate "p256"
  if not private then
    return nil, err
  end
  local certificate
  certificate, err = cert.create { key = private, hosts = { "localhost", "127.0.0.1", "::1" }, valid_for = "1d" }
  return certificate and { cert = certificate, key = private }, err
end

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

local function serve_one(conn)
  lab.echo(conn)
  conn:close()
end

--- Accepts and echoes, a task a connection, until the listener is closed.
---@param server lacre.listener
function lab.serve(server)
  repeat
    local conn = server:accept()
    if conn then
      loop.spawn(serve_one, conn)
    end
  until not conn
end

-- One client driven by hand. `wire` collects what crossed, in order.
local Client = {}
Client.__index = Client

local function dial(set, server_name, port)
  local ctx, err = context.client(set)
  if not ctx then
    return nil, err
  end
  local socket
  socket, err = tcp.connect("127.0.0.1", port, { timeout = TIMEOUT })
  if not socket then
    return nil, err
  end
  socket:set_timeout(TIMEOUT)
  return setmetatable({ tls = ctx:engine { server_name = server_name }, socket = socket, wire = {} }, Client)
end

function Client:note(from, bytes)
  self.wire[#self.wire + 1] = { from = from, bytes = bytes, records = records.list(bytes) }
end

-- what the engine has for the wire; after a failure that is the alert
function Client:flush()
  local bytes = self.tls:drain()
  if bytes == "" then
    return true
  end
  self:note("client", bytes)
  return self.socket:write(bytes)
end

function Client:pull()
  local sent, err = self:flush()
  local bytes
  if sent then
    bytes, err = self.socket:receive()
  end
  if not bytes then
    return nil, err
  end
  self:note("server", bytes)
  return self.tls:feed(bytes)
end

function Client:handshake()
  while true do
    local done, err = self.tls:handshake()
    if done == nil then
      self:flush()
      return nil, err
    elseif done then
      return self:flush()
    end
    done, err = self:pull()
    if not done then
      return nil, err
    end
  end
end

function Client:read_line()
  local text = ""
  while not text:find "\n" do
    local data, err = self.tls:read()
    if data == nil then
      return nil, err
    elseif data then
      text = text .. data
    else
      local more
      more, err = self:pull()
      if not more then
        return nil, err
      end
    end
  end
  return text
end

function Client:close()
  self.tls:shutdown()
  self:flush()
  self.socket:close()
end

local function converse(client, message)
  local done, err = client:handshake()
  if not done then
    return nil, err
  end
  local info, before = client.tls:info(), #client.wire
  client.tls:write(message)
  done, err = client:flush()
  local reply
  if done then
    reply, err = client:read_line()
  end
  if not reply then
    return nil, err
  end
  return {
    info = info,
    wire = client.wire,
    message = message,
    sent = client.wire[before + 1].bytes,
    received = client.wire[#client.wire].bytes,
    reply = reply,
  }
end

local function talk(identity, port, message)
  local client, err = dial({ trust = identity.cert }, "localhost", port)
  if not client then
    return nil, err
  end
  local conversation
  conversation, err = converse(client, message)
  client:close()
  return conversation, err
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
  }
end

local function attempt(refusal, port)
  local client, err = dial(refusal.options, refusal.server_name, port)
  local accepted
  if client then
    accepted, err = client:handshake()
    client.socket:close()
  end
  return {
    who = refusal.who,
    expected = refusal.code,
    error = not accepted and err or nil,
    held = not accepted and err.code == refusal.code,
  }
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
  loop.spawn(lab.serve, server)
  local conversation
  conversation, err = talk(identity, port, message)
  local result = conversation and { identity = identity, port = port, conversation = conversation, refusals = {} }
  for i, refusal in ipairs(result and refusals(identity, stranger) or {}) do
    result.refusals[i] = attempt(refusal, port)
  end
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
  return held
end

--- The whole lab: a verified round trip, and three refusals that must happen.
---@param message? string the line to send
---@return table? result `held` tells whether every expectation was met
---@return lacre.error? err
function lab.run(message)
  message = (message or "hello, sealed world") .. "\n"
  local identity, err = lab.identity()
  local stranger = identity and lab.identity()
  if not stranger then
    return fail("config", "internal_error", "no identity could be made: %s", tostring(err))
  end
  local result
  result, err = loop.run(run_lab, identity, stranger, message)
  if result then
    result.held = all_held(result)
  end
  return result, err
end

return lab
