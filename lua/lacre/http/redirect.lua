--- http.redirect: where an answer sends a request on, and what goes with it (RFC 9110 section 15.4).
--
-- Never from https to plaintext. What tells one host who we are, or who it is, goes to no other: its
-- credentials, the client's certificate, the name that was to be verified there.

local fail = require("lacre.error").fail
local settings = require "lacre.tls.settings"
local url = require "lacre.http.url"

local redirect = {}

local statuses = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

--- Whether an answer sends on.
---@param response { status: integer, headers: table<string, string> }
---@return boolean
function redirect.is(response)
  return statuses[response.status] == true and response.headers.location ~= nil
end

local function next_method(method, status)
  if status == 303 and method ~= "HEAD" then
    return "GET"
  elseif (status == 301 or status == 302) and method == "POST" then
    return "GET"
  end
  return method
end

local headers_of_a_host = { authorization = true, cookie = true, ["proxy-authorization"] = true }
local options_of_a_host = { cert = true, key = true, password = true, identity = true, server_name = true, sni = true }

local function without(given, names)
  local rest = {}
  for name, value in pairs(given) do
    if not names[name:lower()] then
      rest[name] = value
    end
  end
  return rest
end

local function leave(ask, place)
  local ctx = ask.inline.context
  if settings.is(ctx) and ctx:certificate() then
    return fail("read", "redirect_insecure",
      "redirect to %s, a different host, which must not get the client certificate", place.host)
  end
  ask.headers, ask.inline = without(ask.headers, headers_of_a_host), without(ask.inline, options_of_a_host)
  return true
end

--- The next place of a request, which is changed to what may be asked there.
---@param place table where the answer came from
---@param response table
---@param set { plaintext: boolean }
---@param ask { method: string, headers: table, inline: table } changed
---@return table? place
---@return lacre.error? err redirect_insecure, http_malformed
function redirect.step(place, response, set, ask)
  local next_place = url.resolve(place, response.headers.location)
  if not next_place then
    return fail("read", "http_malformed", "%s redirects to an invalid URL: %s", place.host,
      response.headers.location:gsub("[^\32-\126]", "?"):sub(1, 200))
  elseif next_place.scheme ~= "https" and (place.scheme == "https" or not set.plaintext) then
    return fail("read", "redirect_insecure", "%s redirects to an unencrypted http:// URL", place.host)
  elseif not url.same_host(place, next_place) then
    local left, err = leave(ask, next_place)
    if not left then
      return nil, err
    end
  end
  ask.method = next_method(ask.method, response.status)
  return next_place
end

return redirect
