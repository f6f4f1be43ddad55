--- net.reader: reading as files are read, over anything that gives some bytes at a time.
--
-- What stands here needs two primitives: `fill(max, deadline)`, some bytes as soon as there are any, and
-- `time_limit()`, the moment when an operation that begins now has to end, or nil. Bytes that
-- were read and not asked for yet are kept in `buffer` from `at` on; whatever goes wrong, they stay
-- readable, so that a timeout loses nothing and the call may be repeated.

local lacre_error = require "lacre.error"
local options = require "lacre.options"

local fail = lacre_error.fail

---@class lacre.reader
---@field buffer string|false
---@field at integer
---@field limits { line: integer, all: integer }
local Reader = {
  buffer = false,
  at = 1,
  limits = { line = 8192, all = 64 * 1024 * 1024 },
}

local RECORD = 16384

local function take(self, count)
  local buffer, at = self.buffer, self.at
  if at + count > #buffer then
    self.buffer, self.at = false, 1
    return at == 1 and buffer or buffer:sub(at)
  end
  self.at = at + count
  return buffer:sub(at, at + count - 1)
end

--- Bytes as soon as there are any: at least one, at most `max`.
---@param max? integer 16384 at most, and by default
---@return string? bytes
---@return lacre.error? err closed at the clean end, unexpected_eof when cut, timeout
function Reader:receive(max)
  max = max or RECORD
  if type(max) ~= "number" or max < 1 or max % 1 ~= 0 then
    options.misuse("bad argument #1 to 'receive' (a number of bytes expected, got %s)", tostring(max))
  elseif self.buffer then
    return take(self, max)
  end
  return self:fill(max)
end

local function keep(self, text)
  self.buffer, self.at = text ~= "" and text, 1
end

--- Data that arrived but was not read yet, without consuming it. Waits if there is none.
---@param more? boolean wait for more than there is
---@return string? bytes
---@return lacre.error? err
function Reader:peek(more)
  local held = self.buffer and self.buffer:sub(self.at) or ""
  if held == "" or more then
    local bytes, err = self:fill(RECORD, self:time_limit())
    if not bytes then
      return nil, err
    end
    held = held .. bytes
  end
  keep(self, held)
  return held
end

-- pieces until they are `count` bytes, or with no count until the end; all of them have one time limit, or a
-- peer that sends a byte now and then would never end it
local function gather(self, count, deadline)
  local first = self.buffer and take(self, count or math.huge) or ""
  local pieces, total = { first }, #first
  while not count or total < count do
    if not count and total > self.limits.all then
      keep(self, table.concat(pieces))
      return fail("read", "too_large", "more than %d bytes", self.limits.all)
    end
    deadline = deadline or self:time_limit()
    local bytes, err = self:fill(count and math.min(count - total, RECORD) or RECORD, deadline)
    if not bytes then
      return nil, err, table.concat(pieces)
    end
    pieces[#pieces + 1], total = bytes, total + #bytes
  end
  return table.concat(pieces)
end

local function read_exactly(self, count)
  local deadline = self:time_limit()
  if not self.buffer and count > 0 and count <= RECORD then
    local bytes, err = self:fill(count, deadline)
    if not bytes then
      return nil, err, ""
    elseif #bytes == count then
      return bytes
    end
    keep(self, bytes)
  end
  local text, err, partial = gather(self, count, deadline)
  if text then
    return text -- and nothing beside it, so that it may be the argument of a call
  end
  keep(self, partial)
  return nil, err, partial
end

local function read_all(self)
  local text, err, partial = gather(self)
  if not text and partial and err.code == "closed" then
    return partial
  elseif partial then
    keep(self, partial)
  end
  return text, err, partial
end

local function without_end(line)
  return line:byte(-1) == 13 and line:sub(1, -2) or line
end

local function too_long(self)
  return fail("read", "line_too_long", "a line of more than %d bytes", self.limits.line)
end

-- a line whose end is at `stop` in the buffer
local function cut_line(self, stop, with_end)
  if stop - self.at > self.limits.line then
    return too_long(self)
  end
  local line = take(self, stop - self.at + 1)
  return with_end and line or without_end(line:sub(1, -2))
end

local function read_line(self, with_end)
  local from, deadline = self.at, nil
  while true do
    local buffer = self.buffer or ""
    local stop = buffer:find("\n", from, true)
    if stop then
      return cut_line(self, stop, with_end)
    end
    local have = #buffer - self.at + 1
    if have > self.limits.line then
      return too_long(self)
    end
    deadline = deadline or self:time_limit()
    local more, err = self:fill(RECORD, deadline)
    if not more then
      return nil, err, buffer:sub(self.at)
    end
    self.buffer, self.at, from = buffer:sub(self.at) .. more, 1, have + 1
  end
end

local formats = {
  l = function(self)
    return read_line(self, false)
  end,
  L = function(self)
    return read_line(self, true)
  end,
  a = read_all,
}

--- Reads like a file. Data received before a failure is the third result, and can still be read.
---@param format? integer|"l"|"L"|"a" bytes; a line without or with its end; everything. "l" by default
---@return string? data
---@return lacre.error? err closed, unexpected_eof, timeout, line_too_long, too_large
---@return string? partial
function Reader:read(format)
  if type(format) == "number" then
    if format < 0 or format % 1 ~= 0 or format > 2 ^ 31 then
      options.misuse("bad argument #1 to 'read' (a count of bytes expected)")
    end
    if format == 0 then
      return ""
    end
    return read_exactly(self, format)
  end
  local read = formats[format == nil and "l" or format]
  if not read then
    options.misuse("bad argument #1 to 'read' (invalid format '%s')", tostring(format))
  end
  return read(self)
end

--- Iterates over lines; ends with the stream, raises other errors, as `io.lines`.
---@param format? "l"|"L"
---@return fun(): string?
function Reader:lines(format)
  return function()
    local line, err, partial = self:read(format)
    if line then
      return line
    elseif err.code ~= "closed" then
      lacre_error.assert(nil, err)
    end
    self.buffer = false
    return partial ~= "" and partial or nil
  end
end

return Reader
