--- host: the names by which hosts are known: DNS names, wildcards and IP addresses.
--
-- What a person types becomes what a certificate holds and a handshake compares: DNS names in
-- lower case without the dot at their end and, where they are not ASCII, as A-labels (RFC 5890,
-- punycode of RFC 3492); IP literals as addresses, never as names (RFC 9525 section 4).

local core = require "lacre.core"
local fail = require("lacre.error").fail

local host = {}

local byte, floor = string.byte, math.floor

-- UTF-8 --

local function code_points(text)
  local points, i = {}, 1
  while i <= #text do
    local c = text:byte(i)
    local n = c < 0x80 and 0 or c >= 0xc2 and c < 0xe0 and 1
      or c >= 0xe0 and c < 0xf0 and 2 or c >= 0xf0 and c < 0xf5 and 3
    if not n or i + n > #text then
      return nil
    end
    local point = n == 0 and c or c % 2 ^ (6 - n)
    for j = i + 1, i + n do
      local t = text:byte(j)
      if t < 0x80 or t > 0xbf then
        return nil
      end
      point = point * 64 + t - 0x80
    end
    points[#points + 1], i = point, i + n + 1
  end
  return points
end

-- ranges of capital letters and what to add for their small ones; pairs alternate
local ranges = { { 0x41, 0x5a, 32 }, { 0xc0, 0xde, 32 }, { 0x391, 0x3ab, 32 },
  { 0x410, 0x42f, 32 }, { 0x400, 0x40f, 80 } }
local pairs_of_case = { { 0x100, 0x137 }, { 0x14a, 0x177 }, { 0x460, 0x481 }, { 0x48a, 0x4bf }, { 0x4d0, 0x52f } }

local function lower(point)
  for _, range in ipairs(ranges) do
    if point >= range[1] and point <= range[2] and point ~= 0xd7 then
      return point + range[3]
    end
  end
  for _, range in ipairs(pairs_of_case) do
    if point >= range[1] and point <= range[2] and point % 2 == 0 then
      return point + 1
    end
  end
  return point
end

-- punycode, RFC 3492 section 6 --

local function adapt(delta, count, is_first)
  delta = floor(delta / (is_first and 700 or 2))
  delta = delta + floor(delta / count)
  local k = 0
  while delta > 455 do
    delta, k = floor(delta / 35), k + 36
  end
  return k + floor(36 * delta / (delta + 38))
end

local function digit(n)
  return string.char(n < 26 and n + 97 or n + 22)
end

local function variable_length(out, delta, bias)
  local q, k = delta, 36
  while true do
    local t = k <= bias and 1 or k >= bias + 26 and 26 or k - bias
    if q < t then
      break
    end
    out[#out + 1] = digit(t + (q - t) % (36 - t))
    q, k = floor((q - t) / (36 - t)), k + 36
  end
  out[#out + 1] = digit(q)
end

local function next_point(points, at_least)
  local best = math.huge
  for _, point in ipairs(points) do
    if point >= at_least and point < best then
      best = point
    end
  end
  return best
end

local function punycode(points)
  local out = {}
  for _, point in ipairs(points) do
    if point < 0x80 then
      out[#out + 1] = string.char(point)
    end
  end
  local basic, handled, n, delta, bias = #out, #out, 128, 0, 72
  if basic > 0 then
    out[#out + 1] = "-"
  end
  while handled < #points do
    local m = next_point(points, n)
    delta, n = delta + (m - n) * (handled + 1), m
    for _, point in ipairs(points) do
      if point < n then
        delta = delta + 1
      elseif point == n then
        variable_length(out, delta, bias)
        bias = adapt(delta, handled + 1, handled == basic)
        delta, handled = 0, handled + 1
      end
    end
    delta, n = delta + 1, n + 1
  end
  return "xn--" .. table.concat(out)
end

-- names --

local function ascii_label(label)
  if not label:find "[\128-\255]" then
    return label:lower()
  end
  local points = code_points(label)
  for i, point in ipairs(points or {}) do
    points[i] = lower(point)
  end
  return points and punycode(points)
end

-- letters, digits, hyphens; the underscore is no host's, but names of services have it
local function is_label(label)
  return #label <= 63 and label:find "^[%w_][%w_-]*$" and byte(label, -1) ~= 45
end

local function dns_name(text)
  local labels = {}
  if text:find "[\128-\255]" then
    text = text:gsub("\227\128\130", ".") -- the ideographic full stop
  end
  if byte(text, -1) == 46 then -- a full stop at the end
    text = text:sub(1, -2)
  end
  for label in (text .. "."):gmatch "([^.]*)%." do
    local is_wildcard = #labels == 0 and label == "*"
    local ascii = is_wildcard and label or ascii_label(label)
    if not ascii or not (is_wildcard or is_label(ascii)) then
      return nil
    end
    labels[#labels + 1] = ascii
  end
  local name = table.concat(labels, ".")
  if #name > 253 or labels[#labels]:find "^%d+$" or (labels[1] == "*" and #labels < 2) then
    return nil
  end
  return name
end

--- Whether a text is an IPv4 address with leading zeros, which some read as octal and others do not: what is
--- verified might not be what is dialled.
---@param text string
---@return boolean
function host.is_octal(text)
  return text:find "^[%d.]+$" ~= nil and ("." .. text):find "%.0%d" ~= nil
end

--- What a host's name is: `{ type = "dns"|"ip", value = text, address = raw bytes of an IP }`.
--- A wildcard is a DNS name whose leftmost label is `*`; certificates have them, hosts do not.
---@param text string DNS name (also in UTF-8), IPv4 or IPv6 literal, with or without brackets
---@return { type: string, value: string, address?: string }? name
---@return lacre.error? err bad_name
function host.parse(text)
  local bare = byte(text) == 91 and text:match "^%[(.*)%]$" or text
  if host.is_octal(bare) then
    return fail("parse", "bad_name", "not a host name: %s", text)
  end
  local address, usual = core.bytes.address(bare)
  if address then
    return { type = "ip", value = usual, address = address }
  end
  local name = dns_name(text)
  if not name then
    return fail("parse", "bad_name", "not a host name: %s", (text:gsub("%c", "?")))
  end
  return { type = "dns", value = name, is_wildcard = byte(name) == 42 }
end

--- The same for a name that is about to be verified: no wildcard.
---@param text string
---@return table? name
---@return lacre.error? err bad_name
function host.reference(text)
  local name, err = host.parse(text)
  if name and name.is_wildcard then
    return fail("parse", "bad_name", "not the name of a host: %s", text)
  end
  return name, err
end

return host
