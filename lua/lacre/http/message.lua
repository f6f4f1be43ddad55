--- http.message: the heads of HTTP/1.1 messages, read strictly (RFC 9112). Their bodies are `lacre.http.body`.
--
-- What two readers could understand differently is refused: folded lines, spaces before a colon, bare carriage
-- returns. Everything is bounded.

local lacre_error = require "lacre.error"

local fail = lacre_error.fail

local message = {}

local MOST_HEADERS, MOST_BYTES = 100, 65536

--- Fails: it is no HTTP.
---@param what string
---@return nil
---@return lacre.error err http_malformed
function message.malformed(what)
  return fail("read", "http_malformed", "%s", (what:gsub("[^\32-\126]", "?"):sub(1, 200)))
end

local malformed = message.malformed

--- A line, which ends with CR LF; inside of it there is no CR and no NUL.
---@param stream lacre.stream
---@return string? line without its end
---@return lacre.error? err http_malformed, closed ...
function message.read_line(stream)
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

message.MOST_HEADERS, message.MOST_BYTES = MOST_HEADERS, MOST_BYTES

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
    local line, err = message.read_line(stream)
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
    local line, err = message.read_line(stream)
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

--- Whether a name and value may stand in a header.
---@return boolean
function message.is_header(name, value)
  return type(name) == "string" and name:find(TOKEN) ~= nil and type(value) == "string" and not value:find "[\r\n%z]"
end

return message
