--- health.interrupt: Ctrl-C, which ends whatever is being done at the moment, so that what is known is told.

local loop = require "lacre.loop"

local interrupt = {}

---@class lacre.interrupt
---@field asked boolean whether it came
local Interrupt = {}
Interrupt.__index = Interrupt

--- From now on Ctrl-C is heard, until `close`.
---@return lacre.interrupt
function interrupt.open()
  local self = setmetatable({ asked = false }, Interrupt)
  loop.on_signal("INT", function()
    self.asked = true
    self.stop()
  end)
  self.stop = function() end
  return self
end

--- What it ends from now on; at once, where it came already.
---@param stop fun()
function Interrupt:ends(stop)
  self.stop = stop
  if self.asked then
    stop()
  end
end

--- Ctrl-C means again what it meant before.
function Interrupt:close()
  loop.on_signal("INT", nil)
end

return interrupt
