--- http: tool-grade HTTP/1.1 over TLS: one request, one verified connection.
--
-- `https` unless plaintext is asked for by name; a redirect never leads away from it, and each new
-- host is verified, pinned and named anew. Nothing of one host's credentials goes to another.

local connect = require "lacre.connect"
local lacre_error = require "lacre.error"
local message = require "lacre.message"
local options = require "lacre.options"
local target = require "lacre.target"
local tcp = require "lacre.tcp"
local time = require "lacre.time"
local webfiles = require "lacre.webfiles"

local fail = lacre_error.fail

local http = {}

local own_schema = {
  url = { type = "string", required = true },
  method = { type = "string", default = "GET" },
  headers = { type = "table", default = {} },
  body = { type = "string" },
  sink = { type = "function" },
  timeout = { type = "duration", default = 30 },
  max_body = { type = "integer", default = 64 * 1024 * 1024 },
  follow = { type = "integer", default = 5 },
  plaintext = { type = "boolean", default = false },
}

--- Splits an absolute URL; a fragment is left out, a user name refused (RFC 9110 section 4.2.4).
---@param url string
---@return { scheme: string, host: string, port: integer, path: string }?
---@return lacre.error? err bad_name
function http.parse(url)
  local scheme, authority, path = url:match "^(%a+)://([^/?#]*)([^#]*)"
  scheme = scheme and scheme:lower()
  if (scheme ~= "https" and scheme ~= "http") or url:find "[%c ]" or authority:find("@", 1, true) then
    return fail("config", "bad_name", "not a URL of the web: %s", (url:gsub("%c", "?")))
  end
  local place, err = target.parse(authority, scheme == "https" and 443 or 80)
  if not place then
    return nil, err
  end
  if path:sub(1, 1) ~= "/" then
    path = "/" .. path
  end
  return { scheme = scheme, host = place.host, port = place.port, path = path }
end

