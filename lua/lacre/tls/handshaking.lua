--- tls.handshaking: a connection's handshake, within its time.

local facts = require "lacre.tls.facts"
local hooks = require "lacre.tls.hooks"
local peer = require "lacre.tls.peer"
local steps = require "lacre.tls.steps"
local stream = require "lacre.net.stream"
local time = require "lacre.time"

local monotonic = time.monotonic
local events_of = stream.events_of

local handshaking = {}
local methods = {}

local function established(self, started)
  self.is_established = true
  self.handshake_seconds = monotonic() - started
  return hooks.complete(self)
end

local function handshake_deadline(self, started)
  local limit = started + self.handshake_timeout
  return self.deadline and math.min(limit, self.deadline) or limit
end

--- Completes the handshake; the first read or write does it automatically.
---@return true?
---@return lacre.error? err handshake_timeout, hostname_mismatch, self_signed, pin_mismatch, not_tls ...
function methods:handshake()
  if self.is_established and self.core == facts.CLOSED then
    return facts.closed()
  elseif self.is_established then
    return self.failure == nil or nil, self.failure
  end
  local started = monotonic()
  local deadline = handshake_deadline(self, started)
  if not self.is_stapled then
    peer.staple(self)
  end
  while true do
    local done, why = self.core:handshake()
    local err
    if done then
      return established(self, started)
    elseif events_of[why] then
      done, err = steps.await(self, why, deadline, "handshake_timeout", "handshake")
    elseif hooks.by_wish[why] then
      done, err = hooks.by_wish[why](self)
    else
      return steps.failed(self, why)
    end
    if not done then
      return nil, err
    end
  end
end

--- Gives a class its handshake.
---@param class table
function handshaking.give(class)
  class.handshake = methods.handshake
end

return handshaking
