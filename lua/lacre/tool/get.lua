--- tool.get: what a URL leads to, over a connection that was verified.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local sorted = require "lacre.sorted"
local shared = require "lacre.toolkit.shared"
local toolkit = require "lacre.toolkit"
local version = require "lacre.version"

local download = later "lacre.http.download"
local environment = later "lacre.environment"
local http = later "lacre.http"
local message = later "lacre.http.message"

local fail = lacre_error.fail

local get = {
  name = "get",
  summary = "fetch a URL over verified TLS",
  description = "Sends one request and prints the answer, or writes it to a file. Chain, host name and dates are "
    .. "always verified, and pins if given, for every host that a redirect leads to. The exit code is 1 if the "
    .. "server answers with status 400 or above.",
  examples = {
    { "lacre get https://example.com/", "print the page" },
    { "lacre get https://example.com/big.iso -o big.iso --resume", "to a file; continues an interrupted download" },
    { "lacre get https://intranet.corp/ --trust corp-ca.pem --cert me.crt --key me.key",
      "your own CA, and a client certificate" },
    { "lacre get https://intranet.corp/ --trust corp-ca.pem --crl corp-ca.crl", "and check revocation" },
    { "lacre get https://device.local/ --trust pins --pin sha256//...", "trust exactly that key, and no CA" },
    { "lacre get https://example.com/ --head", "print status and header fields" },
  },
  argument = { name = "url", type = "string", value = "URL", help = "https://..." },
  options = {
    { name = "out", short = "o", value = "FILE",
      help = "write to FILE, which appears only when complete; - is standard output" },
    { name = "resume", type = "boolean", default = false, help = "continue an earlier, interrupted download" },
    { name = "overwrite", type = "boolean", default = false, help = "replace an existing file" },
    { name = "include", short = "i", type = "boolean", default = false, help = "also print status and header fields" },
    { name = "head", type = "boolean", default = false, help = "send HEAD: print status and header fields only" },
    { name = "method", value = "METHOD", help = "request method (default: GET, or POST with --body)" },
    { name = "body", value = "TEXT", help = "request body" },
    { name = "header", type = "texts", many = true, value = "FIELD",
      help = "send this header field, such as 'Accept: text/html'; may be repeated" },
    { name = "trust", type = "any", many = true, value = "FILE",
      help = "what to trust: a file, system, or pins; may be repeated (default: system)" },
    { name = "cert", type = "any", value = "FILE", help = "client certificate, with its chain" },
    shared.cert_key, shared.key_password,
    { name = "pin", type = "list", value = "PIN",
      help = "require a key with this pin in the verified chain; may be repeated" },
    { name = "crl", type = "list", value = "FILE",
      help = "check revocation with this CRL; every issuer in the chain needs one" },
    { name = "server_name", value = "NAME", help = "host name to verify (default: the host)" },
    { name = "follow", type = "integer", value = "N", default = 5, help = "how many redirects to follow" },
    { name = "proxy", value = "URL", command_default = "env",
      help = "http://host:port, env (use https_proxy and no_proxy), or none" },
    { name = "plaintext", type = "boolean", default = false,
      help = "allow http:// URLs, which are neither encrypted nor verified" },
    { name = "timeout", type = "duration", value = "TIME", default = "30s",
      help = "time limit for connecting, and for each wait" },
    { name = "max_time", type = "duration", value = "TIME", help = "time limit for everything (default: none)" },
    { name = "max_size", type = "size", value = "SIZE",
      help = "refuse a larger answer, such as 10M (default: no limit, 64M in memory)" },
    { name = "on_data", type = "function", from_lua = true,
      help = "called with each piece of the answer as it arrives" },
    { name = "on_progress", type = "function", from_lua = true,
      help = "called with the bytes written so far, and the total if known" },
  },
  exits = { { 1, "the server answered with status 400 or above" } },
}

local function headers_of(set)
  local headers = { ["User-Agent"] = "lacre/" .. version.NUMBER, ["Accept-Encoding"] = "identity" }
  for _, line in ipairs(set.header or {}) do
    local name, value = line:match "^([^:%s]+):%s*(.-)%s*$"
    if not name or not message.is_header(name, value) then
      options.misuse("bad option 'header' to 'tool.get' (a field such as 'Accept: text/html' expected)")
    elseif message.OURS[name:lower()] then
      options.misuse("bad option 'header' to 'tool.get' ('%s' is set by lacre)", name)
    end
    for other in pairs(headers) do
      if other:lower() == name:lower() then
        headers[other] = nil
      end
    end
    headers[name] = value
  end
  return headers
