--- conn: a TLS connection over a socket, as a stream.
--
-- Every operation is a loop of steps of the core's engine that never wait; between them `lacre.wait`
-- decides how to block, up to a deadline. A timeout loses nothing: the operation may be repeated. A
-- connection that was closed answers every call with the error `closed`.

local engine = require "lacre.engine"
local facts = require "lacre.tls.facts"
local file_sending = require "lacre.tls.file_sending"
local handshaking = require "lacre.tls.handshaking"
local pollable = require "lacre.net.pollable"
local steps = require "lacre.tls.steps"
local stream = require "lacre.net.stream"
local target = require "lacre.net.target"
local time = require "lacre.time"
local wait = require "lacre.wait"

local monotonic, events_of = time.monotonic, stream.events_of

local conn = {}

---@class lacre.conn: lacre.stream
local Conn = stream.inherit {}
Conn.__index = Conn
Conn.__name = "lacre.conn"
Conn.io_timeout = 60
Conn.handshake_timeout = 10
Conn.is_established = false

local RECORD = 16384

local closed, CLOSED = facts.closed, facts.CLOSED
local await, failed = steps.await, steps.failed

file_sending.give(Conn)
handshaking.give(Conn)
pollable.give(Conn)
facts.give(Conn)

-- reading and writing --

local function recover(self, why, deadline, stage)
  if events_of[why] then
    return await(self, why, deadline or stream.deadline_of(self), "timeout", stage)
  elseif why.code == "handshake_incomplete" then
    return self:handshake()
  end
  return failed(self, why)
end

local function fill_slowly(self, max, why, deadline)
  while true do
    deadline = deadline or stream.deadline_of(self)
    local ready, err = recover(self, why, deadline, "read")
    if not ready then
      return nil, err
    end
    local bytes
    bytes, why = self.core:read(max)
    if bytes then
      return bytes
    end
  end
end

--- Bytes past the buffer; `receive` is what users call.
---@param max integer
---@param deadline? number monotonic; a time limit of its own without
---@return string?
---@return lacre.error?
---@package
function Conn:fill(max, deadline)
  local bytes, why = self.core:read(max < RECORD and max or RECORD)
  if bytes then
    return bytes
  end
  return fill_slowly(self, max < RECORD and max or RECORD, why, deadline)
end

local function write_slowly(self, bytes, sent, why)
  local deadline = stream.deadline_of(self)
  while true do
    if why then
      local ready, err = recover(self, why, deadline, "write")
      if not ready then
        return nil, err, sent
      end
    end
    local count
    count, why = self.core:write(bytes, sent + 1)
    sent = sent + (count or 0)
    if not why then
      return self
    end
  end
end

--- Sends everything.
---@param first string|number
---@param ... string|number
---@return lacre.conn? self
---@return lacre.error? err timeout, closed, connection_reset ...
---@return integer? sent bytes taken before the error; go on with the rest
function Conn:write(first, ...)
  steps.alone(self, "write")
  local bytes = type(first) == "string" and select("#", ...) == 0 and first or stream.joined(first, ...)
  local count, why = self.core:write(bytes, 1)
  if not why then
    return self
  end
  return steps.writing(self, write_slowly, bytes, count or 0, why)
end

-- the end --

-- close_notify, as far as it goes until a deadline
local function say_goodbye(self, deadline)
  while true do
    local done, why = self.core:shutdown()
    if done then
      return true
    elseif not events_of[why] then
      return failed(self, why)
    end
    local ready, err = await(self, why, deadline, "timeout", "shutdown")
    if not ready then
      return nil, err
    end
  end
end

--- Sends close_notify: no more will be sent, but reading still works.
---@return true?
---@return lacre.error?
function Conn:shutdown()
  if not self.is_established then
    local done, err = self:handshake()
    if not done then
      return nil, err
    end
  end
  return say_goodbye(self, stream.deadline_of(self))
end

local CLOSE_TIMEOUT = 1

-- closing with unread bytes makes the system reset the connection, which would destroy what the peer
-- has not read yet; whoever has said goodbye too sends nothing any more
local function read_away(socket)
  for _ = 1, 4 do
    local bytes = socket:receive(RECORD)
    if not bytes or #bytes < RECORD then
      return -- there is no more
    end
  end
end

--- Closes the connection: sends close_notify if possible within a second, never waits for the
--- peer's. Always succeeds, even twice.
---@return true
function Conn:close()
  local state = self.core:state()
  if not self.is_writing and (state == "open" or state == "closing") then
    say_goodbye(self, monotonic() + CLOSE_TIMEOUT)
    if self.core:state() ~= "closed" then
      read_away(self.socket)
    end
  end
  return self:abort()
end

--- Ends the connection at once, without close_notify.
---@return true
function Conn:abort()
  local core = self.core
  if core ~= CLOSED then
    self.core, self.is_established = CLOSED, true
    core:close()
    wait.forget(self.socket:fd())
    self.socket:close()
  end
  return true
end

Conn.__close = Conn.close

--- Information about the connection.
---@return table? info role version cipher group sigalg alpn server_name resumed verified pin insecure
---  peer_address local_address handshake_seconds bytes_read bytes_written
---@return lacre.error? err closed
function Conn:info()
  if self.core == CLOSED then
    return closed()
  end
  local info = facts.info(self)
  info.peer_address, info.peer_port = self.socket:peer()
  info.local_address, info.local_port = self.socket:address()
  info.handshake_seconds = self.handshake_seconds
  return info
end

function Conn:__tostring()
  local place = self.host and target.format(self.host, self.port) or self.address or "a descriptor"
  return ("lacre.conn: %s (%s)"):format(place, self.core:state() or "closed")
end

--- Whether a value is a connection.
---@param value any
---@return boolean
function conn.is(value)
  return type(value) == "table" and getmetatable(value) == Conn
end

--- Puts a connection together.
---@param ctx lacre.context
---@param made any engine of the core, or what does as one
---@param name? string that is verified
---@param socket any of the core, or what does as one
---@param set table io_timeout, handshake_timeout, host, port, address
---@return lacre.conn
function conn.assemble(ctx, made, name, socket, set)
  local self = {
    core = made, socket = socket, context = ctx, name = name, host = set.host, port = set.port, address = set.address,
  }
  self.wait = set.wait
  if set.io_timeout ~= nil and set.io_timeout ~= Conn.io_timeout then
    self.io_timeout = set.io_timeout
  end
  if set.handshake_timeout and set.handshake_timeout ~= Conn.handshake_timeout then
    self.handshake_timeout = set.handshake_timeout
  end
  return setmetatable(self, Conn)
end

--- Makes a connection over a core socket, connected or accepted. Its handshake is still to be done.
---@param ctx lacre.context
---@param socket any core socket; closed when this fails
---@param set table server_name, sni, explicit_name, diagnose, io_timeout, handshake_timeout, host, port, address
---@return lacre.conn?
---@return lacre.error?
function conn.over(ctx, socket, set)
  local made, name = engine.new_core(ctx, set, socket)
  if not made then
    socket:close()
    return nil, name
  end
  return conn.assemble(ctx, made, name, socket, set)
end

return conn
