--- http: tool-grade HTTP/1.1 over TLS: one request, one verified connection.
--
-- `https` unless plaintext is asked for by name; a redirect never leads away from it, and each new
-- host is verified, pinned and named anew. Nothing of one host's credentials goes to another.

local body = require "lacre.http.body"
local connect = require "lacre.connect"
local dial = require "lacre.net.dial"
local lacre_error = require "lacre.error"
local merged = require "lacre.merged"
local message = require "lacre.http.message"
local options = require "lacre.options"
local parted = require "lacre.options.parted"
local redirect = require "lacre.http.redirect"
local sorted = require "lacre.sorted"
local tcp = require "lacre.tcp"
local time = require "lacre.time"
local url = require "lacre.http.url"
local webfiles = require "lacre.http.files"

local fail = lacre_error.fail

local http = {}

http.parse = url.parse

--- Serves a directory over HTTPS: `root`, `listing`, `idle_timeout`, `on_request`, and the options of `lacre.serve`.
---@param given table
---@return true|lacre.service|nil
---@return lacre.error? err as `lacre.serve`; file_not_found, permission_denied
http.serve = webfiles.serve

local own_schema = {
  url = { type = "string", required = true },
  method = { type = "string", default = "GET" },
  headers = { type = "table", default = {} },
  body = { type = "string" },
  sink = { type = "function" },
  timeout = { type = "limit", default = 30 },
  io_timeout = { type = "limit", default = 60 },
  max_body = { type = "size" },
  follow = { type = "integer", default = 5 },
  plaintext = { type = "boolean", default = false },
}

local split = parted.by("request", connect.schema, own_schema)

local function check_headers(headers)
  for name, value in pairs(headers) do
    if not message.is_header(name, tostring(value)) then
      options.misuse("bad option 'headers' to 'request' ('%s' is not a header field)", tostring(name):gsub("%c", "?"))
    elseif message.OURS[name:lower()] then
      options.misuse("bad option 'headers' to 'request' ('%s' is set by lacre)", name)
    end
  end
end

local function has_body(set, method)
  return set.body ~= nil and method ~= "GET" and method ~= "HEAD"
end

local function head_of(set, place, method, headers)
  local lines = { ("%s %s HTTP/1.1"):format(method, place.path), "Host: " .. url.authority(place), "Connection: close" }
  for _, name in ipairs(sorted(headers)) do
    lines[#lines + 1] = name .. ": " .. tostring(headers[name])
  end
  if has_body(set, method) then
    lines[#lines + 1] = "Content-Length: " .. #set.body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local MOST_IN_MEMORY = 64 * 1024 * 1024

-- what a body is handed to: the caller's sink, told which answer it is of, or a collector
local function sink_for(set, response, is_final)
  if not (set.sink and is_final) then
    return body.collector(set.max_body or MOST_IN_MEMORY)
  end
  return body.limited(function(bytes)
    return set.sink(bytes, response)
  end, set.max_body or math.huge)
end

local function read_response(stream, method, set, is_final)
  local response, err = message.read_status(stream)
  if not response then
    return nil, err
  end
  response.length, err = body.framing(response.headers)
  if err then
    return nil, err
  elseif method == "HEAD" or response.status == 204 or response.status == 304 then
    response.body = ""
    return response
  end
  local sink, text = sink_for(set, response, is_final(response))
  local done
  done, err = body.read(stream, response.length, sink)
  if not done then
    return nil, err
  end
  response.body = text and text()
  return response
end

-- connecting is a wait like others, and part of the whole
local function connecting_limits(left, io_timeout)
  local limit = math.min(left or math.huge, io_timeout or math.huge)
  return { timeout = limit < math.huge and limit or nil, handshake_timeout = math.min(limit, 10) }
end

local function open(place, inline, deadline, io_timeout)
  local left = deadline and deadline - time.monotonic()
  if left and left <= 0 then
    return fail("connect", "timeout", "the time limit was reached before %s", place.host)
  elseif place.scheme == "http" and inline.proxy then
    return fail("config", "unsupported", "http:// URLs cannot be fetched through a proxy")
  elseif place.scheme == "http" then
    local dialing = parted.split(dial.schema, inline, "request")
    dialing.timeout = connecting_limits(left, io_timeout).timeout
    return tcp.connect(place.host, place.port, dialing)
  end
  return connect.connect(place.host, place.port, merged(connecting_limits(left, io_timeout), inline))
end

local function exchange(stream, place, set, ask, is_final)
  local content = has_body(set, ask.method) and set.body or ""
  local sent, err = stream:write(head_of(set, place, ask.method, ask.headers), content)
  local response, why = read_response(stream, ask.method, set, is_final)
  if response then
    return response -- a server may answer before it has read everything
  end
  return nil, not sent and err or why
end

local function fetch(place, set, ask, follows)
  local stream, err = open(place, ask.inline, ask.deadline, set.io_timeout)
  if not stream then
    return nil, err
  end
  stream:set_deadline(ask.deadline)
  stream:set_timeout(set.io_timeout)
  local response
  response, err = exchange(stream, place, set, ask, function(answer)
    return not (follows and redirect.is(answer))
  end)
  if response then
    response.url = url.format(place)
    response.tls = stream.info and stream:info() or nil
  else
    lacre_error.annotate(err, { host = place.host, port = place.port })
  end
  stream:close()
  return response, err
end

local function follow(place, set, inline)
  local ask = {
    method = set.method, headers = set.headers, inline = inline,
    deadline = set.timeout and time.monotonic() + set.timeout or nil,
  }
  for hop = 0, set.follow do
    local response, err = fetch(place, set, ask, hop < set.follow)
    if not response then
      return nil, err
    elseif not redirect.is(response) or set.follow == 0 then
      return response
    end
    place, err = redirect.step(place, response, set, ask)
    if not place then
      return nil, err
    end
  end
  return fail("read", "redirect_limit", "more than %d redirects", set.follow)
end

--- One request: `http.request "https://..."`, or with a table of options. Besides its own (`method`,
--- `headers`, `body`, `sink(bytes, response)`, `timeout` and `io_timeout` (or false), `max_body`, `follow`,
--- `plaintext`) it takes those of `lacre.connect`.
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
  local place, err = url.parse(set.url)
  if not place then
    return nil, err
  elseif place.scheme == "http" and not set.plaintext then
    return fail("config", "redirect_insecure", "%s is not encrypted; plaintext = true (--plaintext) allows it", set.url)
  end
  return follow(place, set, inline or {})
end

return http
