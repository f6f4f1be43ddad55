--- http.files: a directory over HTTPS, for development and labs.
--
-- GET and HEAD, byte ranges, entity tags, keep-alive. What is served is below the root once every link
-- and dot is resolved, and no name that begins with a dot; a request that two readers could understand
-- differently ends the connection.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local parted = require "lacre.options.parted"
local serve = require "lacre.serve"
local shelf = require "lacre.http.shelf"
local time = require "lacre.time"
local wait = require "lacre.wait"
local webanswer = require "lacre.http.answer"
local webrequest = require "lacre.http.request"

local refuse = webanswer.refuse

local webfiles = {}

-- the file may shrink meanwhile: then the connection ends, for the length was promised
local function send_part(conn, request, handle, head, first, count)
  local sent, err, part = conn:send_file(handle, first, count, head)
  request.sent = sent or part or 0
  if sent and sent < count then
    conn:abort()
    return nil
  end
  return sent, err
end

local function send_whole(conn, request, entry, handle)
  request.status, request.sent = 200, request.method == "GET" and entry.size or 0
  if request.sent == 0 or entry.body then
    return conn:write(webanswer.whole(entry.fields, request, request.sent > 0 and entry.body or ""))
  end
  return send_part(conn, request, handle, webanswer.whole(entry.fields, request, ""), 0, entry.size)
end

local function send_range(conn, request, entry, handle, first, last)
  local count = last - first + 1
  local head = webanswer.head(206, {
    "Content-Type: " .. webanswer.type_of(entry.real), ("Content-Length: %d"):format(count),
    "ETag: " .. entry.now.tag, "Last-Modified: " .. entry.now.date, "Accept-Ranges: bytes",
    "X-Content-Type-Options: nosniff", webanswer.connection(request),
    ("Content-Range: bytes %d-%d/%d"):format(first, last, entry.size),
  })
  request.status, request.sent = 206, count
  if entry.body then
    return conn:write(head .. entry.body:sub(first + 1, last + 1))
  end
  return send_part(conn, request, handle, head, first, count)
end

local function send_content(conn, request, entry, handle)
  local first, last = webanswer.range(request, entry.size, entry.now)
  if first == false then
    return refuse(conn, request, 416, ("Content-Range: bytes */%d"):format(entry.size))
  elseif first then
    return send_range(conn, request, entry, handle, first, last)
  end
  return send_whole(conn, request, entry, handle)
end

local function send_file(conn, request, entry)
  local now = entry.now
  if webanswer.is_unchanged(request, now) then
    request.status, request.sent = 304, 0
    return conn:write(webanswer.head(304, { "ETag: " .. now.tag, webanswer.connection(request) }))
  elseif entry.body then
    return send_content(conn, request, entry)
  end
  local handle = io.open(entry.real, "rb")
  if not handle then
    return refuse(conn, request, 403)
  end
  local sent, err = send_content(conn, request, entry, handle)
  handle:close()
  return sent, err
end

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escaped(text)
  return (text:gsub('[&<>"]', escapes))
end

local function list(conn, request, directory, path)
  local names, rows = core.disk.list(directory), {}
  if not names then
    return refuse(conn, request, 403)
  end
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

local function respond_directory(conn, request, set, entry, path)
  if path:sub(-1) ~= "/" then
    local place = request.target:gsub("[?#].*$", ""):gsub("^https?://[^/]*", ""):gsub("^//+", "/")
    return refuse(conn, request, 301, "Location: " .. place .. "/")
  end
  local index = set.shelf:find(path .. "index.html")
  if index and index.kind == "file" then
    return send_file(conn, request, index)
  elseif set.listing then
    return list(conn, request, entry.real, path)
  end
  return refuse(conn, request, 404)
end

local function respond(conn, request, set)
  if request.bad then
    return refuse(conn, request, request.bad)
  elseif request.method ~= "GET" and request.method ~= "HEAD" then
    return refuse(conn, request, 405, "Allow: GET, HEAD")
  end
  local path = set.shelf:path(request.target)
  local entry = path and set.shelf:find(path)
  if not entry then
    return refuse(conn, request, 404)
  elseif entry.kind == "directory" then
    return respond_directory(conn, request, set, entry, path)
  elseif entry.kind ~= "file" or path:sub(-1) == "/" then
    return refuse(conn, request, 404)
  end
  return send_file(conn, request, entry)
end

-- what comes after an answer is not there yet: waiting for it first is cheaper than asking
local function is_coming(conn, patience, service)
  local fd = conn:getfd()
  if fd < 0 or conn:dirty() then
    return not service.stopping
  end
  return service:rest(conn, wait.ready, fd, "r", patience)
end

local function tell(set, peer, request)
  if set.on_request then
    set.on_request { address = peer.address, method = request.method, target = request.target,
      version = request.version, status = request.status, bytes = request.sent }
  end
end

--- Makes a handler for `lacre.serve`.
---@param set { root: string, listing?: boolean, idle_timeout?: number, on_request?: function } root without links
---@return fun(conn: lacre.conn, peer: table)
function webfiles.handler(set)
  set.shelf = set.shelf or shelf.new(set.root)
  return function(conn, peer)
    local patience = set.idle_timeout or 30
    conn:set_timeout(patience)
    repeat
      conn:set_deadline(time.monotonic() + patience) -- for a whole request: who sends it byte by byte is late
      local request = webrequest.read(conn)
      conn:set_deadline(nil)
      if not request then
        return
      end
      local sent = respond(conn, request, set)
      tell(set, peer, request)
    until not sent or request.closes or not is_coming(conn, patience, peer.service)
  end
end

local own_schema = {
  root = { type = "string", default = "." },
  listing = { type = "boolean", default = false },
  idle_timeout = { type = "duration", default = 30 },
  on_request = { type = "function" },
}

local split = parted.by("serve", serve.schema, own_schema)

local function root_of(set)
  local root, err = core.disk.real(set.root)
  local stat, inside
  if root then
    stat, err = file.stat(root)
  end
  if stat and stat.kind == "directory" then
    inside, err = file.stat(root .. "/.") -- what cannot be entered shows nothing
  elseif stat then
    return lacre_error.fail("load", "file_not_found", "%s is not a directory", set.root)
  end
  if not inside then
    return nil, lacre_error.annotate(err, { path = set.root })
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
  local set, theirs = split(given)
  theirs = theirs or {}
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
