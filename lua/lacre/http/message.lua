--- http.message: HTTP/1.1 messages, read strictly (RFC 9112).
--
-- What two readers could understand differently is refused: folded lines, spaces before a colon, two
-- lengths, a length beside a transfer coding, bare carriage returns. Everything is bounded.

local lacre_error = require "lacre.error"

local fail = lacre_error.fail

local message = {}

local MOST_HEADERS, MOST_BYTES = 100, 65536

local function malformed(what)
  return fail("read", "http_malformed", "%s", (what:gsub("[^\32-\126]", "?"):sub(1, 200)))
end

-- a line ends with CR LF; inside of it there is no CR and no NUL
local function read_line(stream)
  local line, err = stream:read "L"
  if not line then
    return nil, err
  elseif line:sub(-2) ~= "\r\n" then
    return malformed("a line does not end with CR LF: " .. line)
  end
  line = line:sub(1, -3)
  if line:find "[%z\1-\8\10-\31\127]" then
    return malformed("a line holds a control character: " .. line)
  end
  return line
end

message.read_line, message.MOST_HEADERS, message.MOST_BYTES = read_line, MOST_HEADERS, MOST_BYTES

--- Header fields that a request has by itself.
message.OURS = { host = true, connection = true, ["content-length"] = true, ["transfer-encoding"] = true }

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

--- Adds a field to others; repeated ones are joined.
---@param headers table<string, string>
---@param name string in lower case
---@param value string
function message.add(headers, name, value)
  local before = headers[name]
  if before and name == "set-cookie" then
    value = before .. "\n" .. value -- the one that may not be joined with a comma
  elseif before then
    value = before .. ", " .. value
  end
  headers[name] = value
end

--- Header fields up to the empty line, by their names in lower case; repeated ones are joined.
---@param stream lacre.stream
---@return table<string, string>? headers
---@return lacre.error? err http_malformed, too_large, closed ...
function message.read_headers(stream)
  local headers, count, size = {}, 0, 0
  while true do
    local line, err = read_line(stream)
    if not line then
      return nil, err
    elseif line == "" then
      return headers
    end
    count, size = count + 1, size + #line
    local name, value = line:match "^([^:]*):[ \t]*(.-)[ \t]*$"
    if count > MOST_HEADERS or size > MOST_BYTES then
      return fail("read", "too_large", "more than %d header fields", MOST_HEADERS)
    elseif not name or not name:find(TOKEN) then
      return malformed("not a header field: " .. line)
    end
    message.add(headers, name:lower(), value)
  end
end

--- The status line and header fields of an answer; those that only announce it (1xx) are passed over.
---@param stream lacre.stream
---@return { status: integer, reason: string, headers: table<string, string> }?
---@return lacre.error? err http_malformed, too_large, closed ...
function message.read_status(stream)
  for _ = 1, MOST_HEADERS do
    local line, err = read_line(stream)
    if not line then
      return nil, err
    end
    local status, reason = line:match "^HTTP/1%.[01] ([1-9]%d%d)(.*)$"
    if not status or (reason ~= "" and reason:sub(1, 1) ~= " ") then
      return malformed("not a status line: " .. line)
    end
    local headers
    headers, err = message.read_headers(stream)
    if not headers then
      return nil, err
    elseif status:sub(1, 1) ~= "1" then
      return { status = tonumber(status), reason = reason:sub(2), headers = headers }
    end
  end
  return malformed "too many interim responses"
end

--- How the body of a message is delimited (RFC 9112 section 6.3).
---@param headers table<string, string>
---@return integer|"chunked"|nil length nil where nothing says
---@return lacre.error? err http_malformed
function message.framing(headers)
  local coding, length = headers["transfer-encoding"], headers["content-length"]
  if coding and length then
    return malformed "both Content-Length and Transfer-Encoding"
  elseif coding then
    if coding:lower() ~= "chunked" then
      return malformed("unknown Transfer-Encoding: " .. coding)
    end
    return "chunked"
  elseif length then
    if not length:find "^%d+$" or #length > 15 then
      return malformed("not a length: " .. length)
    end
    return tonumber(length)
  end
end

local function cut(err)
  if err.code == "closed" then
    return select(2, fail("read", "unexpected_eof", "the body ended before its Content-Length"))
  end
  return err
end

local PIECE = 16384

-- hands `length` bytes on, piece by piece
local function pass(stream, length, sink)
  while length > 0 do
    local bytes, err = stream:receive(math.min(length, PIECE))
    if not bytes then
      return nil, cut(err)
    end
    length = length - #bytes
    local taken
    taken, err = sink(bytes)
    if not taken then
      return nil, err
    end
  end
  return true
end

local function read_size(stream)
  local line, err = read_line(stream)
  if not line then
    return nil, cut(err)
  end
  local hex = line:match "^(%x+)[ \t]*$" or line:match "^(%x+)[ \t]*;"
  if not hex or #hex > 8 then
    return malformed("bad chunk size: " .. line)
  end
  return tonumber(hex, 16)
end

-- RFC 9112 section 7.1
local function pass_chunks(stream, sink)
  while true do
    local size, err = read_size(stream)
    if not size then
      return nil, err
    elseif size == 0 then
      local trailers, why = message.read_headers(stream)
      return trailers and true, why and cut(why)
    end
    local done, line
    done, err = pass(stream, size, sink)
    if done then
      line, err = read_line(stream)
    end
    if not line then
      return nil, cut(err)
    elseif line ~= "" then
      return malformed "a chunk is longer than its size"
    end
  end
end

local function pass_all(stream, sink)
  while true do
    local bytes, err = stream:receive()
    if not bytes then
      return err.code == "closed" or nil, err
    end
    local taken
    taken, err = sink(bytes)
    if not taken then
      return nil, err
    end
  end
end

--- Reads a body, piece by piece.
---@param stream lacre.stream
---@param length integer|"chunked"|nil nil: up to the end of the stream
---@param sink fun(bytes: string): true?, lacre.error?
---@return true?
---@return lacre.error? err unexpected_eof, http_malformed, and what the sink says
function message.read_body(stream, length, sink)
  if length == "chunked" then
    return pass_chunks(stream, sink)
  elseif length then
    return pass(stream, length, sink)
  end
  return pass_all(stream, sink)
end

--- A sink that takes at most some bytes.
---@param sink fun(bytes: string): true?, lacre.error?
---@param most number
---@return fun(bytes: string): true?, lacre.error? sink
function message.limited(sink, most)
  local total = 0
  return function(bytes)
    total = total + #bytes
    if total > most then
      local _, err = fail("read", "too_large", "a body of more than %d bytes", most)
      err.hint = "allow more: max_body = ..., or --max-size SIZE"
      return nil, err
    end
    return sink(bytes)
  end
end

--- A sink that collects at most some bytes.
---@param most integer
---@return fun(bytes: string): true?, lacre.error? sink
---@return fun(): string text
function message.collector(most)
  local pieces = {}
  return message.limited(function(bytes)
    pieces[#pieces + 1] = bytes
    return true
  end, most), function()
    return table.concat(pieces)
  end
end

--- Whether a name and value may stand in a header.
---@return boolean
function message.is_header(name, value)
  return type(name) == "string" and name:find(TOKEN) ~= nil and type(value) == "string" and not value:find "[\r\n%z]"
end

return message
