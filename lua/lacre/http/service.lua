--- http.service: short answers over plain HTTP, for those that tell what everybody may know: metrics, OCSP, CRLs.
--
-- A request has a time limit in all, so that nobody holds a place by sending it a byte at a time; bodies and
-- visitors have limits too. Where all places are taken, whoever has kept its request to itself for longest leaves.

local body = require "lacre.http.body"
local loop = require "lacre.loop"
local reception = require "lacre.net.reception"
local tcp = require "lacre.tcp"
local webanswer = require "lacre.http.answer"
local webrequest = require "lacre.http.request"

local service = {}

local PATIENCE = 30 -- seconds for a request to come
local FAREWELL = 1
local MOST_VISITORS = 256

---@class lacre.http_service
---@field waits table<lacre.stream, number> visitors whose request has not come, since when
local Service = {}
Service.__index = Service

-- nil where it is too long, or does not come
local function body_of(self, visitor, request)
  local sink, text = body.collector(self.set.most_body or 0)
  return body.read(visitor, body.framing(request.headers), sink) and text() or nil
end

local function is_allowed(self, method)
  return (", " .. self.set.methods .. ","):find(", " .. method .. ",", 1, true) ~= nil
end

local function answer(self, visitor, request)
  if request.bad then
    return webanswer.refuse(visitor, request, request.bad)
  elseif not is_allowed(self, request.method) then
    return webanswer.refuse(visitor, request, 405, "Allow: " .. self.set.methods)
  end
  request.target = webrequest.origin(request.target)
  request.body = request.has_body and body_of(self, visitor, request) or nil
  visitor:set_deadline(nil)
  local status, kind, text = self.set.answer(request)
  visitor:set_deadline(loop.now() + PATIENCE)
  if not kind then
    return webanswer.refuse(visitor, request, status)
  end
  return webanswer.send(visitor, request, status, kind, text)
end

-- a socket closed while bytes are unread is reset, and the answer may be lost on the way
local function part(visitor)
  visitor:shutdown()
  visitor:set_deadline(loop.now() + FAREWELL)
  repeat
    local bytes = visitor:receive()
  until not bytes
end

local function request_of(self, visitor)
  visitor:set_deadline(loop.now() + PATIENCE)
  self.waits[visitor] = loop.now()
  local request = webrequest.read(visitor)
  self.waits[visitor] = nil
  return request
end

local function make_room(self)
  local idlest
  for visitor, since in pairs(self.waits) do
    if not idlest or since < self.waits[idlest] then
      idlest = visitor
    end
  end
  if idlest then
    self.waits[idlest] = nil
    idlest:close()
  end
  return idlest ~= nil
end

local function receive(self, visitor)
  local request, sent
  repeat
    request = request_of(self, visitor)
    sent = request and answer(self, visitor, request)
  until not sent or request.closes
  if sent then
    part(visitor)
  end
end

--- Opens a service, inside of a loop. `answer` returns a status with media type and text, or only a status.
---@param set { host: string, port: integer, methods: string, most_body?: integer, max_visitors?: integer,
---  answer: fun(request: lacre.webrequest): integer, string?, string? }
---@return lacre.http_service?
---@return lacre.error? err address_in_use ...
function service.open(set)
  local door, err = tcp.listen { host = set.host, port = set.port }
  if not door then
    return nil, err
  end
  local self = setmetatable({ set = set, door = door, waits = setmetatable({}, { __mode = "k" }) }, Service)
  self.reception = reception.open(door, function(visitor)
    receive(self, visitor)
  end, set.max_visitors or MOST_VISITORS, function()
    return make_room(self)
  end)
  return self
end

--- The address it listens on.
---@return string host
---@return integer port
function Service:address()
  return self.door:address()
end

--- Stops.
function Service:close()
  self.reception:close()
end

return service
