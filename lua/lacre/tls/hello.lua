--- tls.hello: a ClientHello, as somebody who chooses wants to read it.
--
-- C hands over the vectors as they came (RFC 8446 section 4.1.2); here they become names, and the
-- fingerprint by which client programs are told apart (JA4). Malformed vectors are empty lists.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local groups = require "lacre.tls.groups"
local sigalgs = require "lacre.tls.sigalgs"
local suites = require "lacre.tls.suites"

local hello = {}

-- values that clients make up so that nobody relies on lists being closed (RFC 8701)
local function is_grease(number)
  local high, low = math.floor(number / 256), number % 256
  return high == low and low % 16 == 10
end

-- numbers of two bytes each
local function numbers(bytes)
  local list = {}
  for at = 1, #bytes - 1, 2 do
    local high, low = bytes:byte(at, at + 1)
    local number = high * 256 + low
    if not is_grease(number) then
      list[#list + 1] = number
    end
  end
  return list
end

-- the content of a vector whose length stands before it in `width` bytes
local function vector(bytes, width)
  if not bytes or #bytes < width then
    return ""
  end
  local a, b = bytes:byte(1, 2)
  local length = width == 1 and a or a * 256 + b
  return length == #bytes - width and bytes:sub(width + 1) or ""
end

local function strings(bytes)
  local list, at = {}, 1
  while at <= #bytes do
    local length = bytes:byte(at)
    if length == 0 or at + length > #bytes then
      return {}
    end
    list[#list + 1] = bytes:sub(at + 1, at + length)
    at = at + length + 1
  end
  return list
end

local version_names = { [0x0301] = "1.0", [0x0302] = "1.1", [0x0303] = "1.2", [0x0304] = "1.3" }

local function hex(list)
  local out = {}
  for i, number in ipairs(list) do
    out[i] = ("%04x"):format(number)
  end
  return out
end

local function digest(text)
  if text == "" then
    return ("0"):rep(12)
  end
  return core.bytes.hex(lacre_error.assert(core.bytes.digest("sha256", text)):sub(1, 6))
end

local function first_and_last(alpn)
  local name = alpn[1]
  if not name then
    return "00"
  end
  local ends = name:sub(1, 1) .. name:sub(-1)
  return ends:find "^%w%w$" and ends or ("%02x"):format(name:byte(1)):sub(1, 1) .. ("%02x"):format(name:byte(-1)):sub(2)
end

local SERVER_NAME, ALPN = 0, 16

--- The JA4 fingerprint of a ClientHello over TCP.
local function fingerprint(raw, alpn, versions)
  local ciphers, extensions = numbers(raw.ciphers or ""), numbers(raw.extensions or "")
  local best = raw.legacy_version
  for _, version in ipairs(versions) do
    best = math.max(best, version)
  end
  local kept, has_name = {}, false
  for _, kind in ipairs(extensions) do
    has_name = has_name or kind == SERVER_NAME
    if kind ~= SERVER_NAME and kind ~= ALPN then
      kept[#kept + 1] = kind
    end
  end
  local schemes = table.concat(hex(numbers(vector(raw.sigalgs, 2))), ",")
  local sorted_ciphers, sorted_kinds = hex(ciphers), hex(kept)
  table.sort(sorted_ciphers)
  table.sort(sorted_kinds)
  local tail = table.concat(sorted_kinds, ",") .. (schemes ~= "" and "_" .. schemes or "")
  return ("t%s%s%02d%02d%s_%s_%s"):format(
    (version_names[best] or "00"):gsub("%.", ""), has_name and "d" or "i", math.min(#ciphers, 99),
    math.min(#extensions, 99), first_and_last(alpn), digest(table.concat(sorted_ciphers, ",")), digest(tail)
  )
end

local function named(list, name_of)
  local out = {}
  for i, number in ipairs(list) do
    out[i] = name_of(number) or ("0x%04x"):format(number)
  end
  return out
end

local function version_of(number)
  return version_names[number]
end

--- What `on_client_hello` is shown.
---@param raw table of `engine:hello()`
---@param address? string of the client
---@return table hello server_name?, address?, fingerprint; lists of names: alpn versions groups ciphers sigalgs
function hello.describe(raw, address)
  local alpn = strings(vector(raw.alpn, 2))
  local versions = numbers(vector(raw.versions, 1))
  return {
    server_name = raw.server_name,
    alpn = alpn,
    versions = named(#versions > 0 and versions or { raw.legacy_version }, version_of),
    groups = named(numbers(vector(raw.groups, 2)), groups.name_of),
    ciphers = named(numbers(raw.ciphers or ""), suites.cipher_of),
    sigalgs = named(numbers(vector(raw.sigalgs, 2)), sigalgs.name_of),
    address = address,
    fingerprint = fingerprint(raw, alpn, versions),
  }
end

return hello
