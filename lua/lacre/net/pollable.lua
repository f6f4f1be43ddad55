--- net.pollable: what event loops ask a connection: its descriptor, what it waits for, what it holds already.

local facts = require "lacre.tls.facts"

local pollable = {}
local methods = {}

--- Number of decrypted bytes waiting in memory.
---@return integer
function methods:pending()
  local buffered = self.buffer and #self.buffer - self.at + 1 or 0
  return self.core == facts.CLOSED and buffered or buffered + (self.core:pending())
end

--- Whether it is open: neither closed nor ended by an error.
---@return boolean
function methods:is_open()
  return self.core ~= facts.CLOSED and self.core:state() ~= "failed"
end

--- The descriptor, for `select` and event loops; -1 once closed.
---@return integer
function methods:getfd()
  return self.socket:fd()
end

methods.pollfd = methods.getfd

--- The events to wait for: also "w" while a record is being sent.
---@return string
function methods:events()
  if self.core == facts.CLOSED then
    return "r"
  end
  local _, _, owed = self.core:pending()
  return owed > 0 and "rw" or "r"
end

--- Whether a read may succeed without the descriptor being readable.
---@return boolean
function methods:dirty()
  return self.buffer ~= false or (self.core ~= facts.CLOSED and self.core:has_pending())
end

--- Gives a class the methods of this file.
---@param class table
function pollable.give(class)
  for name, method in pairs(methods) do
    class[name] = method
  end
end

return pollable
