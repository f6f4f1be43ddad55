--- http.files: a directory over HTTPS, for development and labs.
--
-- GET and HEAD, byte ranges, entity tags, keep-alive. What is served is below the root once every link
-- and dot is resolved, and no name that begins with a dot; a request that two readers could understand
-- differently ends the connection.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local serve = require "lacre.serve"
local time = require "lacre.time"
local webanswer = require "lacre.http.answer"
local webrequest = require "lacre.http.request"

local refuse = webanswer.refuse

local webfiles = {}

local PIECE = 65536

-- the file may shrink meanwhile: then the connection ends, for the length was promised
local function send_bytes(conn, handle, head, count)
  local piece = count > 0 and handle:read(math.min(count, PIECE)) or ""
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

local function head_of_file(request, path, stat, now, first, last)
  return webanswer.head(first and 206 or 200, {
    "Content-Type: " .. webanswer.type_of(path),
    ("Content-Length: %d"):format((last or stat.size - 1) - (first or 0) + 1), "ETag: " .. now.tag,
    "Last-Modified: " .. now.date, "Accept-Ranges: bytes", "X-Content-Type-Options: nosniff",
    webanswer.connection(request), first and ("Content-Range: bytes %d-%d/%d"):format(first, last, stat.size) or nil,
  })
end

local function send_file(conn, request, path, stat)
  local now = webanswer.validators(stat)
  if webanswer.is_unchanged(request, now) then
    request.status, request.sent = 304, 0
    return conn:write(webanswer.head(304, { "ETag: " .. now.tag, webanswer.connection(request) }))
  end
  local first, last = webanswer.range(request, stat.size, now)
  if first == false then
    return refuse(conn, request, 416, ("Content-Range: bytes */%d"):format(stat.size))
  end
  local handle = io.open(path, "rb")
  if not handle then
    return refuse(conn, request, 403)
  end
  local count = request.method == "GET" and (last or stat.size - 1) - (first or 0) + 1 or 0
  request.status, request.sent = first and 206 or 200, count
  handle:seek("set", first or 0)
  local sent, err = send_bytes(conn, handle, head_of_file(request, path, stat, now, first, last), count)
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

local function escaped(text)
  return (text:gsub('[&<>"]', escapes))
end

local function list(conn, request, directory, path)
  local names, rows = core.disk.list(directory) or {}, {}
  table.sort(names)
  for _, name in ipairs(names) do
    if name:sub(1, 1) ~= "." then
      local link = name:gsub("[^%w._~-]", function(c)
        return ("%%%02X"):format(c:byte())
      end)
      rows[#rows + 1] = ('<li><a href="%s">%s</a>'):format(link, escaped(name))
    end
  end
  local page = ("<!doctype html><meta charset=utf-8><title>%s</title><h1>%s</h1><ul>\n%s\n</ul>\n"):format(
    escaped(path), escaped(path), table.concat(rows, "\n"))
  return webanswer.send(conn, request, 200, webanswer.type_of "x.html", page)
end

local function respond_directory(conn, request, set, real, path)
  if path:sub(-1) ~= "/" then
    local place = request.target:gsub("[?#].*$", ""):gsub("^https?://[^/]*", ""):gsub("^//+", "/")
    return refuse(conn, request, 301, "Location: " .. place .. "/")
  end
  local inside, stat = find(set.root, path .. "index.html")
  if inside and stat and stat.kind == "file" then
    return send_file(conn, request, inside, stat)
  elseif set.listing then
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
  local path = webrequest.path(request.target)
  local real, stat
  if path then
    real, stat = find(set.root, path)
  end
  if not stat then
    return refuse(conn, request, 404)
  elseif stat.kind == "directory" then
    return respond_directory(conn, request, set, real, path)
  elseif stat.kind ~= "file" or path:sub(-1) == "/" then
    return refuse(conn, request, 404)
  end
  return send_file(conn, request, real, stat)
end

--- Makes a handler for `lacre.serve`.
---@param set { root: string, listing?: boolean, idle_timeout?: number, on_request?: function } root without links
---@return fun(conn: lacre.conn, peer: table)
function webfiles.handler(set)
  return function(conn, peer)
    local patience = set.idle_timeout or 30
    conn:set_timeout(patience)
    while true do
      conn:set_deadline(time.monotonic() + patience) -- for a whole request: who sends it byte by byte is late
      local request = webrequest.read(conn)
      conn:set_deadline(nil)
      if not request then
        return
      end
      local sent = respond(conn, request, set)
      if set.on_request then
        set.on_request { address = peer.address, method = request.method, target = request.target,
          version = request.version, status = request.status, bytes = request.sent }
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

local function root_of(set)
  local root, err = core.disk.real(set.root)
  local stat = root and file.stat(root)
  if not root then
    return nil, lacre_error.annotate(err, { path = set.root })
  elseif not stat or stat.kind ~= "directory" then
    return lacre_error.fail("load", "file_not_found", "%s is no directory", set.root)
  end
  return root == "/" and "" or root
end

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
  local root, err = root_of(set)
  set.root = root
  if not root then
    return nil, err
  elseif theirs.alpn == nil and theirs.context == nil then
    theirs.alpn = { "http/1.1" }
  end
  return serve.serve(theirs, webfiles.handler(set))
end

return webfiles
