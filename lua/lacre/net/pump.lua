--- net.pump: an engine over memory that fetches from a transport what it wants.
--
-- Anything that can `read`, `write` and `close` carries its bytes; how that waits is its own affair. A
-- connection takes this for an engine, and `pump.socket` for a socket.

local lacre_error = require "lacre.error"
local time = require "lacre.time"

local fail = lacre_error.fail
local monotonic = time.monotonic

local pump = {}

local Pump = {}

local CHUNK = 16384

local function transport_error(why, stage)
  if lacre_error.is(why) then
    return why
  end
  return select(2, fail(stage, "io_error", "the transport failed: %s", tostring(why)))
end

-- a number is how many of the bytes were taken
local function write_all(transport, bytes)
  local sent, why = transport:write(bytes)
  while sent and type(sent) == "number" and sent < #bytes do
    if sent < 1 then
      return nil, "it accepts no bytes"
    end
    bytes = bytes:sub(sent + 1)
    sent, why = transport:write(bytes)
  end
  return sent, why
end

function Pump:flush()
  local bytes = self.engine:drain(0x7fffffff)
  if bytes == "" then
    return true
  end
  local sent, why = write_all(self.transport, bytes)
  if not sent then
    return nil, transport_error(why, "write")
  end
  return true
end

local ends = { closed = true, eof = true, EOF = true }

-- what a transport gives: bytes, or at its end "", or nil and why
local function read_some(transport)
  local bytes, why = transport:read(CHUNK)
  if type(bytes) == "string" then
    return bytes
  elseif bytes then
    return nil, transport_error("it read a " .. type(bytes) .. ", and bytes are expected", "read")
  elseif why == nil or ends[why] or lacre_error.is(why, "closed") then
    return ""
  elseif why == "timeout" then
    return fail("read", "timeout", "the transport timed out")
  end
  return nil, transport_error(why, "read")
end

-- more of the wire, of which the engine takes as much as it has room for; its end is fed as an end
function Pump:fetch()
  local bytes, err = self.rest, nil
  self.rest = false
  if not bytes then
    bytes, err = read_some(self.transport)
  end
  if not bytes then
    return nil, err
  elseif bytes == "" then
    self.engine:feed_eof()
    return true
  end
  local taken = self.engine:feed(bytes)
  self.rest = taken < #bytes and bytes:sub(taken + 1)
  return true
end

-- how a transport waits is its own affair; one that never comes to an end is not waited for
local function deadline_of(self, name)
  local owner = self.owner
  local limit = name == "handshake" and owner.handshake_timeout or owner.io_timeout
  return math.min(owner.deadline or math.huge, limit and monotonic() + limit or math.huge)
end

local function late(name)
  if name == "handshake" then
    return fail("handshake", "handshake_timeout", "no answer in time")
  end
  return fail(name, "timeout", "the time limit ran out")
end

-- a step of the engine, repeated with more of the wire; what it made is sent
local function pumped(name)
  return function(self, ...)
    local deadline
    while true do
      local result, why = self.engine[name](self.engine, ...)
      local moved, err = self:flush()
      if result ~= nil or why ~= "want_read" then
        if result ~= nil and not moved then
          return nil, err
        end
        return result, why
      end
      if deadline and monotonic() >= deadline then
        return late(name)
      end
      deadline = deadline or deadline_of(self, name)
      if moved then
        moved, err = self:fetch()
      end
      if not moved then
        return nil, err
      end
    end
  end
end

for _, name in ipairs { "handshake", "read", "write", "send_file", "shutdown" } do
  Pump[name] = pumped(name)
end

function Pump:close()
  self:flush()
  return self.engine:close()
end

-- everything else is the engine's
local pump_metatable = {
  __index = function(self, name)
    local own = Pump[name]
    if own then
      return own
    end
    local made = function(_, ...)
      return self.engine[name](self.engine, ...)
    end
    rawset(self, name, made)
    return made
  end,
}

--- What a connection asks of its socket.
---@param transport any
---@return table
function pump.socket(transport)
  return {
    fd = function()
      return -1
    end,
    close = function()
      transport:close()
      return true
    end,
    peer = function() end,
    address = function() end,
    receive = function() end,
  }
end

--- An engine of the core, with a transport.
---@param engine any
---@param transport any
---@return table
function pump.new(engine, transport)
  return setmetatable({ engine = engine, transport = transport, rest = false, owner = {} }, pump_metatable)
end

--- Whose limits of time count.
---@param one table a pump
---@param owner { handshake_timeout?: number, io_timeout?: number|false, deadline?: number|false }
function pump.belongs_to(one, owner)
  one.owner = owner
end

return pump
