--- loop.watched: which task waits for which descriptor.
--
-- A descriptor may be awaited by one task that reads and one that writes; what is watched is the union
-- of what they wait for. A wait is watched once: who goes on waiting is watched again.

local watched = {}

local waiting = {} -- by descriptor: the task that waits for it; its `fd` says so, and `waits` for which events
local second = {} -- where two do: the other one
local poller, wake

--- Begins with a poller of the core, and with what to call for a task whose descriptor is ready.
---@param core_poller any
---@param on_ready fun(task: table, events: string)
function watched.begin(core_poller, on_ready)
  poller, wake = core_poller, on_ready
end

--- Forgets everything.
function watched.clear()
  waiting, second, poller, wake = {}, {}, nil, nil
end

--- Whether no task waits for a descriptor.
---@return boolean
function watched.is_empty()
  return next(waiting) == nil
end

--- A task that waits for a descriptor waits no longer.
---@param task { fd: integer }
function watched.release(task)
  local fd = task.fd
  if waiting[fd] == task then
    waiting[fd] = second[fd]
  end
  task.fd, second[fd] = false, nil
end

--- Forgets a wait that a task could not begin: Lua 5.1 does not yield across pcall, and raises instead.
---@param task { fd: integer|false, waits: any, deadline: number|false }
function watched.abandon(task)
  if task.fd then
    watched.release(task)
  end
  task.waits, task.deadline = false, false
end

-- one that reads and one that writes
local function is_other_half(a, b)
  return a == "r" and b == "w" or a == "w" and b == "r"
end

--- Lets a task wait for a descriptor. Raises where another does so already.
---@param task { fd: integer|false } which says in `waits` for which events as soon as it gives way
---@param fd integer
---@param events "r"|"w"|"rw"
---@return boolean? watched false: a file, which never blocks
---@return lacre.error? err
function watched.await(task, fd, events)
  local other = waiting[fd]
  if other and (second[fd] or not is_other_half(other.waits, events)) then
    error(("two tasks are waiting for descriptor %d"):format(fd), 0)
  end
  (other and second or waiting)[fd] = task
  task.fd = fd
  local done, err = poller:watch(fd, other and "rw" or events)
  if not done then
    watched.release(task)
  end
  return done, err
end

--- Whoever waits for a descriptor that is closed now finds that out.
---@param fd integer
function watched.closing(fd)
  local one, other = waiting[fd], second[fd]
  if one then
    wake(one, one.waits)
  end
  if other then
    wake(other, other.waits)
  end
end

-- each of two that wait is woken by what it waits for, and whoever still waits is watched again
local function share(fd, events)
  for _, task in ipairs { waiting[fd], second[fd] } do
    if events == "rw" or events == task.waits then
      wake(task, events)
    end
  end
  local left = waiting[fd]
  if left then
    poller:watch(fd, left.waits)
  end
end

--- Wakes the tasks of what a poller found.
---@param found any[] descriptor, events, descriptor, events ...
---@param count integer
function watched.dispatch(found, count)
  for i = 1, count, 2 do
    local fd = found[i]
    local task = waiting[fd]
    if second[fd] then
      share(fd, found[i + 1])
    elseif task then
      waiting[fd], task.fd = nil, false
      wake(task, found[i + 1])
    end
  end
end

return watched
