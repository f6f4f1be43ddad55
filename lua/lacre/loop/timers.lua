--- loop.timers: deadlines of many waits, the soonest first.
--
-- A binary heap of times. Most waits end before their deadline and set the next a little later, so
-- an owner keeps the entry it has while that is early enough: setting a deadline is then free, and an
-- entry that comes up too early is put back.

local timers = {}

local times, owners, count = {}, {}, 0

local function rise(i, at, owner)
  while i > 1 do
    local parent = (i - i % 2) / 2
    if times[parent] <= at then
      break
    end
    times[i], owners[i] = times[parent], owners[parent]
    i = parent
  end
  times[i], owners[i] = at, owner
end

local function sink(at, owner)
  local i = 1
  while 2 * i <= count do
    local child = 2 * i
    if child < count and times[child + 1] < times[child] then
      child = child + 1
    end
    if at <= times[child] then
      break
    end
    times[i], owners[i] = times[child], owners[child]
    i = child
  end
  times[i], owners[i] = at, owner
end

local function pop()
  local at, owner = times[1], owners[1]
  local last_at, last_owner = times[count], owners[count]
  times[count], owners[count] = nil, nil
  count = count - 1
  if count > 0 then
    sink(last_at, last_owner)
  end
  return at, owner
end

local function push(owner, at)
  owner.entry = at
  count = count + 1
  rise(count, at, owner)
end

--- Sets the deadline of an owner, whose field `deadline` it is.
---@param owner { deadline: number?, entry: number? }
---@param at number monotonic
function timers.set(owner, at)
  if not owner.entry or at < owner.entry then
    push(owner, at)
  end
end

--- The times of all entries: nothing is due before the first.
---@type number[]
timers.times = times

--- Calls `due(owner)` for each owner whose deadline has come.
---@param now number
---@param due fun(owner: table)
function timers.expire(now, due)
  while count > 0 and times[1] <= now do
    local at, owner = pop()
    if owner.entry == at then
      owner.entry = nil
      if owner.deadline and owner.deadline <= now then
        due(owner)
      elseif owner.deadline then
        push(owner, owner.deadline)
      end
    end
  end
end

--- Forgets everything.
function timers.clear()
  for i = 1, count do
    times[i], owners[i] = nil, nil
  end
  count = 0
end

return timers
