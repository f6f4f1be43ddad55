--- host: the names by which hosts are known: DNS names, wildcards and IP addresses.
--
-- What a person types becomes what a certificate holds and a handshake compares: DNS names in
-- lower case without the dot at their end and, where they are not ASCII, as A-labels (lacre.host.idn);
-- IP literals as addresses, never as names (RFC 9525 section 4).

local core = require "lacre.core"
local fail = require("lacre.error").fail
local later = require "lacre.later"

local idn = later "lacre.host.idn"

local host = {}

local byte = string.byte

-- names --

-- letters, digits, hyphens; the underscore is no host's, but names of services have it
local function is_label(label)
  return #label <= 63 and label:find "^[%w_][%w_-]*$" and byte(label, -1) ~= 45
end

local function ascii_label(label)
  if label:find "[\128-\255]" then
    return idn.ascii_label(label)
  end
  return label:lower()
end

local function dns_name(text)
  local labels = {}
  if text:find "[\128-\255]" then
    text = idn.with_full_stops(text)
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
    local _, err = fail("parse", "bad_name", "not a host name: %s", (text:gsub("%c", "?")))
    err.hint = text:find "[\128-\255]" and "write it in composed characters (NFC), or as xn--..." or nil
    return nil, err
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
    return fail("parse", "bad_name", "not a host name: %s", text)
  end
  return name, err
end

return host
