--- health.exporter: the health check as something that Prometheus scrapes.
--
-- `/metrics` tells the last run over the list, which is repeated in the background; `/probe?target=...`
-- examines one target now. Answers are kept for a while, the same question asked twice at once is one
-- probe, and there are never more probes or kept answers than the limits say.

local checkup = require "lacre.health.checkup"
local formats = require "lacre.report.formats"
local loop = require "lacre.loop"
local service = require "lacre.http.service"
local survey = require "lacre.health.survey"
local health_target = require "lacre.health.target"
local time = require "lacre.time"

local exporter = {}

local KIND = "text/plain; version=0.0.4; charset=utf-8"
local MOST_KEPT = 1000
local REMEMBER = 60
local MARGIN = 0.5 -- for the way back

---@class lacre.exporter
local Exporter = {}
Exporter.__index = Exporter

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function parameter(target, name)
  for key, value in (target:match "%?(.*)$" or ""):gmatch "([^&=]+)=([^&]*)" do
    if decoded(key) == name then
      return decoded(value)
    end
  end
end

local function wrapped(result)
  local results = { result, started = time.now(), seconds = result.seconds or 0, worst = result.grade }
  results.counts = { pass = 0, warn = 0, fail = 0 }
  return results
end

-- the oldest of what is kept makes place for what is new
local function keep(self, id, entry)
  if not self.kept[id] then
    self.order[#self.order + 1] = id
  end
  self.kept[id] = entry
  if #self.order > MOST_KEPT then
    self.kept[table.remove(self.order, 1)] = nil
  end
end

-- trust that was read and revocation lists that were fetched serve all probes, for a while
local function shared(self)
  local now = time.monotonic()
  if not self.shared or now >= self.shared_until then
    self.shared, self.shared_until = { contexts = {}, kept = {} }, now + (self.set.interval or REMEMBER)
  end
  return self.shared
end

-- Prometheus says how long it waits; an answer that comes later is none, and "down" instead of the reason
local function in_time(self, request)
  local seconds = tonumber(request.headers["x-prometheus-scrape-timeout-seconds"])
  if not seconds or seconds ~= seconds or seconds <= 0 then
    return self.set
  end
  local set = setmetatable({}, { __index = self.set })
  set.timeout = math.min(self.set.timeout, math.max(seconds - MARGIN, seconds / 2))
  return set
end

-- who waits for a shorter time asks another question: its answer must not be that of those who wait
local function id_of(text, set)
  return ("%s %s"):format(tostring(set.timeout), text)
end

local function examine(self, row, set, entry)
  self.probing = self.probing + 1
  local result = checkup.run(row, set, shared(self))
  self.probing = self.probing - 1
  entry.text = formats.render("prometheus", wrapped(result), { probe = true })
  entry.until_time = time.monotonic() + self.set.cache
  entry.done:notify()
end

local function fresh(self, id)
  local entry = self.kept[id]
  if entry and (not entry.text or entry.until_time > time.monotonic()) then
    return entry
  end
end

-- nil where there are more probes under way than allowed
local function probe(self, id, row, set)
  local entry = fresh(self, id)
  if not entry then
    if self.probing >= self.set.concurrency then
      return nil
    end
    entry = { done = loop.condition() }
    keep(self, id, entry)
    loop.spawn(examine, self, row, set, entry)
  end
  while not entry.text do
    entry.done:wait()
  end
  return entry.text
end

local pages = {}

pages["/metrics"] = function(self)
  while self.has_list and not self.text do
    self.ready:wait()
  end
  return 200, self.text or "# no list of targets was given: use /probe?target=\n"
end

pages["/probe"] = function(self, request)
  local text = parameter(request.target, "target") or ""
  if text == "" then
    return 400, "# no target: use /probe?target=host:port\n"
  end
  local row, err = self.known[text], nil
  if not row then
    row, err = health_target.parse(text)
  end
  if not row then
    return 400, "# " .. err.message:gsub("%c", " ") .. "\n"
  end
  local set = in_time(self, request)
  local answer = probe(self, id_of(text, set), row, set)
  if not answer then
    return 503, "# too many probes at once\n"
  end
  return 200, answer
end

pages["/"] = function()
  return 200, "lacre health: /metrics, and /probe?target=host:port\n"
end

pages["/-/healthy"] = function()
  return 200, "ok\n"
end

local function answer(self, request)
  local page = pages[request.target:gsub("%?.*$", "")]
  if not page then
    return 404
  end
  local status, text = page(self, request)
  return status, KIND, text
end

local function refresh(self, rows)
  repeat
    local results = survey.run(rows, self.set)
    self.results, self.text = results, formats.render("prometheus", results)
    self.ready:notify()
  until not self.set.interval or not loop.sleep(self.set.interval)
end

-- the rows of the list by what they are called: who asks for one of them means it with its settings
local function by_name(rows)
  local known = {}
  for _, row in ipairs(rows) do
    for _, name in ipairs { row.text, row.set.label } do
      known[name] = known[name] or not row.error and row or nil
    end
  end
  return known
end

--- Opens an exporter, inside of a loop.
---@param rows lacre.target_row[] for /metrics; may be empty
---@param set table host, port, interval, cache, and those of `lacre.survey`
---@return lacre.exporter?
---@return lacre.error? err address_in_use ...
function exporter.open(rows, set)
  local self = setmetatable({
    set = set, kept = {}, order = {}, probing = 0, ready = loop.condition(), has_list = #rows > 0,
    known = by_name(rows),
  }, Exporter)
  local err
  self.service, err = service.open {
    host = set.host, port = set.port, methods = "GET, HEAD", max_visitors = set.max_visitors,
    answer = function(request)
      return answer(self, request)
    end,
  }
  if not self.service then
    return nil, err
  end
  self.task = self.has_list and loop.spawn(refresh, self, rows)
  return self
end

--- The address it listens on.
---@return string host
---@return integer port
function Exporter:address()
  return self.service:address()
end

--- Stops.
function Exporter:close()
  self.service:close()
  if self.task then
    self.task:cancel()
  end
end

return exporter
