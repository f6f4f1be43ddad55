--- webfiles: a directory over HTTPS, for development and labs.
--
-- GET and HEAD, byte ranges, entity tags, keep-alive. What is served is below the root once every link
-- and dot is resolved, and no name that begins with a dot; a request that two readers could understand
-- differently ends the connection.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local message = require "lacre.message"
local options = require "lacre.options"
local serve = require "lacre.serve"
local time = require "lacre.time"

local webfiles = {}

local types = {
  html = "text/html; charset=utf-8", htm = "text/html; charset=utf-8", css = "text/css; charset=utf-8",
  js = "text/javascript; charset=utf-8", mjs = "text/javascript; charset=utf-8", json = "application/json",
  txt = "text/plain; charset=utf-8", md = "text/markdown; charset=utf-8", xml = "application/xml", svg = "image/svg+xml",
  png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif", webp = "image/webp", ico = "image/x-icon",
  pdf = "application/pdf", wasm = "application/wasm", woff2 = "font/woff2", mp4 = "video/mp4", mp3 = "audio/mpeg",
  gz = "application/gzip", zip = "application/zip", pem = "application/x-pem-file", crt = "application/x-x509-ca-cert",
}

local reasons = {
  [200] = "OK", [206] = "Partial Content", [301] = "Moved Permanently", [304] = "Not Modified", [400] = "Bad Request",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed", [414] = "URI Too Long",
  [416] = "Range Not Satisfiable", [431] = "Request Header Fields Too Large", [500] = "Internal Server Error",
  [505] = "HTTP Version Not Supported",
}

-- requests ------------------------------------------------------------------------------------

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

-- a request, or what to refuse it with, or nil at the end of the connection
local function read_request(conn)
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

-- RFC 3986 section 3.3, decoded; nil where it is no path
local function path_of(target)
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
      return nil -- hidden, and the way out
    end
  end
  return path
end

-- answers -------------------------------------------------------------------------------------

local function http_date(seconds)
  return time.format(seconds, "http")
end

