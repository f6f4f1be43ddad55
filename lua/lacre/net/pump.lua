--- net.pump: an engine over memory that fetches from a transport what it wants.
--
-- Anything that can `read`, `write` and `close` carries its bytes; how that waits is its own affair. A
-- connection takes this for an engine, and `pump.socket` for a socket.

local lacre_error = require "lacre.error"

local fail = lacre_error.fail

local pump = {}

local Pump = {}

local CHUNK = 16384

local function transport_error(why, stage)
  if lacre_error.is(why) then
    return why
  end
  return select(2, fail(stage, "io_error", "the transport failed: %s", tostring(why)))
end

function Pump:flush()
  local bytes = self.engine:drain(0x7fffffff)
  if bytes == "" then
    return true
  end
  local sent, why = self.transport:write(bytes)
  if not sent then
    return nil, transport_error(why, "write")
  end
  return true
end

-- more of the wire; its end is fed as an end
function Pump:fetch()
  local flushed, err = self:flush()
  if not flushed then
    return nil, err
  end
  local bytes, why = self.transport:read(CHUNK)
  if bytes and bytes ~= "" then
    self.engine:feed(bytes)
    return true
  elseif lacre_error.is(why) and why.code ~= "closed" then
    return nil, why
  end
  self.engine:feed_eof()
  return true
end

-- a step of the engine, repeated with more of the wire; what it made is sent
local function pumped(name)
  return function(self, ...)
    while true do
      local result, why = self.engine[name](self.engine, ...)
      local moved, err = self:flush()
      if result ~= nil or why ~= "want_read" then
        if result ~= nil and not moved then
          return nil, err
        end
        return result, why
      end
      moved, err = self:fetch()
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
  return setmetatable({ engine = engine, transport = transport }, pump_metatable)
end

return pump