end

local function trust_of(set)
  local trust = set.trust
  if type(trust) == "table" and getmetatable(trust) == nil and #trust == 1 then
    return trust[1] -- as "pins"
  end
  return trust
end

local function method_of(set)
  return set.method or set.head and "HEAD" or set.body and "POST" or "GET"
end

local function request_of(set)
  local proxy = set.proxy
  if proxy == "env" then
    local place = http.parse(set.url)
    proxy = place and environment.proxy_for(place.host)
  elseif proxy == "none" then
    proxy = nil
  end
  return {
    url = set.url, method = method_of(set), headers = headers_of(set), body = set.body, follow = set.follow,
    plaintext = set.plaintext, timeout = set.max_time or false, io_timeout = set.timeout, max_body = set.max_size,
    trust = trust_of(set), crls = set.crl, pins = toolkit.pins(set.pin),
    cert = set.cert, key = set.key, password = set.password, server_name = set.server_name,
    proxy = proxy, alpn = { "http/1.1" },
  }
end

-- the status line and header fields, as text
local function head_text(response)
  local lines = { ("HTTP/1.1 %d %s"):format(response.status, response.reason) }
  for _, name in ipairs(sorted(response.headers)) do
    for value in response.headers[name]:gmatch "[^\n]+" do
      lines[#lines + 1] = name .. ": " .. value
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- to whoever listens, the head first where it is wanted
local function to_listener(set, request)
  local begun, count = false, 0
  local function begin(response)
    if set.include and not begun then
      set.on_data(head_text(response) .. "\n")
    end
    begun = true
  end
  request.sink = function(bytes, response)
    begin(response)
    count = count + #bytes
    return set.on_data(bytes)
  end
  local response, err = http.request(request)
  if response then
    begin(response)
    response.body, response.bytes, response.passed_on = nil, count, true
  end
  return response, err
end

local function whole(request)
  local response, err = http.request(request)
  if response then
    response.bytes, response.is_head = #response.body, request.method == "HEAD"
  end
  return response, err
end

--- Fetches.
---@param set table see `get.options`
---@return table? response status, reason, url, headers, tls, and body, or file and bytes
---@return lacre.error? err those of `lacre.http.request`; file_exists, io_error
function get.run(set)
  local request = request_of(set)
  local out = set.out ~= "-" and set.out or nil
  local response, err
  if out and request.method == "HEAD" then
    return fail("config", "unsupported", "nothing would be written to %s: --head asks for no content", out)
  elseif out then
    response, err = download.fetch(out, request, set)
  elseif set.on_data and request.method ~= "HEAD" then
    response, err = to_listener(set, request)
  else
    response, err = whole(request)
  end
  return response, err
end

function get.failed(response)
  return response.status >= 400
end

--- For people; nothing where it was passed on already.
---@param response table
---@param style lacre.style
---@return string?
function get.text(response, style)
  if response.file then
    local resumed = response.resumed > 0 and (", %d of them from before"):format(response.resumed) or ""
    return ("%s  %s"):format(style.bold(response.file), style.dim(("%d bytes%s"):format(response.bytes, resumed)))
  elseif response.passed_on then
    return nil
  elseif response.is_head then
    return head_text(response)
  end
  return response.body or style.bad(("%d %s"):format(response.status, response.reason))
end

-- UTF-8 without control characters (RFC 3629; overlong forms pass)
local function is_text(bytes)
  local rest = bytes:gsub("[\194-\223][\128-\191]", ""):gsub("[\224-\239][\128-\191][\128-\191]", "")
    :gsub("[\240-\244][\128-\191][\128-\191][\128-\191]", "")
  return not rest:find "[%z\1-\8\14-\31\127-\255]"
end

--- Plain data; a body that is no text is told in base64.
---@param response table
---@return table
function get.to_table(response)
  local result = {
    url = response.url, status = response.status, reason = response.reason, headers = response.headers,
    connection = response.tls, file = response.file, bytes = response.bytes, resumed = response.resumed,
  }
  local body = response.body
  if body and is_text(body) then
    result.body = body
  elseif body then
    result.body_base64 = core.bytes.base64(body)
  end
  return result
end

return toolkit.define(get)
