--- http.body: the bodies of HTTP/1.1 messages: how they are delimited, and read piece by piece (RFC 9112 section 6).
--
-- What two readers could understand differently is refused: two lengths, a length beside a transfer coding. Who
-- wants a body gives a sink, a function that takes its pieces.

local lacre_error = require "lacre.error"
local message = require "lacre.http.message"

local fail = lacre_error.fail
local malformed, read_line = message.malformed, message.read_line

local body = {}

--- How the body of a message is delimited (RFC 9112 section 6.3).
---@param headers table<string, string>
---@return integer|"chunked"|nil length nil where nothing says
---@return lacre.error? err http_malformed
function body.framing(headers)
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
function body.read(stream, length, sink)
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
function body.limited(sink, most)
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
function body.collector(most)
  local pieces = {}
  return body.limited(function(bytes)
    pieces[#pieces + 1] = bytes
    return true
  end, most), function()
    return table.concat(pieces)
  end
end

return body