local function head_of(status, fields)
  local lines = { ("HTTP/1.1 %d %s"):format(status, reasons[status]), "Date: " .. http_date(time.now()) }
  for _, field in ipairs(fields) do
    lines[#lines + 1] = field
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function connection_field(request)
  return "Connection: " .. (request.closes and "close" or "keep-alive")
end

-- a short answer made of text
local function answer(conn, request, status, text, ...)
  local head = head_of(status, { "Content-Type: text/plain; charset=utf-8", "Content-Length: " .. #text,
    connection_field(request), ... })
  request.status, request.sent = status, #text
  return conn:write(head, request.method == "HEAD" and "" or text)
end

local function refuse(conn, request, status, ...)
  return answer(conn, request, status, ("%d %s\n"):format(status, reasons[status]), ...)
end

local function tag_of(stat)
  return ('"%x-%x"'):format(stat.modified, stat.size)
end

-- RFC 9110 section 13.1.2
local function has_tag(field, tag)
  if field == "*" then
    return true
  end
  for one in (field or ""):gmatch '"[^"]*"' do
    if one == tag then
      return true
    end
  end
  return false
end

-- RFC 9110 section 14: first and last byte; false where no byte is; nil where everything is meant
local function range_of(request, stat, tag)
  local field = request.headers.range
  local condition = request.headers["if-range"]
  if not field or request.method ~= "GET" or (condition and condition ~= tag) then
    return nil
  end
  local first, last = field:match "^bytes=(%d*)%-(%d*)$"
  if not first or (first == "" and last == "") or #first > 15 or #last > 15 then
    return nil -- several ranges, or other units: the whole is always right
  elseif first == "" then
    first, last = math.max(0, stat.size - tonumber(last)), stat.size - 1
  else
    first, last = tonumber(first), math.min(tonumber(last) or math.huge, stat.size - 1)
  end
  if first > last then
    return false
  end
  return first, last
end

local PIECE = 65536

-- the file may shrink meanwhile: then the connection ends, for the length was promised
local function send_bytes(conn, handle, head, count)
  local piece = handle:read(math.min(count, PIECE)) or ""
  local sent, err = conn:write(head, piece)
  count = count - #piece
  while sent and count > 0 do
    piece = handle:read(math.min(count, PIECE))
    if not piece then
      conn:abort()
      return nil
    end
    count = count - #piece
    sent, err = conn:write(piece)
  end
  return sent, err
end

local function send_file(conn, request, path, stat)
  local tag = tag_of(stat)
  if has_tag(request.headers["if-none-match"], tag) then
    request.status, request.sent = 304, 0
    return conn:write(head_of(304, { "ETag: " .. tag, connection_field(request) }))
  end
  local first, last = range_of(request, stat, tag)
  if first == false then
    return refuse(conn, request, 416, ("Content-Range: bytes */%d"):format(stat.size))
  end
  local handle = io.open(path, "rb")
  if not handle then
    return refuse(conn, request, 403)
  end
  local from, to = first or 0, last or stat.size - 1
  local count = to - from + 1
  local head = head_of(first and 206 or 200, {
    "Content-Type: " .. (types[(path:match "%.(%w+)$" or ""):lower()] or "application/octet-stream"),
    ("Content-Length: %d"):format(count), "ETag: " .. tag, "Last-Modified: " .. http_date(stat.modified),
    "Accept-Ranges: bytes", "X-Content-Type-Options: nosniff", connection_field(request),
    first and ("Content-Range: bytes %d-%d/%d"):format(from, to, stat.size) or nil,
  })
  request.status, request.sent = first and 206 or 200, request.method == "HEAD" and 0 or count
  handle:seek("set", from)
  local sent, err
  if request.method == "HEAD" then
    sent, err = conn:write(head)
  else
    sent, err = send_bytes(conn, handle, head, count)
  end
  handle:close()
  return sent, err
end

-- where a path leads once links are resolved; nil outside of the root
local function find(root, path)
  local real = core.disk.real(root .. path)
  if not real or (real ~= root and real:sub(1, #root + 1) ~= root .. "/") then
    return nil
  end
  return real, file.stat(real)
end

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function list(conn, request, directory, path)
  local names, rows = core.disk.list(directory) or {}, {}
  table.sort(names)
  for _, name in ipairs(names) do
    if name:sub(1, 1) ~= "." then
      local link = name:gsub("[^%w._~-]", function(c)
        return ("%%%02X"):format(c:byte())
      end)
      rows[#rows + 1] = ('<li><a href="%s">%s</a>'):format(link, (name:gsub('[&<>"]', escapes)))
    end
  end
  local title = path:gsub('[&<>"]', escapes)
  local page = ("<!doctype html><meta charset=utf-8><title>%s</title><h1>%s</h1><ul>\n%s\n</ul>\n"):format(
    title, title, table.concat(rows, "\n"))
  request.status, request.sent = 200, #page
  return conn:write(head_of(200, { "Content-Type: text/html; charset=utf-8", "Content-Length: " .. #page,
    connection_field(request) }), request.method == "HEAD" and "" or page)
end

local function respond_directory(conn, request, set, real, path)
  if path:sub(-1) ~= "/" then
    local place = request.target:gsub("[?#].*$", ""):gsub("^https?://[^/]*", ""):gsub("^//+", "/")
    return refuse(conn, request, 301, "Location: " .. place .. "/")
  end
  local index = real .. "/index.html"
  local stat = file.stat(index)
  if stat and stat.kind == "file" then
    local inside = find(set.root, path .. "index.html")
    if inside then
      return send_file(conn, request, inside, stat)
    end
  end
  if set.listing then
    return list(conn, request, real, path)
  end
  return refuse(conn, request, 404)
end

local function respond(conn, request, set)
  if request.bad then
    return refuse(conn, request, request.bad)
  elseif request.method ~= "GET" and request.method ~= "HEAD" then
    return refuse(conn, request, 405, "Allow: GET, HEAD")
  end
  local path = path_of(request.target)
  if not path then
    return refuse(conn, request, 404)
  end
  local real, stat = find(set.root, path)
  if not stat then
    return refuse(conn, request, 404)
  elseif stat.kind == "directory" then
    return respond_directory(conn, request, set, real, path)
  elseif stat.kind ~= "file" or path:sub(-1) == "/" then
    return refuse(conn, request, 404)
  end
  return send_file(conn, request, real, stat)
end

-- bodies are not read, so none may be followed by another request
local function is_last(request)
  local wish = (request.headers.connection or ""):lower()
  return request.bad ~= nil or request.has_body or wish:find "close" ~= nil
    or (request.version == "1.0" and not wish:find "keep%-alive")
end

--- Makes a handler for `lacre.serve`.
---@param set { root: string, listing?: boolean, idle_timeout?: number, on_request?: function } root without links
---@return fun(conn: lacre.conn, peer: table)
function webfiles.handler(set)
  return function(conn, peer)
    conn:set_timeout(set.idle_timeout or 30)
    while true do
      local request = read_request(conn)
      if not request then
        return
      end
      request.closes = is_last(request)
      local sent = respond(conn, request, set)
      if set.on_request then
        set.on_request { address = peer.address, method = request.method, target = request.target,
          status = request.status, bytes = request.sent }
      end
      if not sent or request.closes then
        return
      end
    end
  end
end

local own_schema = {
  root = { type = "string", default = "." },
  listing = { type = "boolean", default = false },
  idle_timeout = { type = "duration", default = 30 },
  on_request = { type = "function" },
}

--- Serves a directory: options of its own (`root`, `listing`, `idle_timeout`, `on_request`), and those of
--- `lacre.serve`.
---@param given table
---@return true|lacre.service|nil
---@return lacre.error?
function webfiles.serve(given)
  options.argument("serve", 1, given, "table")
  local mine, theirs = {}, {}
  for name, value in pairs(given) do
    local part = own_schema[name] and mine or theirs
    part[name] = value
  end
  local set = options.check(own_schema, mine, "serve")
  local root, err = core.disk.real(set.root)
  local stat = root and file.stat(root)
  if not root then
    return nil, err
  elseif not stat or stat.kind ~= "directory" then
    return lacre_error.fail("config", "file_not_found", "%s is no directory", set.root)
  end
  set.root = root == "/" and "" or root
  if theirs.alpn == nil and theirs.context == nil then
    theirs.alpn = { "http/1.1" }
  end
  return serve.serve(theirs, webfiles.handler(set))
end

return webfiles
