-- What the fuzzer feeds: targets by name, each with what it begins with and what is done with bytes. What this returns or
-- raises is looked at by fuzz.c: an error of ours is an answer, any other is a find.
local engines = require "spec.support.tls"
local host = require "lacre.host"
local material = require "spec.support.readers"
local message = require "lacre.http.message"
local body = require "lacre.http.body"
local reader = require "lacre.net.reader"
local targets = require "lacre.health.targets"
local url = require "lacre.http.url"

local fuzz = {}

for what, row in pairs(material.readers) do
  fuzz[(what:gsub("%W", "-"))] = {
    seeds = { row[1] },
    run = function(bytes)
      local value, err = row[2](bytes)
      if value then
        row[3](value)
      end
      return value, err
    end,
  }
end

-- one end of a handshake hears the seeds of the other, and then anything
local function flight(from)
  from:handshake()
  return from:drain()
end

local function engine(make, seeds)
  return {
    seeds = seeds,
    run = function(bytes)
      local one = make()
      one:handshake()
      local text, err = one:advance(bytes)
      one:drain()
      one:close()
      return text, err
    end,
  }
end

local server, client = engines.server {}, engines.client {}
local function new_client() return assert(client:engine { server_name = "localhost" }) end
local function new_server() return assert(server:engine()) end
local hello = flight(new_client())

fuzz["server-engine"] = engine(new_server, { hello })
fuzz["client-engine"] = engine(new_client, { (function()
  local one = new_server()
  one:feed(hello)
  return flight(one)
end)() })

-- a stream over bytes that are all there
local function stream(bytes)
  local rest = bytes
  return setmetatable({
    time_limit = function() end,
    fill = function(_, max)
      local piece = rest:sub(1, max)
      rest = rest:sub(#piece + 1)
      if piece == "" then
        return nil, require("lacre.error").new { code = "closed", message = "the end", stage = "read" }
      end
      return piece
    end,
  }, { __index = reader })
end

fuzz["http-answer"] = {
  seeds = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n" },
  run = function(bytes)
    local from = stream(bytes)
    local head, err = message.read_status(from)
    if not head then
      return nil, err
    end
    local length
    length, err = body.framing(head.headers)
    if err then
      return nil, err
    end
    local sink = body.collector(100000)
    return body.read(from, length, sink)
  end,
}

local function text_of(read, ...)
  return { seeds = { ... }, run = read }
end

fuzz["target-list"] = text_of(function(bytes)
  return targets.read(bytes, "list")
end, "example.com\n[group]\nwarn = 30d\na@127.0.0.1:25/smtp expect=CERT_EXPIRED # x\n192.0.2.0/28\nhttps://[::1]:8443/\n")

fuzz.url = text_of(function(bytes)
  local parsed, err = url.parse(bytes)
  if parsed then
    url.resolve(parsed, bytes)
    url.format(parsed)
  end
  return parsed, err
end, "https://user@example.com:8443/a/../b?c#d")

fuzz.host = text_of(function(bytes)
  host.reference(bytes)
  return host.parse(bytes)
end, "*.bücher.example", "2001:db8::1", "127.0.0.1")

return fuzz
