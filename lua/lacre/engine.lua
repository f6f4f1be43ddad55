--- engine: TLS without sockets or clocks: bytes from the peer in, bytes for the peer out.
--
-- Feed what came, drain what is to be sent, and ask; nothing ever waits. A connection over a socket
-- is the same engine over its own descriptor.

local settings = require "lacre.tls.settings"
local core = require "lacre.core"
local facts = require "lacre.tls.facts"
local hooks = require "lacre.tls.hooks"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local peer = require "lacre.tls.peer"
local peer_error = require "lacre.tls.peer_error"
local reference = require "lacre.tls.reference"

local fail = lacre_error.fail

local engine = {}

---@class lacre.engine
local Engine = {}
Engine.__index = Engine
Engine.__name = "lacre.engine"

--- Makes the core's engine, over memory or over a core socket.
---@param ctx lacre.context
---@param set { server_name?: string, sni?: string|false, explicit_name?: boolean, diagnose?: boolean }
---@param socket? any core socket
---@return any? core
---@return lacre.error|string err or the name that is verified
function engine.new_core(ctx, set, socket)
  local inside = settings.inside(ctx)
  local names, err = reference.within(inside, set)
  if not names then
    return nil, err
  end
  local made
  made, err = core.engine.new(inside.core, socket, names.name, names.sni, set.explicit_name, set.diagnose)
  if not made then
    return nil, err
  end
  local prepared
  prepared, err = peer.prepare(made, inside.set, names.name)
  if not prepared then
    made:close()
    return nil, err
  elseif inside.set.role == "client" then
    made:session(reference.session_of(names, set.port))
  end
  return made, names.name
end

local schema = { server_name = { type = "string" }, sni = reference.sni_option }

--- An engine over memory.
---@param ctx lacre.context
---@param given? { server_name?: string, sni?: string|false } clients need `server_name`
---@return lacre.engine? engine
---@return lacre.error? err bad_name
function engine.new(ctx, given)
  local set = options.check(schema, given, "engine")
  reference.required(ctx, set, "engine")
  set.explicit_name = set.server_name ~= nil
  local made, name = engine.new_core(ctx, set)
  if not made then
    return nil, name
  end
  return setmetatable({ core = made, context = ctx, name = name }, Engine)
end

-- what is owed to the caller: "not yet" is false, an error is explained
local function outcome(self, result, why)
  if result ~= nil then
    return result
  elseif lacre_error.is(why) then
    return nil, peer_error.explain(self, why)
  end
  return false
end

local function expect_count(what, max, most)
  if max ~= nil and not (type(max) == "number" and max >= 1 and max <= most and max % 1 == 0) then
    options.misuse("bad argument #1 to '%s' (whole number from 1 to %d expected, got %s)", what, most, tostring(max))
  end
end

--- Takes bytes that arrived from the peer.
---@param bytes string
---@return integer accepted fewer than given when the engine holds 256 KiB undigested
function Engine:feed(bytes)
  options.argument("feed", 1, bytes, "string")
  return self.core:feed(bytes)
end

--- Signals the end of input from the peer.
function Engine:feed_eof()
  return self.core:feed_eof()
end

--- Bytes to send, "" when there are none. After an error too: the alert is in them.
---@param max? integer bytes at most
---@return string
function Engine:drain(max)
  expect_count("drain", max, 0x7fffffff)
  return self.core:drain(max or 0x7fffffff)
end

--- Continues the handshake as far as the bytes received allow.
---@return boolean? done false: drain, and feed more
---@return lacre.error? err
function Engine:handshake()
  if self.is_established then
    return self.failure == nil or nil, self.failure
  end
  if not self.is_stapled then
    peer.staple(self)
  end
  local done, why = self.core:handshake()
  while hooks.by_wish[why] do
    local answered, err = hooks.by_wish[why](self)
    if not answered then
      return nil, err
    end
    done, why = self.core:handshake()
  end
  if done then
    self.is_established = true
    return hooks.complete(self)
  end
  return outcome(self, done, why)
end

--- Encrypts; drain afterwards.
---@param data string
---@return true?
---@return lacre.error? err handshake_incomplete, closed
function Engine:write(data)
  options.argument("write", 1, data, "string")
  local count, why = self.core:write(data, 1)
  if count == #data then
    return true
  end
  if not lacre_error.is(why) then
    return fail("write", "closed", "the engine is closed")
  end
  return nil, peer_error.explain(self, why)
end

--- Decrypts.
---@param max? integer 16384 at most
---@return string|false|nil data false: feed more
---@return lacre.error? err closed at the clean end; unexpected_eof
function Engine:read(max)
  expect_count("read", max, 16384)
  return outcome(self, self.core:read(max or 16384))
end

local function read_all(self)
  local pieces = {}
  while true do
    local data, err = self:read()
    if not data then
      return table.concat(pieces), err
    end
    pieces[#pieces + 1] = data
  end
end

--- Feeds bytes, continues the handshake, and reads everything.
---@param bytes? string nil: the wire has ended
---@return string? plaintext "" when there is none
---@return lacre.error? err
---@return string? plaintext what was read before the error
function Engine:advance(bytes)
  local pieces, at = {}, 1
  repeat
    local taken
    if bytes then
      taken = self:feed(at == 1 and bytes or bytes:sub(at)) or 0
      at = at + taken
    else
      self:feed_eof()
    end
    local done, err = self:handshake()
    if done then
      pieces[#pieces + 1], err = read_all(self)
    end
    if err then
      return nil, err, #pieces > 0 and table.concat(pieces) or nil
    end
  until not bytes or at > #bytes or taken == 0
  return table.concat(pieces)
end

--- Queues close_notify.
function Engine:shutdown()
  return outcome(self, self.core:shutdown())
end

--- Its state.
---@return "handshaking"|"open"|"closing"|"closed"|"failed"
function Engine:state()
  return self.core:state()
end

--- Whether it can read and write.
---@return boolean
function Engine:is_open()
  return self.is_established == true and self.core:state() == "open"
end

--- Number of bytes fed but not yet processed.
function Engine:pending_in()
  local _, undigested = self.core:pending()
  return undigested
end

--- Number of bytes to drain.
function Engine:pending_out()
  local _, _, out = self.core:pending()
  return out
end

facts.give(Engine)

--- Frees it now instead of at garbage collection; later calls fail with `closed`.
---@return true
function Engine:close()
  local open = self.core
  self.core, self.is_established = facts.CLOSED, nil
  open:close()
  return true
end

Engine.__close = Engine.close

function Engine:__tostring()
  return ("lacre.engine: %s"):format(self:state())
end

return engine
