--- zoo.nobody: a port of loopback where nobody listens, and nobody else can before it is closed.
--
-- A port that was merely seen free belongs to the next who asks. This one is the near end of a connection that is held
-- open, so the system gives it to nobody, and refuses whoever connects to it.

local net = require("lacre.core").net

local nobody = {}

---@class lacre.zoo_nobody
---@field port integer
local Nobody = {}
Nobody.__index = Nobody

--- Takes a port.
---@return lacre.zoo_nobody?
---@return lacre.error? err too_many_files ...
function nobody.open()
  local door, err = net.listen("127.0.0.1", 0, 1)
  if not door then
    return nil, err
  end
  local held
  held, err = net.connect("127.0.0.1", select(2, door:address()))
  if not held then
    door:close()
    return nil, err
  end
  return setmetatable({ door = door, held = held, port = select(2, held:address()) }, Nobody)
end

--- Gives it back.
function Nobody:close()
  self.held:close()
  self.door:close()
end

return nobody
