--- conn: a TLS connection over a socket, as a stream.
--
-- Every operation is a loop of steps of the core's engine that never wait; between them `lacre.wait`
-- decides how to block, up to a deadline. A timeout loses nothing: the operation may be repeated.

local settings = require "lacre.settings"
local engine = require "lacre.engine"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local peer = require "lacre.peer"
local target = require "lacre.target"
local tcp = require "lacre.tcp"
local time = require "lacre.time"

local fail = lacre_error.fail

local conn = {}

---@class lacre.conn
local Conn = {}
Conn.__index = Conn
Conn.__name = "lacre.conn"

local wants = { want_read = true, want_write = true }

local function closed(stage)
  return fail(stage, "closed", "the connection is closed")
end

local function deadline_of(self)
  return self.deadline or self.io_timeout and time.monotonic() + self.io_timeout or nil
end

-- one operation of the core, repeated until it has a result, an error, or no more time
local function run(self, stage, method, argument, limit)
  local deadline = limit
  while true do
    local core = self.core
    if not core then
      return closed(stage)
    end
    local result, why = core[method](core, argument)
    if result ~= nil then
      return result
    elseif not wants[why] then
      return nil, peer.explain(self, why)
    end
    deadline = deadline or deadline_of(self)
    local code = stage == "handshake" and "handshake_timeout" or "timeout"
    local ready, err = tcp.await(self.socket, why, deadline, code, stage)
    if not ready then
      return nil, lacre_error.annotate(err, { host = self.host, port = self.port })
    end
  end
end

--- Completes the handshake; the first read or write does it by itself.
---@return true?
---@return lacre.error? err handshake_timeout, hostname_mismatch, self_signed, pin_mismatch, not_tls ...
function Conn:handshake()
  if self.established then
    return self.core and true or closed "handshake"
  end
  local limit = time.monotonic() + (self.handshake_timeout or 10)
  local done, err = run(self, "handshake", "handshake", nil, math.min(limit, self.deadline or limit))
  if done then
    self.established = true
    self.handshake_seconds = time.monotonic() - self.started
  end
  return done, err
end

--- Bytes as soon as there are any: at least one, at most `max`.
---@param max? integer 16384 at most, and by default
---@return string? bytes
---@return lacre.error? err closed at the clean end, unexpected_eof when cut, timeout
function Conn:receive(max)
  max = max or 16384
  if self.buffer ~= "" then
    local bytes = self.buffer:sub(1, max)
    self.buffer = self.buffer:sub(max + 1)
    return bytes
  elseif not self.established then
    local done, err = self:handshake()
    if not done then
      return nil, err
    end
  end
  local bytes, err = run(self, "read", "read", max)
  if bytes then
    self.bytes_read = self.bytes_read + #bytes
  end
  return bytes, err
end

