--- lab.middle: somebody in the middle: a proxy with a certificate of its own.
--
-- Towards the client it is the server, towards the server it is a client, and between the two it reads and
-- keeps everything. It breaks nothing of TLS: it only works on a client that does not look whose
-- certificate it is shown.

local conn = require "lacre.conn"
local connect = require "lacre.connect"
local lacre_error = require "lacre.error"
local lab = require "lacre.lab.client"
local listener = require "lacre.listener"
local reception = require "lacre.net.reception"
local settings = require "lacre.tls.settings"
local tcp = require "lacre.tcp"

local lab_middle = {}

local TIMEOUT = 10

---@class lacre.lab_middle
---@field port integer
---@field read string[] lines that it could read
---@field refused lacre.error[] how the clients that noticed went away
local Middle = {}
Middle.__index = Middle

-- a line from the client goes on to the server, and the answer back: both are read on the way
local function relay(self, visitor, upstream)
  repeat
    local line = visitor:read "L"
    local answer
    if line then
      self.read[#self.read + 1] = line
      answer = upstream:write(line) and upstream:read "L"
    end
  until not answer or not visitor:write(answer)
end

local function serve_one(self, visitor)
  local done, err = visitor:handshake()
  if not done then
    self.refused[#self.refused + 1] = err
    return visitor:abort()
  end
  local upstream = connect.connect("127.0.0.1", self.server_port, { -- whatever this machine calls itself
    server_name = "localhost", trust = self.server_cert, timeout = TIMEOUT,
  })
  if upstream then
    relay(self, visitor, upstream)
    upstream:close()
  end
end

--- Puts somebody between clients and a server, inside of a loop.
---@param server { port: integer, cert: lacre.cert }
---@return lacre.lab_middle?
---@return lacre.error?
function lab_middle.open(server)
  local own, err = lab.identity()
  local door
  if own then
    door, err = listener.listen { identity = own, port = 0 }
  end
  if not door then
    return nil, err
  end
  local _, port = door:address()
  local self = setmetatable({
    door = door, port = port, identity = own, server_port = server.port, server_cert = server.cert, read = {},
    refused = {},
  }, Middle)
  self.reception = reception.open(door, function(visitor)
    serve_one(self, visitor)
  end)
  return self
end

function Middle:close()
  self.reception:close()
end

--- What it has read so far; nothing is left behind.
---@return string
function Middle:take()
  local text = table.concat(self.read)
  self.read = {}
  return text
end

-- how a client fares that is led to a port: what it says, and what comes back
local function say(ctx, port, message)
  local socket, err = tcp.connect("127.0.0.1", port, { timeout = TIMEOUT })
  if not socket then
    return nil, err
  end
  local client
  client, err = conn.over(ctx, socket.socket, { server_name = "localhost", explicit_name = true, host = "localhost",
    port = port, io_timeout = TIMEOUT })
  local done, reply
  if client then
    done, err = client:handshake()
  end
  if done then
    reply, err = client:write(message), nil
    reply = reply and client:read "L"
  end
  if client then
    client:close()
  end
  return reply, err
end

local function attempt(middle, ctx, port, message)
  local reply, err = say(ctx, port, message)
  return { error = not reply and err or nil, reply = reply, read = middle:take() }
end

-- Only here, for the demonstration: a client whose verification was switched off
local function careless_context()
  return settings.lab("client", { insecure = { accept_any_certificate = true, accept_any_name = true } },
    { acts = true })
end

--- Three clients and the one in the middle: one that verifies, one that does not, and one with a pin.
---@param server { port: integer, cert: lacre.cert }
---@param message string a line
---@return table? story `verifying`, `careless`, `pinned`, `direct`, each with `error`, `reply`, `read`, `held`
---@return lacre.error? err
function lab_middle.run(server, message)
  local middle, err = lab_middle.open(server)
  if not middle then
    return nil, err
  end
  local assert = lacre_error.assert
  local verifying = assert(settings.client { trust = server.cert })
  local pinned = assert(settings.client { trust = "pins", pins = { server.cert:pin(), allow_no_backup = true } })
  local story = {
    cert = middle.identity.cert,
    verifying = attempt(middle, verifying, middle.port, message),
    careless = attempt(middle, assert(careless_context()), middle.port, message),
    pinned = attempt(middle, pinned, middle.port, message),
    direct = attempt(middle, pinned, server.port, message),
  }
  middle:close()
  local seen = story.verifying.error
  story.verifying.held = seen ~= nil and seen:category() == "verify" and story.verifying.read == ""
  story.careless.held = story.careless.read == message and story.careless.reply == message
  story.pinned.held = story.pinned.error ~= nil and story.pinned.error.code == "pin_mismatch"
    and story.pinned.read == ""
  story.direct.held = story.direct.reply == message
  story.held = story.verifying.held and story.careless.held and story.pinned.held and story.direct.held
  return story
end

return lab_middle
