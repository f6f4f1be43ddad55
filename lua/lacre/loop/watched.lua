--- loop.watched: which task waits for which descriptor.
--
-- A descriptor may be awaited by one task that reads and one that writes; what is watched is the union
-- of what they wait for. A wait is watched once: who goes on waiting is watched again.

local watched = {}

local readers, writers = {}, {} -- by descriptor: the task that waits for it
local awaited = 0 -- how many tasks wait
local poller, wake

--- Begins with a poller of the core, and with what to call for a task whose descriptor is ready.
---@param core_poller any
---@param on_ready fun(task: table, events: string)
function watched.begin(core_poller, on_ready)
  poller, wake = core_poller, on_ready
end

--- Forgets everything.
function watched.clear()
  readers, writers, awaited, poller, wake = {}, {}, 0, nil, nil
end

--- How many tasks wait for a descriptor.
---@return integer
function watched.count()
  return awaited
end

--- A task waits for a descriptor no longer.
---@param task { fd: integer? }
function watched.release(task)
  local fd = task.fd
  if not fd then
    return
  end
  task.fd = nil
  awaited = awaited - 1
  if readers[fd] == task then
    readers[fd] = nil
  end
  if writers[fd] == task then
    writers[fd] = nil
  end
end

local function occupied(fd, events)
  local both = events == "rw"
  return (both or events == "r") and readers[fd] or (both or events == "w") and writers[fd]
end

local function watch(fd)
  return poller:watch(fd, readers[fd] and (writers[fd] and "rw" or "r") or "w")
end

--- Lets a task wait for a descriptor. Raises where another does so already.
---@param task { fd: integer? }
---@param fd integer
---@param events "r"|"w"|"rw"
---@return boolean? watched false: a file, which never blocks
---@return lacre.error? err
function watched.await(task, fd, events)
  if occupied(fd, events) then
    error(("two tasks are waiting for descriptor %d"):format(fd), 0)
  end
  task.fd, awaited = fd, awaited + 1
  if events ~= "w" then
    readers[fd] = task
  end
  if events ~= "r" then
    writers[fd] = task
  end
  local done, err = watch(fd)
  if not done then
    watched.release(task)
  end
  return done, err
end

--- Whoever waits for a descriptor that is closed now finds that out.
---@param fd integer
function watched.closing(fd)
  local reader, writer = readers[fd], writers[fd]
  if reader then
    wake(reader, "r")
  end
  if writer and writer ~= reader then
    wake(writer, "w")
  end
end

local function dispatch(fd, events)
  local reader, writer = readers[fd], writers[fd]
  if reader and events ~= "w" then
    wake(reader, events)
  end
  if writer and writer ~= reader and events ~= "r" then
    wake(writer, events)
  end
  if readers[fd] or writers[fd] then
    watch(fd) -- the other half still waits
  end
end

--- Wakes the tasks of what a poller found.
---@param found any[] descriptor, events, descriptor, events ...
---@param count integer
function watched.dispatch(found, count)
  for i = 1, count, 2 do
    dispatch(found[i], found[i + 1])
  end
end

return watched