-- bytes until `enough(text)` gives the length of what was asked for
local function collect(self, enough, what, code)
  local pieces, total = { self.buffer }, #self.buffer
  self.buffer = ""
  while true do
    local wanted = enough(pieces, total)
    if wanted then
      local text = table.concat(pieces)
      self.buffer = text:sub(wanted + 1)
      return text:sub(1, wanted)
    end
    if what and total > self.limits[what] then
      local _, err = fail("read", code, "more than %d bytes", self.limits[what])
      return nil, err, table.concat(pieces)
    end
    local bytes, err = self:receive()
    if not bytes then
      return nil, err, table.concat(pieces)
    end
    pieces[#pieces + 1], total = bytes, total + #bytes
  end
end

-- what came before a failure stays readable: a timeout loses nothing
local function keep(self, text, err, partial)
  if not text and err.timeout then
    self.buffer = partial
  end
  return text, err, partial
end

local function read_exactly(self, count)
  return keep(self, collect(self, function(_, total)
    return total >= count and count
  end))
end

local function read_line(self, with_end)
  local searched = 0
  local line, err, partial = keep(self, collect(self, function(pieces, total)
    local last = pieces[#pieces]
    local at = last:find("\n", 1, true)
    local before = searched
    searched = total
    return at and before + at
  end, "line", "line_too_long"))
  if line and not with_end then
    line = line:gsub("\r?\n$", "")
  end
  return line, err, partial
end

local function read_all(self)
  local _, err, text = collect(self, function() end, "all", "too_large")
  if err.code == "closed" then
    return text
  end
  return keep(self, nil, err, text)
end

--- Reads as files are read.
---@param format? integer|"l"|"L"|"a" bytes; a line without or with its end; everything. "l" by default
---@return string? data
---@return lacre.error? err closed, unexpected_eof, timeout, line_too_long, too_large
---@return string? partial what came before the error
function Conn:read(format)
  format = type(format) == "string" and format:gsub("^%*", "") or format or "l"
  if type(format) == "number" then
    return read_exactly(self, format)
  elseif format == "l" or format == "L" then
    return read_line(self, format == "L")
  elseif format == "a" then
    return read_all(self)
  end
  return options.misuse("bad argument #1 to 'read' (invalid format '%s')", tostring(format))
end

--- Iterates over lines; ends with the connection, raises other errors, as `io.lines`.
---@param format? "l"|"L"
function Conn:lines(format)
  return function()
    local line, err, partial = self:read(format or "l")
    if line then
      return line
    elseif err.code ~= "closed" then
      error(err.code == "closed" and nil or tostring(err), 0)
    end
    return partial ~= "" and partial or nil
  end
end

--- Limits of what `read` collects: `line` (8192) and `all` (64 MiB), in bytes.
---@param given { line?: integer, all?: integer }
function Conn:set_limits(given)
  local set = options.check({ line = { type = "integer" }, all = { type = "integer" } }, given, "set_limits")
  self.limits = { line = set.line or self.limits.line, all = set.all or self.limits.all }
end

local function write_step(self, bytes, at)
  local core = self.core
  if not core then
    return 0, select(2, closed "write")
  end
  local count, why = core:write(bytes, at)
  if lacre_error.is(why) then
    why = peer.explain(self, why)
  end
  return count or 0, why
end

-- a number of strings in one record where they fit: TLS costs a record what it costs a byte
local function joined(first, ...)
  return select("#", ...) == 0 and type(first) == "string" and first or table.concat { first, ... }
end

--- Sends everything.
---@param ... string|number
---@return lacre.conn? self
---@return lacre.error? err timeout, closed, connection_reset ...
---@return integer? sent bytes taken before the error; go on with the rest
function Conn:write(...)
  if not self.established then
    local done, err = self:handshake()
    if not done then
      return nil, err, 0
    end
  end
  local bytes, at, deadline = joined(...), 1, nil
  while at <= #bytes do
    local count, why = write_step(self, bytes, at)
    at = at + count
    self.bytes_written = self.bytes_written + count
    if why and not wants[why] then
      return nil, why, at - 1
    elseif why then
      deadline = deadline or deadline_of(self)
      local ready, err = tcp.await(self.socket, why, deadline, "timeout", "write")
      if not ready then
        return nil, err, at - 1
      end
    end
  end
  return self
end

--- Says that nothing more will be sent (close_notify); reading goes on.
---@return true?
---@return lacre.error?
function Conn:shutdown()
  return run(self, "shutdown", "shutdown")
end

local CLOSE_TIMEOUT = 1

--- Ends the connection: close_notify as far as it goes within a second, never waiting for the
--- peer's. Always succeeds, also twice.
---@return true
function Conn:close()
  if self.core and self.core:state() == "open" then
    run(self, "shutdown", "shutdown", nil, time.monotonic() + CLOSE_TIMEOUT)
  end
  return self:abort()
end

--- Ends the connection at once, without close_notify.
---@return true
function Conn:abort()
  local core = self.core
  self.core = nil
  if core then
    self.last_info = nil
    core:close()
  end
  self.socket:close()
  return true
end

Conn.__close = Conn.close

--- A time limit for each read and write; false for none.
---@param seconds number|string|false
function Conn:set_timeout(seconds)
  self.io_timeout = seconds and lacre_error.assert(time.duration(seconds))
end

--- A moment after which every operation fails with `timeout`; nil for none.
---@param instant? number of `lacre.time.monotonic`
function Conn:set_deadline(instant)
  self.deadline = instant
end

-- the facts of the engine answer nil once the connection is closed
for name, fact in pairs(engine.facts) do
  Conn[name] = function(self, ...)
    if not self.core then
      return closed "read"
    end
    return fact(self, ...)
  end
end

--- What is known of the connection.
---@return table? info role version cipher group sigalg alpn server_name resumed verified peer_address ...
---@return lacre.error? err closed
function Conn:info()
  if not self.core then
    return closed "read"
  end
  local info = engine.facts.info(self)
  info.peer_address, info.peer_port = self.socket:peer()
  info.local_address, info.local_port = self.socket:address()
  info.handshake_seconds = self.handshake_seconds
  info.bytes_read, info.bytes_written = self.bytes_read, self.bytes_written
  return info
end

---@return string?
function Conn:peer_name()
  return self.server_name
end

--- Decrypted bytes that wait in memory.
---@return integer
function Conn:pending()
  return #self.buffer + (self.core and (self.core:pending()) or 0)
end

---@return boolean
function Conn:is_open()
  return self.core ~= nil and self.core:state() ~= "failed"
end

--- The descriptor, for `select` and event loops; -1 once closed.
---@return integer
function Conn:getfd()
  return self.socket:fd()
end

Conn.pollfd = Conn.getfd

--- What the descriptor is awaited for.
function Conn:events()
  return "r"
end

--- Seconds to the deadline, or nil.
function Conn:timeout()
  return self.deadline and math.max(0, self.deadline - time.monotonic())
end

--- Whether a read may succeed without the descriptor being readable.
---@return boolean
function Conn:dirty()
  return self.buffer ~= "" or (self.core ~= nil and self.core:has_pending())
end

function Conn:__tostring()
  local place = self.host and target.format(self.host, self.port) or "accepted"
  return ("lacre.conn: %s (%s)"):format(place, self.core and self.core:state() or "closed")
end

local LIMITS = { line = 8192, all = 64 * 1024 * 1024 }

--- Wraps a core socket, connected or accepted.
---@param ctx lacre.context
---@param socket any core socket
---@param set table server_name, sni, explicit_name, diagnose, io_timeout, handshake_timeout, host, port, address
---@return lacre.conn?
---@return lacre.error?
function conn.over(ctx, socket, set)
  local made, name = engine.new_core(ctx, set, socket)
  if not made then
    socket:close()
    return nil, name
  end
  return setmetatable({
    core = made, socket = socket, context = ctx, server_name = name,
    host = set.host, port = set.port, address = set.address,
    io_timeout = set.io_timeout, handshake_timeout = set.handshake_timeout,
    buffer = "", limits = LIMITS, bytes_read = 0, bytes_written = 0, started = time.monotonic(),
  }, Conn)
end

local own_schema = {
  context = { type = "table" },
  server_name = { type = "string" },
  sni = { type = { "string", "boolean" } },
  handshake_timeout = { type = "duration", default = 10 },
  handshake = { type = "boolean", default = true },
}

local connect_schema = {}
for _, rows in ipairs { tcp.schema, own_schema } do
  for name, row in pairs(rows) do
    connect_schema[name] = row
  end
end

-- connection options from context options, which may be given inline
local function split(given)
  local mine, theirs = {}, nil
  for name, value in pairs(given or {}) do
    if connect_schema[name] then
      mine[name] = value
    else
      theirs = theirs or {}
      theirs[name] = value
    end
  end
  return mine, theirs
end

local default_context

local function context_for(set, inline)
  if set.context and inline then
    options.misuse("contradictory options to 'connect' (context, and '%s')", tostring(next(inline)))
  elseif set.context then
    return set.context
  elseif inline then
    return settings.client(inline)
  end
  local err
  if not default_context then
    default_context, err = settings.client()
  end
  return default_context, err
end

local function arguments(host, port, given)
  if type(host) == "table" then
    given, host, port = host, host.host, host.port
    local rest = {}
    for name, value in pairs(given) do
      rest[name] = name ~= "host" and name ~= "port" and value or nil
    end
    given = rest
  elseif type(port) == "table" then
    given, port = port, nil
  end
  if type(host) ~= "string" then
    options.misuse("bad argument #1 to 'connect' (host expected, got %s)", type(host))
  end
  if port == nil then
    local place, err = target.parse(host)
    return place and place.host, place and place.port or err, given
  end
  return host, port, given
end

local function begin(ctx, host, port, set)
  local deadline = time.monotonic() + set.timeout
  local socket, address = tcp.dial(host, port, set, deadline)
  if not socket then
    return nil, address
  end
  set.host, set.port, set.address = host, port, address
  set.explicit_name = set.server_name ~= nil
  set.server_name = set.server_name or host
  set.sni = set.sni ~= true and set.sni or nil
  local made, err = conn.over(ctx, socket, set)
  if not made or not set.handshake then
    return made, err
  end
  made.deadline = deadline
  local done
  done, err = made:handshake()
  made.deadline = nil
  if not done then
    made:abort()
    return nil, err
  end
  return made
end

--- Connects, verifies, and gives a connection that is ready.
---
--- `connect(host, port, options)`, `connect("host:port", options)` or `connect{ host =, port =, ... }`.
--- Options are those of the connection (timeouts, `server_name`, `context` ...) and, without
--- `context`, those of `lacre.client`. With none at all: the system's trust, everything verified.
---@return lacre.conn? conn
---@return lacre.error? err host_not_found, connection_refused, connect_timeout, hostname_mismatch, unknown_issuer ...
function conn.connect(host, port, given)
  host, port, given = arguments(host, port, given)
  if not host then
    return nil, port
  end
  local mine, inline = split(given)
  local set = options.check(connect_schema, mine, "connect")
  local ctx, err = context_for(set, inline)
  if not ctx then
    return nil, err
  elseif not settings.is(ctx, "client") then
    options.misuse("bad option 'context' to 'connect' (a client context is expected)")
  end
  local made
  made, err = begin(ctx, host, port, set)
  return made, err
end

return conn
