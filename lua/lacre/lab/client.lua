--- lab.client: a client driven by hand, as a sans-IO engine over a plain socket, so that every byte that
--- crosses the wire passes through here and can be shown.

local cert = require "lacre.cert"
local context = require "lacre.context"
local key = require "lacre.key"
local records = require "lacre.tls.records"
local tcp = require "lacre.tcp"

local lab_client = {}

local TIMEOUT = 10

--- A certificate for localhost that signs itself, and its key.
---@return { cert: lacre.cert, key: lacre.key }?
---@return lacre.error?
function lab_client.identity()
  local private, err = key.generate "p256"
  if not private then
    return nil, err
  end
  local certificate
  certificate, err = cert.create { key = private, hosts = { "localhost", "127.0.0.1", "::1" }, valid_for = "1d" }
  return certificate and { cert = certificate, key = private }, err
end

-- One client driven by hand. `wire` collects what crossed, in order.
local Client = {}
Client.__index = Client

--- Connects a client to a port of this machine.
---@param set table options of the context
---@param server_name string
---@param port integer
---@return table? client
---@return lacre.error? err
function lab_client.dial(set, server_name, port)
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

--- Bytes of which one bit is changed, the lowest of the last.
---@param bytes string
---@return string
function lab_client.with_a_bit_changed(bytes)
  local last = bytes:byte(-1)
  return bytes:sub(1, -2) .. string.char(last % 2 == 0 and last + 1 or last - 1)
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
  if self.spoils then
    bytes = lab_client.with_a_bit_changed(bytes)
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

--- The handshake, a line, and what comes back.
---@param client table of `dial`
---@param message string
---@return table? conversation `info`, `wire`, `message`, `sent`, `received`, `reply`
---@return lacre.error? err
function lab_client.converse(client, message)
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

--- A conversation in which somebody changes one bit of the answer on its way.
---@param set table options of the context
---@param port integer
---@param message string
---@return table outcome `held` where it was noticed, and the `error`
function lab_client.spoiled(set, port, message)
  local client, err = lab_client.dial(set, "localhost", port)
  local reply
  if client then
    reply, err = client:handshake()
    client.spoils = true
    client.tls:write(message)
    if reply then
      reply, err = client:flush()
    end
    if reply then
      reply, err = client:read_line()
    end
    client.socket:close()
  end
  return { error = not reply and err or nil, held = not reply and err ~= nil and err:category() == "protocol" }
end

return lab_client
