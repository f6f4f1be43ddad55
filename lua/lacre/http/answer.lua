--- http.answer: what a server of files says: heads, entity tags, ranges, refusals (RFC 9110).

local time = require "lacre.time"

local webanswer = {}

local types = { -- by suffix
  html = "text/html; charset=utf-8", htm = "text/html; charset=utf-8", css = "text/css; charset=utf-8",
  js = "text/javascript; charset=utf-8", mjs = "text/javascript; charset=utf-8", json = "application/json",
  txt = "text/plain; charset=utf-8", md = "text/markdown; charset=utf-8",
  xml = "application/xml", svg = "image/svg+xml",
  png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif",
  webp = "image/webp", ico = "image/x-icon",
  pdf = "application/pdf", wasm = "application/wasm", woff2 = "font/woff2", mp4 = "video/mp4", mp3 = "audio/mpeg",
  gz = "application/gzip", zip = "application/zip", pem = "application/x-pem-file", crt = "application/x-x509-ca-cert",
}

--- The media type of a file.
---@param path string
---@return string
function webanswer.type_of(path)
  return types[(path:match "%.(%w+)$" or ""):lower()] or "application/octet-stream"
end

local reasons = {
  [200] = "OK", [206] = "Partial Content", [301] = "Moved Permanently", [304] = "Not Modified", [400] = "Bad Request",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed", [414] = "URI Too Long",
  [416] = "Range Not Satisfiable", [431] = "Request Header Fields Too Large", [500] = "Internal Server Error",
  [503] = "Service Unavailable",
  [505] = "HTTP Version Not Supported",
}

local said, said_at

-- made once a second
local function date_now()
  local now = math.floor(time.now())
  if now ~= said_at then
    said, said_at = time.format(now, "http"), now
  end
  return said
end

--- The head of a whole file, and what comes after.
---@param fields string from the line end before the second field to the value of Connection
---@param request lacre.webrequest
---@param body string
---@return string
function webanswer.whole(fields, request, body)
  local wish = request.closes and "close\r\n\r\n" or "keep-alive\r\n\r\n"
  return "HTTP/1.1 200 OK\r\nDate: " .. date_now() .. fields .. wish .. body
end

--- The head of an answer.
---@param status integer
---@param fields string[] header fields
---@return string
function webanswer.head(status, fields)
  local lines = { ("HTTP/1.1 %d %s"):format(status, reasons[status]), "Date: " .. date_now() }
  for _, field in ipairs(fields) do
    lines[#lines + 1] = field
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- The field that tells whether another request may follow.
---@param request lacre.webrequest
---@return string
function webanswer.connection(request)
  return "Connection: " .. (request.closes and "close" or "keep-alive")
end

--- Sends a short answer; `request` keeps what was sent, for the log.
---@param conn lacre.stream
---@param request lacre.webrequest
---@param status integer
---@param kind string media type
---@param text string
---@param ... string more header fields
---@return any sent
---@return lacre.error? err
function webanswer.send(conn, request, status, kind, text, ...)
  local head = webanswer.head(status, {
    "Content-Type: " .. kind, "Content-Length: " .. #text, webanswer.connection(request), ...
  })
  local body = request.method == "HEAD" and "" or text
  request.status, request.sent = status, #body
  return conn:write(head, body)
end

--- Refuses a request.
---@param conn lacre.stream
---@param request lacre.webrequest
---@param status integer
---@param ... string more header fields
function webanswer.refuse(conn, request, status, ...)
  return webanswer.send(conn, request, status, types.txt, ("%d %s\n"):format(status, reasons[status]), ...)
end

--- The validators of a file: its entity tag, and when it was changed.
---@param stat { modified: number, nanoseconds: number, size: number }
---@return { tag: string, date: string }
function webanswer.validators(stat)
  local tag = ('"%x.%x-%x"'):format(stat.modified, stat.nanoseconds, stat.size)
  return { tag = tag, date = time.format(stat.modified, "http") }
end

local function has_tag(field, tag)
  if field == "*" then
    return true
  end
  for one in field:gmatch '"[^"]*"' do
    if one == tag then
      return true
    end
  end
  return false
end

--- Whether the client has it already (RFC 9110 section 13.2.2).
---@param request lacre.webrequest
---@param now { tag: string, date: string }
---@return boolean
function webanswer.is_unchanged(request, now)
  local tags, date = request.headers["if-none-match"], request.headers["if-modified-since"]
  if tags then
    return has_tag(tags, now.tag)
  end
  return date == now.date
end

--- What part is asked for (RFC 9110 section 14): first and last byte; false where no byte is; nil for all.
---@param request lacre.webrequest
---@param size integer
---@param now { tag: string, date: string }
---@return integer|false|nil first
---@return integer? last
function webanswer.range(request, size, now)
  local field, condition = request.headers.range, request.headers["if-range"]
  if not field or request.method ~= "GET" or (condition and condition ~= now.tag and condition ~= now.date) then
    return nil
  end
  local first, last = field:match "^bytes=(%d*)%-(%d*)$"
  if not first or (first == "" and last == "") or #first > 15 or #last > 15 then
    return nil -- several ranges, or other units: the whole is always right
  elseif first == "" then
    first, last = math.max(0, size - tonumber(last)), size - 1
  else
    first, last = tonumber(first), math.min(tonumber(last) or math.huge, size - 1)
  end
  if first > last then
    return false
  end
  return first, last
end

return webanswer
