--- ca.responder: OCSP over HTTP (RFC 6960 appendix A): a CA that answers for its certificates.

local core = require "lacre.core"
local ocsp = require "lacre.ocsp"
local service = require "lacre.http.service"
local time = require "lacre.time"

local responder = {}

local KIND = "application/ocsp-response"
local MOST_BYTES = 16 * 1024 -- of a request
local PATIENCE = 60 -- between attempts to make a new signer, which open the CA's key
local SILENCE = 60 -- seconds in which the same complaint is not repeated

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

local function complain(self, err)
  local now, told = time.monotonic(), self.told
  if told and told.code == err.code and now < told.at + SILENCE then
    return
  end
  self.told = { code = err.code, at = now }
  self.set.on_error(err)
end

-- a new signer, from who can open the CA's key
local function renewed(self)
  local now = time.monotonic()
  if not self.set.renew or self.tried and now < self.tried + PATIENCE then
    return nil
  end
  local who, err = self.set.renew()
  self.tried = not who and now or nil
  if not who then
    complain(self, err)
  end
  return who
end

-- who signs: where no other can be made, one that has still a day to live
local function signer(self)
  local who, err = self.set.ca:responder()
  if not who and err.code == "no_key" then
    who = renewed(self) or self.set.ca:responder(true)
  end
  return who, err
end

--- The answer to a request's bytes: always one, a refusal where nothing can be said.
---@param bytes string?
---@return string der
---@return lacre.error? err why it is a refusal
function Responder:answer(bytes)
  if not bytes or not ocsp.parse_request(bytes) then
    return ocsp.refuse "malformed_request"
  end
  local who, err = signer(self)
  local der
  if who then
    der, err = self.set.ca:respond(bytes, { signer = who.cert, key = who.key, next_update = self.set.next_update })
  end
  if not der then
    return ocsp.refuse "internal_error", err
  end
  return der
end

local function reply(self, request)
  local bytes = request.method == "GET" and in_path(request.target) or request.body
  local der, err = self:answer(bytes)
  if err then
    complain(self, err)
  end
  self.answered = self.answered + 1
  return 200, KIND, der
end

--- Opens a responder, inside of a loop.
---@param set { ca: lacre.ca, host: string, port: integer, next_update?: number|string, on_error: function,
--- renew?: fun(): table?, lacre.error? } `renew` makes a new signer where `ca` has no key for it
---@return lacre.responder?
---@return lacre.error? err address_in_use ...
function responder.open(set)
  local self = setmetatable({ set = set, answered = 0 }, Responder)
  local err
  self.service, err = service.open {
    host = set.host, port = set.port, methods = "GET, POST", most_body = MOST_BYTES,
    answer = function(request)
      return reply(self, request)
    end,
  }
  return self.service and self, err
end

--- The address it listens on.
---@return string host
---@return integer port
function Responder:address()
  return self.service:address()
end

--- Stops.
function Responder:close()
  self.service:close()
end

return responder
