--- serve: accepts and handles connections, each in its own task, until told to stop.
--
-- A connection's handshake is done, with its time limit, before its handler is called; whatever goes
-- wrong with one concerns no other. Stopping closes the door first and gives those inside some time.

local listener = require "lacre.listener"
local loop = require "lacre.loop"
local merged = require "lacre.merged"
local options = require "lacre.options"
local parted = require "lacre.options.parted"
local peers = require "lacre.serve.peer"

local serve = {}

---@class lacre.service
local Service = {}
Service.__index = Service
Service.__name = "lacre.service"

local own_schema = {
  max_connections = { type = options.at_least(1), default = 1024 },
  on_error = { type = "function" },
  on_listen = { type = "function" },
  grace = { type = "duration", default = 10 },
}

--- Everything that `serve` takes: for those who hand options on to it.
serve.schema = merged(listener.schema, own_schema)

local split = parted.by("serve", listener.schema, own_schema)

local function to_stderr(err, peer)
  io.stderr:write(("lacre: %s: %s\n"):format(peer and peer.address or "listener", tostring(err)))
end

-- reporting must not end what it reports on
local function report(self, err, peer)
  local ok, why = loop.pcall(self.set.on_error or to_stderr, err, peer)
  if not ok then
    to_stderr(why, peer)
  end
end

local function receive(self, conn, peer)
  local done, err = conn:handshake()
  if done then
    return self.handler(conn, peer)
  end
  self.counts.failed = self.counts.failed + 1
  report(self, err, peer)
end

-- whatever is raised, who came in is let out again
local function handle(self, conn)
  local peer = peers.of(conn, self)
  local ok, why = loop.pcall(receive, self, conn, peer)
  if not ok then
    self.counts.errors = self.counts.errors + 1
    report(self, why, peer)
  end
  conn:close()
  self.open[conn], self.resting[conn] = nil, nil
  self.counts.open = self.counts.open - 1
  self.changed:notify()
end

local function admit(self, conn)
  self.open[conn] = true
  self.counts.open, self.counts.accepted = self.counts.open + 1, self.counts.accepted + 1
  loop.spawn(handle, self, conn)
end

local PAUSE = 0.1
local SILENCE = 60 -- seconds in which the same complaint is not repeated

local function complain(self, err)
  if self.trouble ~= err.code or loop.now() > self.silent_until then
    self.trouble, self.silent_until = err.code, loop.now() + SILENCE
    report(self, err)
  end
end

local function accept_one(self)
  while self.counts.open >= self.set.max_connections and not self.stopping do
    self.changed:wait()
  end
  local conn, err
  if not self.stopping then
    conn, err = self.listener:accept()
  end
  if conn then
    admit(self, conn)
  elseif err and err.code ~= "closed" and not self.stopping then
    complain(self, err)
    loop.sleep(PAUSE) -- out of descriptors: somebody has to leave first
  end
end

-- those inside may finish; after the time of grace they are cut off
local function finish(self)
  while self.counts.open > 0 and loop.now() < self.deadline do
    self.changed:wait(self.deadline - loop.now())
  end
  for conn in pairs(self.open) do
    conn:abort()
  end
  self.ended = true
  self.finished:notify()
end

local function run(self)
  while not self.stopping do
    accept_one(self)
  end
  finish(self)
end

--- Stops accepting; connections that rest are closed, the others that are open have some time to end. Called again
--- with a time it changes that.
---@param seconds? number the time of grace, as `grace` says by default
function Service:stop(seconds)
  if not self.stopping or seconds then
    options.argument("stop", 1, seconds or 0, "number")
    self.deadline = loop.now() + (seconds or self.set.grace)
    self.changed:notify()
  end
  if not self.stopping then
    self.stopping = true
    self.listener:close()
    for conn in pairs(self.resting) do
      conn:close()
    end
  end
end

--- Lets a connection rest, between one request and the next: it is the first to go when the service stops.
---@param conn lacre.conn
---@param waiting fun(...): any
---@return boolean? goes_on what `waiting` returned, and false when the service stopped meanwhile
---@package
function Service:rest(conn, waiting, ...)
  if self.stopping then
    return false
  end
  self.resting[conn] = true
  local ready = waiting(...)
  self.resting[conn] = nil
  return not self.stopping and ready
end

--- Waits until everything has ended.
---@return true
function Service:wait()
  while not self.ended do
    self.finished:wait()
  end
  return true
end

--- Serves new connections with another context: new certificates, without dropping anybody.
---@param ctx lacre.context
function Service:reload(ctx)
  self.listener:set_context(ctx)
end

--- Counts: `open`, `accepted`, `failed` (handshakes), `errors` (of handlers).
---@return { open: integer, accepted: integer, failed: integer, errors: integer }
function Service:stats()
  return merged(self.counts)
end

--- The address it listens on.
---@return string? host
---@return integer? port
function Service:address()
  return self.listener:address()
end

local function start(given, handler)
  local set, rest = split(given)
  local made, err = listener.listen(rest or {})
  if not made then
    return nil, err
  end
  local self = setmetatable({
    listener = made, handler = handler, set = set, open = {}, resting = {}, stopping = false,
    changed = loop.condition(), finished = loop.condition(),
    counts = { open = 0, accepted = 0, failed = 0, errors = 0 },
  }, Service)
  if set.on_listen then
    set.on_listen(made, self)
  end
  loop.spawn(run, self)
  return self
end

local function stop_on_signals(self)
  for _, name in ipairs { "INT", "TERM" } do
    loop.on_signal(name, function()
      self:stop(self.stopping and 0 or nil)
    end)
  end
end

local function serve_alone(given, handler)
  local self, err = start(given, handler)
  if not self then
    return nil, err
  end
  stop_on_signals(self)
  local ok, why = loop.pcall(self.wait, self)
  loop.on_signal("INT", nil)
  loop.on_signal("TERM", nil)
  if not ok then
    error(why, 0)
  end
  return true
end

--- Serves until SIGINT or SIGTERM; inside a loop it returns a service at once.
---@param given table options of the listener and the context, and max_connections, on_error, on_listen, grace
---@param handler fun(conn: lacre.conn, peer: table)
---@return true|lacre.service|nil
---@return lacre.error? err
function serve.serve(given, handler)
  options.argument("serve", 1, given, "table")
  options.argument("serve", 2, handler, "function")
  if loop.running() then
    return start(given, handler)
  end
  return options.blame(loop.run, serve_alone, given, handler)
end

return serve
