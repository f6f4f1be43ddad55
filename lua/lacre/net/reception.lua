--- net.reception: who comes in at a door, each received in a task of its own, until the door is closed.

local loop = require "lacre.loop"

local reception = {}

local PAUSE = 0.1 -- seconds, where there are no descriptors left: somebody has to leave first

---@class lacre.reception
---@field inside integer how many are being received
local Reception = {}
Reception.__index = Reception

local function host(self, visitor)
  local ok, why = loop.pcall(self.receive, visitor)
  visitor:close()
  self.inside = self.inside - 1
  if not ok then
    loop.on_error(tostring(why))
  end
end

local function admit(self, visitor)
  if self.inside >= self.most and not (self.make_room and self.make_room()) then
    visitor:close()
    return
  end
  self.inside = self.inside + 1
  loop.spawn(host, self, visitor)
end

local function attend(self)
  while not self.is_over do
    local visitor, err = self.door:accept()
    if visitor then
      admit(self, visitor)
    elseif err.code == "closed" or err.code == "canceled" then
      return
    else
      loop.sleep(PAUSE)
    end
  end
end

--- Receives whoever comes, inside of a loop. Visitors are closed when their function returns; beyond `most` at
--- once they are closed as they come, unless `make_room` sends somebody away.
---@param door lacre.listener a listener, of TLS or without
---@param receive fun(visitor: lacre.stream)
---@param most? integer
---@param make_room? fun(): boolean whether somebody was sent away
---@return lacre.reception
function reception.open(door, receive, most, make_room)
  local self = setmetatable({
    door = door, receive = receive, most = most or math.huge, make_room = make_room, inside = 0,
  }, Reception)
  self.task = loop.spawn(attend, self)
  return self
end

--- Waits until it is closed.
function Reception:wait()
  self.task:join()
end

--- Lets nobody in any more; those inside stay.
function Reception:close()
  self.is_over = true
  self.door:close()
  self.task:cancel()
end

return reception
