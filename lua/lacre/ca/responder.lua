--- ca.responder: OCSP over HTTP (RFC 6960 appendix A): a CA that answers for its certificates.

local core = require "lacre.core"
local loop = require "lacre.loop"
local message = require "lacre.http.message"
local ocsp = require "lacre.ocsp"
local tcp = require "lacre.tcp"
local webanswer = require "lacre.http.answer"
local webrequest = require "lacre.http.request"

local responder = {}

local KIND = "application/ocsp-response"
local MOST_BYTES = 16 * 1024 -- of a request
local MOST_VISITORS = 256
local IDLE = 30

---@class lacre.responder
local Responder = {}
Responder.__index = Responder

-- the request in the path, in base64 and percent signs
local function in_path(target)
  local text = target:gsub("^/+", ""):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return (core.bytes.unbase64(text))
end

local function in_body(plain, request)
  local length = message.framing(request.headers)
  if not length then
    return nil
  end
  local sink, text = message.collector(MOST_BYTES)
  return message.read_body(plain, length, sink) and text() or nil
end

--- The answer to a request's bytes: always one, a refusal where nothing can be said.
---@param bytes string?
---@return string der
---@return lacre.error? err why it is a refusal
function Responder:answer(bytes)
  if not bytes or not ocsp.parse_request(bytes) then
    return ocsp.refuse "malformed_request"
  end
  local who, err = self.set.ca:responder()
  local der
  if who then
    der, err = self.set.ca:respond(bytes, { signer = who.cert, key = who.key, next_update = self.set.next_update })
  end
  if not der then
    return ocsp.refuse "internal_error", err
  end
  return der
end

local function serve_request(self, plain, request)
  if request.bad then
    return webanswer.refuse(plain, request, request.bad)
  end
  local bytes
  if request.method == "GET" then
    bytes = in_path(request.target)
  elseif request.method == "POST" then
    bytes = in_body(plain, request)
  else
    return webanswer.refuse(plain, request, 405, "Allow: GET, POST")
  end
  local der, err = self:answer(bytes)
  if err then
    self.set.on_error(err)
  end
  self.answered = self.answered + 1
  return webanswer.send(plain, request, 200, KIND, der)
end

local function serve_one(self, plain)
  plain:set_timeout(IDLE)
  repeat
    local request = webrequest.read(plain)
    local sent = request and serve_request(self, plain, request)
  until not sent or request.closes
  plain:close()
  self.visitors = self.visitors - 1
end

local function accept(self)
  repeat
    local plain = self.door:accept()
    if plain and self.visitors >= MOST_VISITORS then
      plain:close()
    elseif plain then
      self.visitors = self.visitors + 1
      loop.spawn(serve_one, self, plain)
    end
  until not plain
end

--- Opens a responder, inside of a loop.
---@param set { ca: lacre.ca, host: string, port: integer, next_update?: number|string, on_error: function }
---@return lacre.responder?
---@return lacre.error? err address_in_use ...
function responder.open(set)
  local door, err = tcp.listen { host = set.host, port = set.port }
  if not door then
    return nil, err
  end
  local self = setmetatable({ door = door, set = set, visitors = 0, answered = 0 }, Responder)
  self.task = loop.spawn(accept, self)
  return self
end

--- Where it listens.
---@return string host
---@return integer port
function Responder:address()
  return self.door:address()
end

--- Stops.
function Responder:close()
  self.door:close()
  self.task:cancel()
end

return responder