local function without_dots(path)
  local query = path:match "%?.*$" or ""
  local out = {}
  for part in path:sub(1, #path - #query):gmatch "[^/]+" do
    if part == ".." then
      out[#out] = nil
    elseif part ~= "." then
      out[#out + 1] = part
    end
  end
  local last = path:sub(1, #path - #query):match "/$" and #out > 0 and "/" or ""
  return "/" .. table.concat(out, "/") .. last .. query
end

-- RFC 3986 section 5.2, as far as Location needs it
local function resolve(from, location)
  location = location:gsub("#.*$", "")
  if location:find "^%a[%w+.-]*:" then
    --- Serves a directory over HTTPS; see `lacre.webfiles`.
http.serve = webfiles.serve

return http.parse(location)
  elseif location:sub(1, 2) == "//" then
    return http.parse(from.scheme .. ":" .. location)
  end
  local path = location
  if location:sub(1, 1) == "?" then
    path = from.path:gsub("%?.*$", "") .. location
  elseif location:sub(1, 1) ~= "/" then
    path = from.path:gsub("%?.*$", ""):match "^(.*/)" .. location
  end
  if path:find "[%c ]" then
    return fail("read", "http_malformed", "not a place to go on: %s", (path:gsub("%c", "?")))
  end
  return { scheme = from.scheme, host = from.host, port = from.port, path = without_dots(path) }
end

local function host_field(place)
  local default = place.scheme == "https" and 443 or 80
  local host = place.host:find(":", 1, true) and "[" .. place.host .. "]" or place.host
  return place.port == default and host or host .. ":" .. place.port
end

local ours = { host = true, connection = true, ["content-length"] = true, ["transfer-encoding"] = true }

local function check_headers(headers)
  for name, value in pairs(headers) do
    if not message.is_header(name, tostring(value)) then
      options.misuse("bad option 'headers' to 'request' ('%s' is no header field)", tostring(name):gsub("%c", "?"))
    elseif ours[name:lower()] then
      options.misuse("bad option 'headers' to 'request' ('%s' is set by lacre)", name)
    end
  end
end

local function head_of(set, place, method, headers)
  local lines = { ("%s %s HTTP/1.1"):format(method, place.path), "Host: " .. host_field(place), "Connection: close" }
  local names = {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = name .. ": " .. tostring(headers[name])
  end
  if set.body and method ~= "GET" and method ~= "HEAD" then
    lines[#lines + 1] = "Content-Length: " .. #set.body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function read_status(stream)
  while true do
    local line, err = message.read_line(stream)
    if not line then
      return nil, err
    end
    local status, reason = line:match "^HTTP/1%.[01] (%d%d%d) ?(.*)$"
    if not status then
      return fail("read", "http_malformed", "not a status line: %s", (line:gsub("[^\32-\126]", "?"):sub(1, 100)))
    end
    local headers
    headers, err = message.read_headers(stream)
    if not headers then
      return nil, err
    elseif status:sub(1, 1) ~= "1" then -- 100 and its like come before the answer
      return { status = tonumber(status), reason = reason, headers = headers }
    end
  end
end

local function has_no_body(method, status)
  return method == "HEAD" or status == 204 or status == 304
end

local function read_response(stream, method, set, keeps_body)
  local response, err = read_status(stream)
  if not response then
    return nil, err
  end
  local length
  length, err = message.framing(response.headers)
  if err then
    return nil, err
  elseif has_no_body(method, response.status) then
    response.body = ""
    return response
  end
  local sink, text = message.collector(set.max_body)
  local wants = keeps_body(response) and set.sink
  local done
  done, err = message.read_body(stream, length, wants or sink)
  if not done then
    return nil, err
  end
  response.body = not wants and text() or nil
  return response
end

local function open(place, set, inline, deadline)
  local left = deadline - time.monotonic()
  if left <= 0 then
    return fail("connect", "timeout", "no time is left for %s", place.host)
  elseif place.scheme == "http" then
    return tcp.connect(place.host, place.port, { timeout = left })
  end
  local given = { timeout = left }
  for name, value in pairs(inline) do
    given[name] = value
  end
  return connect.connect(place.host, place.port, given)
end

local function exchange(stream, place, set, method, headers, keeps_body)
  local sent, err = stream:write(head_of(set, place, method, headers),
    method ~= "GET" and method ~= "HEAD" and set.body or "")
  local response, why = read_response(stream, method, set, keeps_body)
  if response then
    return response -- a server may answer before it has read everything
  end
  return nil, not sent and err or why
end

local redirects = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function is_redirect(response)
  return redirects[response.status] and response.headers.location ~= nil
end

local function fetch(place, set, inline, method, headers, deadline, follows)
  local stream, err = open(place, set, inline, deadline)
  if not stream then
    return nil, err
  end
  stream:set_deadline(deadline)
  stream:set_timeout(false)
  local response
  response, err = exchange(stream, place, set, method, headers, function(answer)
    return not (follows and is_redirect(answer))
  end)
  if response then
    response.url = ("%s://%s%s"):format(place.scheme, host_field(place), place.path)
    response.tls = stream.info and stream:info() or nil
  else
    lacre_error.annotate(err, { host = place.host, port = place.port })
  end
  stream:close()
  return response, err
end

-- RFC 9110 section 15.4: what is asked after a redirect
local function next_method(method, status)
  if status == 303 and method ~= "HEAD" then
    return "GET"
  elseif (status == 301 or status == 302) and method == "POST" then
    return "GET"
  end
  return method
end

local personal = { authorization = true, cookie = true, ["proxy-authorization"] = true }

local function without_credentials(headers)
  local rest = {}
  for name, value in pairs(headers) do
    rest[name] = not personal[name:lower()] and value or nil
  end
  return rest
end

local function step_to(place, response, set)
  local next_place, err = resolve(place, response.headers.location)
  if not next_place then
    return nil, err
  elseif place.scheme == "https" and next_place.scheme ~= "https" then
    return fail("read", "redirect_insecure", "%s redirects to plaintext", place.host)
  elseif next_place.scheme == "http" and not set.plaintext then
    return fail("config", "redirect_insecure", "%s redirects to plaintext", place.host)
  end
  return next_place
end

local function follow(place, set, inline)
  local deadline = time.monotonic() + set.timeout
  local method, headers = set.method, set.headers
  for hop = 0, set.follow do
    local response, err = fetch(place, set, inline, method, headers, deadline, hop < set.follow)
    if not response then
      return nil, err
    elseif not is_redirect(response) or set.follow == 0 then
      return response
    end
    local next_place
    next_place, err = step_to(place, response, set)
    if not next_place then
      return nil, err
    elseif next_place.host ~= place.host or next_place.port ~= place.port then
      headers = without_credentials(headers)
    end
    method, place = next_method(method, response.status), next_place
  end
  return fail("read", "redirect_limit", "more than %d redirects", set.follow)
end

local function split(given)
  local mine, theirs = {}, {}
  for name, value in pairs(given) do
    local part = own_schema[name] and mine or theirs
    part[name] = value
  end
  return options.check(own_schema, mine, "request"), theirs
end

--- One request: `http.request "https://..."`, or with a table of options. Besides its own (`method`,
--- `headers`, `body`, `sink`, `timeout`, `max_body`, `follow`, `plaintext`) it takes those of `lacre.connect`.
---@param given string|table
---@return { status: integer, reason: string, headers: table, body: string?, url: string, tls: table? }?
---@return lacre.error? err those of `lacre.connect`, and http_malformed, too_large, redirect_limit, redirect_insecure
function http.request(given)
  if type(given) == "string" then
    given = { url = given }
  end
  options.argument("request", 1, given, "table")
  local set, inline = split(given)
  check_headers(set.headers)
  if not set.method:find "^%u+$" then
    options.misuse "bad option 'method' to 'request' (a name in capital letters expected)"
  end
  local place, err = http.parse(set.url)
  if not place then
    return nil, err
  elseif place.scheme == "http" and not set.plaintext then
    return fail("config", "redirect_insecure", "%s is plaintext; say plaintext = true to allow it", set.url)
  end
  return follow(place, set, inline)
end

return http
