--- http.request: a request as a server reads it: strictly, or not at all (RFC 9112).
--
-- What two readers could understand differently comes back as a status to refuse it with; after that
-- nothing more is read from the connection.

local message = require "lacre.http.message"

local webrequest = {}

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

local function read_request_line(conn)
  local line, err = message.read_line(conn)
  if line == "" then
    line, err = message.read_line(conn) -- RFC 9112 section 2.2: one empty line before is forgiven
  end
  if not line then
    return nil, err
  end
  local method, path, version = line:match "^(%u+) (%S+) HTTP/(%d%.%d)$"
  if not method then
    return bad(400)
  elseif version ~= "1.1" and version ~= "1.0" then
    return bad(505)
  end
  return { method = method, target = path, version = version }
end

local refusals = { line_too_long = 414, too_large = 431, http_malformed = 400 }

local function read(conn)
  local request, err = read_request_line(conn)
  if request and not request.bad then
    request.headers, err = message.read_headers(conn)
  end
  if err and refusals[err.code] then
    return bad(refusals[err.code])
  elseif err then
    return nil, err
  elseif request.bad then
    return request
  end
  local length
  length, err = message.framing(request.headers)
  local host = request.headers.host
  if err or (request.version == "1.1" and not host) or (host and host:find "[,%s/@]") then
    return bad(400)
  end
  request.has_body = length ~= nil and length ~= 0
  return request
end

-- bodies are not read, so none may be followed by another request
local function is_last(request)
  local wish = (request.headers.connection or ""):lower()
  return request.bad ~= nil or request.has_body or wish:find "close" ~= nil
    or (request.version == "1.0" and not wish:find "keep%-alive")
end

--- The next request of a connection.
---@param conn lacre.stream
---@return lacre.webrequest? request nil at the end of the connection
---@return lacre.error? err
function webrequest.read(conn)
  local request, err = read(conn)
  if request then
    request.closes = is_last(request)
  end
  return request, err
end

--- The path of a target, decoded (RFC 3986 section 3.3); nil where it is none, or has a part that begins
--- with a dot: what is hidden, and the way out.
---@param target string
---@return string?
function webrequest.path(target)
  local path = target:gsub("^https?://[^/?#]*", ""):gsub("[?#].*$", "")
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
