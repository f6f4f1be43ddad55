--- net.race: attempts to connect to the addresses of a host, each next one begun when the one before has not answered
--- within a moment (RFC 8305).
--
-- A race holds the addresses in `rows`, of which `next` is the next, and those that run in `pending`, by their
-- descriptors; `poller` tells which of them got somewhere.

local attempt = require "lacre.net.attempt"
local core = require "lacre.core"
local lacre_error = require "lacre.error"
local time = require "lacre.time"
local wait = require "lacre.wait"

local monotonic = time.monotonic

local race = {}

local function start_next(self)
  local row = self.rows[self.next]
  self.next = self.next + 1
  local socket, err = attempt.begin(row.address, self.place, self.set)
  if socket then
    local watched
    watched, err = self.poller:watch(socket:fd(), "w")
    if watched then
      self.pending[socket:fd()] = {
        socket = socket, address = row.address, limit = monotonic() + self.set.connect_timeout,
      }
      self.started = monotonic()
      return
    end
    socket:close()
  end
  self.err = attempt.failed(err, self.place, row.address)
end

local function drop(self, fd, err)
  local runner = self.pending[fd]
  self.pending[fd] = nil
  runner.socket:close()
  self.err = attempt.failed(err, self.place, runner.address)
end

-- when something happens at the latest: a next attempt, the end of one, the end of all
local function next_moment(self)
  local moment = self.deadline
  if self.rows[self.next] and self.stagger then
    moment = math.min(moment, self.started + self.stagger)
  end
  for _, runner in pairs(self.pending) do
    moment = math.min(moment, runner.limit)
  end
  return moment
end

local function finish(self, winner)
  wait.forget(self.poller:fd())
  self.poller:close()
  for fd, runner in pairs(self.pending) do
    if fd ~= winner then
      runner.socket:close()
    end
  end
end

local function collect(self)
  local found = {}
  for i = 1, lacre_error.assert(self.poller:wait(0, found)), 2 do
    local runner = self.pending[found[i]]
    local done, err
    if runner then
      done, err = runner.socket:connected()
    end
    if done then
      return found[i], runner
    elseif runner then
      drop(self, found[i], err)
    end
  end
end

local function expire(self)
  local now = monotonic()
  for fd, runner in pairs(self.pending) do
    if runner.limit <= now then
      drop(self, fd, attempt.late(self.place, runner.address))
    end
  end
  return self.deadline <= now
end

local function wants_another(self)
  if not self.rows[self.next] then
    return false
  end
  return not next(self.pending) or (self.stagger and monotonic() >= self.started + self.stagger)
end

local function run(self)
  while true do
    while wants_another(self) do
      start_next(self)
    end
    if not next(self.pending) then
      return nil, self.err
    end
    local seconds = math.max(0, next_moment(self) - monotonic())
    local _, why = (self.set.wait or wait.ready)(self.poller:fd(), "r", seconds)
    local fd, runner = collect(self)
    if fd then
      return fd, runner
    elseif lacre_error.is(why) then
      return nil, why
    elseif expire(self) then
      return nil, self.err or attempt.late(self.place, self.rows[1].address)
    end
  end
end

local STAGGER = 0.25 -- RFC 8305 section 5

--- Connects to whichever of some addresses answers first.
---@param rows { address: string }[]
---@param place { host: string, port: integer }
---@param set table checked options of `dial.schema`
---@param deadline number monotonic
---@return any|false|nil socket false where pollers do not nest
---@return lacre.error|string err or the address that answered
function race.run(rows, place, set, deadline)
  local poller, err = core.poller.new()
  if not poller then
    return nil, err
  end
  if poller:fd() < 0 then
    poller:close()
    return false
  end
  local self = {
    rows = rows, next = 1, pending = {}, place = place, set = set, deadline = deadline, poller = poller, started = 0,
    stagger = set.happy_eyeballs == true and STAGGER or set.happy_eyeballs,
  }
  local fd, winner = run(self)
  finish(self, fd)
  if not fd then
    return nil, winner
  end
  return winner.socket, winner.address
end

return race
