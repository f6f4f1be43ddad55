--- http.url: the addresses of the web, taken apart and put together (RFC 3986, RFC 9110 section 4.2).

local lacre_error = require "lacre.error"
local options = require "lacre.options"
local target = require "lacre.net.target"

local fail = lacre_error.fail

local url = {}

local default_ports = { https = 443, http = 80 }

local function no_url(format, text)
  local _, err = fail("config", "bad_name", format, (text:gsub("%c", "?")))
  err.hint = "write a URL as https://host/path, or https://host:port/path"
  return nil, err
end

--- Splits an absolute URL; fragments are dropped, user names refused (RFC 9110 section 4.2.4).
---@param text string
---@return { scheme: string, host: string, port: integer, path: string }?
---@return lacre.error? err bad_name
function url.parse(text)
  options.argument("http.parse", 1, text, "string")
  local scheme, authority, path = text:match "^(%a+)://([^/?#]*)([^#]*)"
  scheme = scheme and scheme:lower()
  if not default_ports[scheme or ""] or text:find "[%c ]" then
    return no_url("not an http or https URL: %s", text)
  elseif authority:find("@", 1, true) then
    return no_url("a URL with a user name is not accepted: %s", text:gsub("//.*@", "//...@"))
  end
  local place = target.parse(authority, default_ports[scheme])
  if not place then
    return no_url("not a host and port: %s", authority)
  elseif path:sub(1, 1) ~= "/" then
    path = "/" .. path
  end
  return { scheme = scheme, host = place.host, port = place.port, path = path }
end

-- RFC 3986 section 5.2.4
local function without_dots(path)
  local query = path:match "%?.*$" or ""
  local bare, out = path:sub(1, #path - #query), {}
  for part in bare:gmatch "[^/]+" do
    if part == ".." then
      out[#out] = nil
    elseif part ~= "." then
      out[#out + 1] = part
    end
  end
  local ends_in_directory = #out > 0 and (bare:find "/$" or bare:find "/%.%.?$")
  return "/" .. table.concat(out, "/") .. (ends_in_directory and "/" or "") .. query
end

local function path_from(from, location)
  local bare = from.path:gsub("%?.*$", "")
  if location == "" then
    return from.path
  elseif location:sub(1, 1) == "?" then
    return bare .. location
  elseif location:sub(1, 1) == "/" then
    return location
  end
  return bare:match "^(.*/)" .. location
end

--- Where a reference leads that was found at a place (RFC 3986 section 5.2).
---@param from { scheme: string, host: string, port: integer, path: string }
---@param location string
---@return { scheme: string, host: string, port: integer, path: string }?
---@return lacre.error? err bad_name, http_malformed
function url.resolve(from, location)
  location = location:gsub("#.*$", "")
  if location:find "^%a[%w+.-]*:" then
    return url.parse(location)
  elseif location:sub(1, 2) == "//" then
    return url.parse(from.scheme .. ":" .. location)
  end
  local path = path_from(from, location)
  if path:find "[%c ]" then
    return fail("read", "http_malformed", "not a place to go on: %s", (path:gsub("%c", "?")))
  end
  return { scheme = from.scheme, host = from.host, port = from.port, path = without_dots(path) }
end

--- Host and port as the Host field says them: the port only where it is not the scheme's.
---@param place { scheme: string, host: string, port: integer }
---@return string
function url.authority(place)
  local host = place.host:find(":", 1, true) and "[" .. place.host .. "]" or place.host
  return place.port == default_ports[place.scheme] and host or host .. ":" .. place.port
end

--- The text of a place.
---@param place { scheme: string, host: string, port: integer, path: string }
---@return string
function url.format(place)
  return ("%s://%s%s"):format(place.scheme, url.authority(place), place.path)
end

--- Whether two places are one host and port: what belongs to one may be told to the other.
---@return boolean
function url.same_host(a, b)
  return a.host:lower() == b.host:lower() and a.port == b.port and a.scheme == b.scheme
end

return url
