--- adapt.luasocket: a connection in the shape of LuaSocket's TCP objects.
--
-- For what was written for those: socket.select, copas, LTN12, socket.http. Errors are its strings, and
-- what was received before a timeout is handed out and not kept, as there.

local options = require "lacre.options"

local Wrapped = {}
Wrapped.__index = Wrapped
Wrapped.__name = "lacre.adapt.luasocket"

-- `want` is what LuaSec says where nothing may block
local function reason(self, err, want)
  if err.timeout then
    return self.limit == 0 and want or "timeout"
  elseif err:is "closed" or err:is "network" then
    return "closed"
  end
  return tostring(err)
end

local function handed_out(self, partial)
  self.conn.buffer = false
  return partial or ""
end

-- the handshake keeps to the time limit like everything else: with 0 it never waits
local function begin(self)
  local conn = self.conn
  if conn.is_established then
    return true
  end
  local usual = conn.handshake_timeout
  conn.handshake_timeout = math.min(self.limit or usual, usual)
  local done, err = conn:handshake()
  conn.handshake_timeout = usual
  return done, err and reason(self, err, conn:events() == "rw" and "wantwrite" or "wantread")
end

--- Reads a line ("*l"), everything ("*a") or a number of bytes.
---@param pattern? string|integer
---@param prefix? string
---@return string? data
---@return string? err "timeout" "closed" "wantread" or a message
---@return string? partial
function Wrapped:receive(pattern, prefix)
  prefix = prefix or ""
  local format = type(pattern) == "string" and pattern:gsub("^%*", "") or pattern or "l"
  if type(format) == "number" then
    format = math.max(0, format - #prefix)
  end
  local begun, why = begin(self)
  if not begun then
    return nil, why, prefix
  end
  local data, err, partial = self.conn:read(format)
  if data then
    return prefix .. data
  end
  partial = prefix .. handed_out(self, partial)
  if format == "a" and partial ~= "" and err.code == "closed" then
    return partial
  end
  return nil, reason(self, err, "wantread"), partial
end

--- Sends bytes `first` to `last`.
---@param data string
---@param first? integer
---@param last? integer
---@return integer? index of the last byte sent
---@return string? err
---@return integer? index of the last byte sent before it
function Wrapped:send(data, first, last)
  data = tostring(data)
  first, last = first or 1, last or -1
  local offset = (first < 0 and math.max(#data + first, 0) or math.max(first, 1) - 1)
  local part = data:sub(first, last)
  local begun, why = begin(self)
  if not begun then
    return nil, why, offset
  end
  local sent, err, count = self.conn:write(part)
  if sent then
    return offset + #part
  end
  return nil, reason(self, err, "wantwrite"), offset + (count or 0)
end

--- A time limit in seconds; nil or a negative one waits for ever, 0 never.
---@param seconds? number
---@return integer
function Wrapped:settimeout(seconds)
  self.limit = seconds and seconds >= 0 and seconds or nil
  self.conn:set_timeout(self.limit or false)
  return 1
end

---@return true?
---@return string? err "timeout" "closed" "wantread" "wantwrite" or a message
function Wrapped:dohandshake()
  return begin(self)
end

---@return integer
function Wrapped:close()
  self.conn:close()
  return 1
end

---@return integer
function Wrapped:shutdown()
  self.conn:shutdown()
  return 1
end

function Wrapped:getfd()
  return self.conn:getfd()
end

function Wrapped:dirty()
  return self.conn:dirty()
end

---@return string? address
---@return integer? port
function Wrapped:getpeername()
  local info = self.conn:info()
  return info and info.peer_address, info and info.peer_port
end

---@return string? address
---@return integer? port
function Wrapped:getsockname()
  local info = self.conn:info()
  return info and info.local_address, info and info.local_port
end

--- Sockets have their options by the time they come here.
---@return integer
function Wrapped:setoption() -- luacheck: no self
  return 1
end

--- copas tells sockets apart by the first three letters of this.
function Wrapped:__tostring()
  return "SSL connection: " .. tostring(self.conn)
end

--- Wraps a connection.
---@param conn lacre.conn
---@return table
return function(conn)
  if type(conn) ~= "table" or not conn.handshake then
    options.misuse "bad argument #1 to 'luasocket' (connection expected)"
  end
  return setmetatable({ conn = conn }, Wrapped)
end
