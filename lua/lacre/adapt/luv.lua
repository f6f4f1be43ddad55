--- adapt.luv: coroutines that wait for descriptors by libuv.
--
-- libuv takes one handle a descriptor, so those who read and those who write share it; and it must let go
-- of the descriptor before that is closed, which whoever waits for it is told.

local Watches = {}
Watches.__index = Watches

local function wanted(waits)
  local r, w = "", ""
  for _, one in ipairs(waits) do
    r, w = one.events:find "r" and "r" or r, one.events:find "w" and "w" or w
  end
  return r .. w
end

-- watches what is still waited for, or lets the descriptor go
local function arm(self, fd)
  local watch = self[fd]
  local events = wanted(watch.waits)
  if events == "" then
    watch.handle:stop()
    watch.handle:close()
    self[fd] = nil
  else
    watch.handle:start(events, watch.on_ready)
  end
end

local function leave(self, one)
  for i, other in ipairs(self[one.fd].waits) do
    if other == one then
      table.remove(self[one.fd].waits, i)
      break
    end
  end
  if one.timer then
    one.timer:stop()
    one.timer:close()
  end
  arm(self, one.fd)
end

local function wake(self, one, ready)
  leave(self, one)
  assert(coroutine.resume(one.thread, ready))
end

local function those(waits, events)
  local found = {}
  for _, one in ipairs(waits) do
    if one.events:find("[" .. events .. "]") then
      found[#found + 1] = one
    end
  end
  return found
end

local function open(self, fd)
  local watch = { handle = assert(self.uv.new_poll(fd)), waits = {} }
  function watch.on_ready(err, events)
    for _, one in ipairs(those(watch.waits, err and "rw" or events)) do
      wake(self, one, true)
    end
  end
  self[fd] = watch
  return watch
end

--- Waits, in a coroutine.
---@param fd integer
---@param events "r"|"w"|"rw"
---@param seconds? number
---@return boolean ready
function Watches:wait(fd, events, seconds)
  local watch = self[fd] or open(self, fd)
  local one = { fd = fd, events = events, thread = coroutine.running(), timer = seconds and self.uv.new_timer() }
  table.insert(watch.waits, one)
  arm(self, fd)
  if one.timer then
    one.timer:start(math.ceil(seconds * 1000), 0, function()
      wake(self, one, false)
    end)
  end
  return coroutine.yield()
end

--- Whoever waits for a descriptor that is closed now finds that out, as soon as it is.
---@param fd integer
function Watches:closing(fd)
  local watch = self[fd]
  for _, one in ipairs(watch and those(watch.waits, "rw") or {}) do
    leave(self, one)
    local timer = self.uv.new_timer()
    timer:start(0, 0, function()
      timer:close()
      assert(coroutine.resume(one.thread, true))
    end)
  end
end

--- Descriptors that are waited for.
---@param uv table the module
return function(uv)
  return setmetatable({ uv = uv }, Watches)
end
