--- tls.hooks: where Lua has a say in a handshake: `on_client_hello`, `on_verify`, and at its end.
--
-- The core suspends the handshake and says what it waits for; here, outside of OpenSSL, the hook is
-- called, and may wait itself. One that raises, or answers anything but yes, refuses the peer.

local hello = require "lacre.tls.hello"
local identity = require "lacre.tls.identity"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local peer = require "lacre.tls.peer"
local peer_error = require "lacre.tls.peer_error"
local settings = require "lacre.tls.settings"

local annotate, fail = lacre_error.annotate, lacre_error.fail

local hooks = {}

-- what a hook is shown
local function described(self)
  local info, chain = self.core:info(), self.core:peer_chain()
  return {
    role = self.context:role(),
    server_name = self.name or info.sni,
    cert = chain and chain[1],
    chain = chain,
    verified_chain = self.core:verified_chain(),
    resumed = info.resumed,
    version = info.version,
    alpn = info.alpn,
    address = self.address or self.socket and self.socket:peer(),
    pin = self.core:pin_state(),
  }
end

-- A hook that comes back to the connection it is asked about, or another task that does meanwhile, would have it
-- asked again and again.
local function call(self, hook, subject)
  self.is_asking = true
  local ok, answer, reason = loop.pcall(hook, subject)
  self.is_asking = nil
  return ok, answer, reason
end

-- anything but `true` refuses the peer
local function ask(self)
  local hook = settings.inside(self.context).set.on_verify
  local ok, answer, reason = call(self, hook, described(self))
  local accepted = ok and answer == true
  if not accepted then
    self.vetoed = { raised = not ok, cause = ok and (answer or reason) or answer or nil }
  end
  self.core:decide(accepted)
  if accepted or self.core:state() ~= "failed" then
    return true -- a client's handshake goes on to say no
  end
  return nil, peer_error.explain(self, annotate(peer_error.of_hook(self), { chain = self.core:peer_chain() }))
end

local function refuse_hello(self, raised, reason)
  self.unwelcome = lacre_error.new {
    code = raised and "hook_failed" or "handshake_failed", stage = "handshake", library = "lacre", cause = reason,
    message = (raised and "on_client_hello raised an error" or "on_client_hello refused the client")
      .. (reason ~= nil and ": " .. peer_error.text_of(reason) or ""),
  }
  if not self.core:hello() or self.core:state() == "failed" then
    return nil, peer_error.explain(self, self.unwelcome)
  end
  self.core:greet(false)
  return true -- the handshake goes on to say no
end

local function switch(self, ctx)
  local inside = settings.inside(ctx)
  local switched, err = self.core:switch(inside.core)
  if switched then
    self.context = ctx
    switched, err = peer.prepare(self.core, inside.set)
    peer.staple(self)
  end
  return switched, err
end

local function use_answer(self, answer)
  if answer == true then
    self.core:greet(true)
    return true
  elseif settings.is(answer, "server") then
    return switch(self, answer)
  end
  local one, err = identity.load(answer)
  local used
  if one then
    used, err = self.core:identity(one.cert, one.key, one.chain)
  end
  if not used then
    return nil, err
  end
  self.core:greet(true)
  return true
end

local function is_answer(value)
  return value == true or settings.is(value, "server") or (type(value) == "table" and value.cert ~= nil)
end

-- Asks `on_client_hello`: true goes on, an identity is shown, another context takes over; anything else
-- refuses the client.
local function ask_hello(self)
  local hook = settings.inside(self.context).set.on_client_hello
  local raw = self.core:hello()
  if not raw then
    return fail("handshake", "closed", "the connection is closed")
  end
  local ok, answer, reason = call(self, hook, hello.describe(raw, self.address))
  if not self.core:hello() then
    return fail("handshake", "closed", "the connection was closed meanwhile")
  elseif not ok then
    return refuse_hello(self, true, answer)
  elseif not is_answer(answer) then
    return refuse_hello(self, false, reason)
  end
  local fits, used, err = loop.pcall(use_answer, self, answer)
  if not (fits and used) then
    return refuse_hello(self, true, fits and err or used)
  end
  return true
end

local function alone(ask_one)
  return function(self)
    if self.is_asking then
      return fail("handshake", "handshake_incomplete", "a hook is still running for this connection")
    end
    return ask_one(self)
  end
end

--- What to do when the core suspends a handshake: by what it wants.
hooks.by_wish = { want_verify = alone(ask), want_hello = alone(ask_hello) }

--- What is checked when the handshake is done and before anything is sent.
---@param self table
---@return true?
---@return lacre.error? err alpn_mismatch, hook_failed
function hooks.complete(self)
  local set, err = settings.inside(self.context).set, nil
  local logged, why = true, nil
  if set.keylog then
    logged, why = peer.log_keys(self)
  end
  if set.alpn_required and not self.core:info().alpn then
    err = select(2, fail("handshake", "alpn_mismatch", "the server selected no application protocol (ALPN)"))
  elseif not logged then
    err = select(2, fail("handshake", "hook_failed", "keylog raised an error: %s", peer_error.text_of(why)))
  end
  if err then
    self.core:abandon()
    return nil, peer_error.explain(self, err)
  end
  if set.pin_set then
    peer.tell_pins(self)
  end
  return true
end

return hooks
