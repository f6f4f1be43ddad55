--- http.request: a request as a server reads it: strictly, or not at all (RFC 9112).
--
-- What two readers could understand differently comes back as a status to refuse it with; after that
-- nothing more is read from the connection.

local body = require "lacre.http.body"
local message = require "lacre.http.message"

local webrequest = {}

local MOST_LINE = 8192

---@class lacre.webrequest
---@field method string
---@field target string as it was sent
---@field version "1.0"|"1.1"
---@field headers table<string, string>
---@field bad? integer the status to refuse it with
---@field closes boolean no other request may follow

local function bad(status)
  return { bad = status, method = "GET", target = "-", headers = {} }
end

-- status that refuses what cannot become a head any more: its first line is too long, all of it is, or a line ends
-- with LF alone
local function hopeless(text, from)
  if #text > message.MOST_BYTES then
    return 431
  elseif #text > MOST_LINE and not text:sub(1, MOST_LINE):find("\r\n", 1, true) then
    return 414
  end
  return text:find("[^\r]\n", math.max(1, from - 1)) and 400 or text:byte() == 10 and 400 or nil
end

-- RFC 9112 section 2.2: one empty line before is forgiven
local function beginning(text)
  return text:sub(1, 2) == "\r\n" and 3 or 1
end

-- the head, up to and with its empty line; nil and a status where it is none
local function read_head(conn)
  local text, err = conn:peek()
  local from = 1
  while text do
    local _, stop = text:find("\r\n\r\n", math.max(from - 3, beginning(text)), true)
    local status = not stop and hopeless(text, from) or stop and stop > message.MOST_BYTES and 431 or nil
    if status then
      return nil, status
    elseif stop then
      return conn:receive(stop)
    end
    from = #text + 1
    text, err = conn:peek(true)
  end
  return nil, err
end

-- method, target, version; a target is visible, or bytes of a text that is not ASCII
local LINE = "^([%u-]+) ([!-~\128-\255]+) HTTP/(%d%.%d)\r\n()"

-- a field: its value without the blanks around it, and no control character but tab (RFC 9110 section 5.5)
local FIELD = "^([%w!#$%%&'*+.^_`|~-]+):[ \t]*([^%z\1-\8\10-\31\127]-)[ \t]*\r\n()"

-- the fields of a head from `at` on; nil and a status
local function fields_of(head, at)
  local headers, count = {}, 0
  while at < #head - 1 do
    local name, value, after = head:match(FIELD, at)
    count = count + 1
    if not name then
      return nil, 400
    elseif count > message.MOST_HEADERS or after - at > MOST_LINE then
      return nil, 431
    end
    message.add(headers, name:lower(), value)
    at = after
  end
  return headers
end

local function parse(head)
  local first = beginning(head)
  local method, target, version, at = head:match(LINE, first)
  if not method then
    return bad(400)
  elseif at - first > MOST_LINE then
    return bad(414)
  elseif version ~= "1.1" and version ~= "1.0" then
    return bad(505)
  end
  local headers, status = fields_of(head, at)
  if not headers then
    return bad(status)
  end
  return { method = method, target = target, version = version, headers = headers }
end

local function check(request)
  local headers = request.headers
  local length, err = body.framing(headers)
  local host = headers.host
  if err or (request.version == "1.1" and not host) or (host and host:find "[,%s/@]") then
    return bad(400)
  elseif length == "chunked" and request.version == "1.0" then
    return bad(400) -- RFC 9112 section 6.1
  end
  request.has_body = length ~= nil and length ~= 0
  return request
end

local function read(conn)
  local head, status = read_head(conn)
  if not head then
    return type(status) == "number" and bad(status) or nil, status
  end
  local request = parse(head)
  return request.bad and request or check(request)
end

-- bodies are not read, so none may be followed by another request
local function is_last(request)
  local wish = request.headers.connection
  if not wish then
    return request.bad ~= nil or request.has_body or request.version == "1.0"
  end
  wish = wish:lower()
  return request.bad ~= nil or request.has_body or wish:find "close" ~= nil
    or (request.version == "1.0" and not wish:find "keep%-alive")
end

--- The next request of a connection.
---@param conn lacre.stream
---@return lacre.webrequest? request nil at the end of the connection
---@return lacre.error? err
function webrequest.read(conn)
  local request, err = read(conn)
  if not request then
    return nil, err
  end
  request.closes = is_last(request)
  return request
end

--- A target without scheme and authority, which servers must take too (RFC 9112 section 3.2.2).
---@param target string
---@return string
function webrequest.origin(target)
  local rest, count = target:gsub("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]*", "")
  return count == 1 and rest:sub(1, 1) ~= "/" and "/" .. rest or rest
end

--- The path of a target, decoded (RFC 3986 section 3.3); nil where it is none, or has a part that begins
--- with a dot: what is hidden, and the way out.
---@param target string
---@return string?
function webrequest.path(target)
  local path = webrequest.origin(target):gsub("[?#].*$", "")
  if path:sub(1, 1) ~= "/" or path:gsub("%%%x%x", ""):find "%%" then
    return nil
  end
  path = path:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  if path:find "%z" then
    return nil
  end
  for part in path:gmatch "[^/]+" do
    if part:sub(1, 1) == "." then
      return nil
    end
  end
  return path
end

return webrequest
