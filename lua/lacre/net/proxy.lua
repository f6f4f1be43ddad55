--- net.proxy: through an HTTP proxy by CONNECT (RFC 9110 section 9.3.6).

local core = require "lacre.core"
local fail = require("lacre.error").fail
local target = require "lacre.net.target"

local proxy = {}

--- Reads "http://[user:password@]host:port".
---@param text string
---@return { host: string, port: integer, authorization?: string }?
---@return string? why for option schemas
function proxy.option(text)
  local rest = type(text) == "string" and text:match "^http://(.*)$"
  local user = rest and rest:match "^(.*)@"
  local place = rest and target.parse(user and rest:sub(#user + 2) or rest, 8080)
  if not place then
    return nil, "http://host:port expected"
  end
  place.authorization = user and "Basic " .. core.bytes.base64((user:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)))
  return place
end

local function request(place, through)
  local name = target.format(place.host, place.port)
  local lines = { ("CONNECT %s HTTP/1.1"):format(name), "Host: " .. name }
  if through.authorization then
    lines[#lines + 1] = "Proxy-Authorization: " .. through.authorization
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local MOST_LINES = 100

local function refused(format, ...)
  return fail("proxy", "proxy_refused", format, ...)
end

-- what happens to its connection before there is a tunnel is the proxy's, not the far end's
local function lost(err, through)
  if err.code == "line_too_long" then
    return refused "the proxy's answer is too long"
  end
  err.stage = "proxy"
  err.message = ("the proxy %s: %s"):format(target.format(through.host, through.port), err.message)
  return nil, err
end

local function skip_headers(plain, through)
  for _ = 1, MOST_LINES do
    local line, err = plain:read "l"
    if not line then
      return lost(err, through)
    elseif line == "" then
      return true
    end
  end
  return refused "the proxy's answer is too long"
end

local function said_no(code, reason, through)
  local _, err = refused("the proxy answered %s%s", code, (reason:gsub("%c", "")))
  if code == "407" then
    err.hint = through.authorization and "the proxy rejected the user name and password"
      or "give a user name and password: http://user:password@host:port"
  end
  return nil, err
end

--- Asks a proxy to connect; the plain socket is then the far end's.
---@param plain lacre.tcp
---@param place { host: string, port: integer } where to
---@param through { host: string, port: integer, authorization?: string }
---@return true?
---@return lacre.error? err proxy_refused, timeout, closed ...
function proxy.open(plain, place, through)
  local sent, err = plain:write(request(place, through))
  local status
  if sent then
    status, err = plain:read "l"
  end
  if not status then
    return lost(err, through)
  end
  local code, reason = status:match "^HTTP/1%.[01] (%d%d%d)(.*)$"
  if not code or not (reason == "" or reason:find "^ ") then
    return refused "the proxy does not speak HTTP"
  elseif code:sub(1, 1) ~= "2" then
    return said_no(code, reason, through)
  end
  return skip_headers(plain, through)
end

return proxy
