--- tls.greeting: ClientHello and ServerHello as bytes, RFC 8446 sections 4.1.2 to 4.1.4.
--
-- Made and read by hand, so that a server can be asked for what this OpenSSL does not implement: old
-- versions, broken suites, new groups. Nothing secret is behind such a hello: it ends with the answer.

local core = require "lacre.core"
local lacre_error = require "lacre.error"

local greeting = {}

local char, byte = string.char, string.byte

local function u16(number)
  return char(math.floor(number / 256), number % 256)
end

local function u24(number)
  return char(math.floor(number / 65536)) .. u16(number % 65536)
end

local function vector8(bytes)
  return char(#bytes) .. bytes
end

local function vector16(bytes)
  return u16(#bytes) .. bytes
end

-- lists that are offered do not change, and few are offered to many
local encoded = setmetatable({}, { __mode = "k" })

local function numbers16(list)
  if not encoded[list] then
    local out = {}
    for i, number in ipairs(list) do
      out[i] = u16(number)
    end
    encoded[list] = table.concat(out)
  end
  return encoded[list]
end

local function extension(kind, bytes)
  return u16(kind) .. vector16(bytes)
end

local sigalgs = {
  0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0401, 0x0501, 0x0601, 0x0904, 0x0905, 0x0906, 0x0201,
  0x0203,
}

local function extensions_of(set)
  local out = {}
  if set.server_name then
    out[#out + 1] = extension(0, vector16("\0" .. vector16(set.server_name)))
  end
  if set.groups then
    out[#out + 1] = extension(10, vector16(numbers16(set.groups))) .. extension(11, "\1\0")
  end
  if not set.bare then
    out[#out + 1] = extension(13, vector16(numbers16(sigalgs)))
  end
  if set.alpn then
    out[#out + 1] = extension(16, vector16(vector8(set.alpn)))
  end
  if set.versions then
    out[#out + 1] = extension(43, vector8(numbers16(set.versions))) .. extension(51, vector16 "")
  end
  return table.concat(out)
end

local function handshake_record(version, kind, body)
  local message = char(kind) .. u24(#body) .. body
  return "\22" .. u16(version) .. vector16(message)
end

--- A ClientHello in its record. With `versions` it is one of TLS 1.3 without key shares, so that the
--- server answers with the group it would like.
---@param set table version, ciphers, versions?, groups?: numbers, in lists that do not change any more; server_name?,
--- alpn?: strings; bare?: no sigalgs
---@return string
function greeting.client(set)
  local random = lacre_error.assert(core.bytes.random(32))
  local extensions = extensions_of(set)
  local body = u16(set.version) .. random .. vector8(set.versions and random or "") .. vector16(numbers16(set.ciphers))
    .. vector8 "\0" .. (extensions ~= "" and vector16(extensions) or "")
  return handshake_record(math.min(set.version, 0x0301), 1, body)
end

local RETRY = core.bytes.digest("sha256", "HelloRetryRequest")

--- A ServerHello in its record, as a server of the zoo needs it.
---@param set { version: integer, cipher: integer, session?: string, group?: integer } `group`: a HelloRetryRequest
---@return string
function greeting.server(set)
  local random = set.group and RETRY or lacre_error.assert(core.bytes.random(32))
  local extensions = set.group and extension(43, "\3\4") .. extension(51, u16(set.group)) or nil
  return handshake_record(set.version, 2, u16(set.version) .. random .. vector8(set.session or "") .. u16(set.cipher)
    .. "\0"
    .. (extensions and vector16(extensions) or ""))
end

-- a place in some bytes, from which numbers and vectors are taken; what is cut raises
local Reader = {}
Reader.__index = Reader

function Reader:take(count)
  local from = self.at
  self.at = from + count
  if self.at > #self.bytes + 1 then
    error({ cut = true }, 0)
  end
  return self.bytes:sub(from, self.at - 1)
end

function Reader:number(width)
  local value = 0
  for _, octet in ipairs { byte(self:take(width), 1, -1) } do
    value = value * 256 + octet
  end
  return value
end

function Reader:vector(width)
  return self:take(self:number(width))
end

function Reader:is_at_end()
  return self.at > #self.bytes
end

local function reader(bytes)
  return setmetatable({ bytes = bytes, at = 1 }, Reader)
end

local function extensions_in(r)
  local found = {}
  if not r:is_at_end() then
    local inner = reader(r:vector(2))
    while not inner:is_at_end() do
      local kind = inner:number(2)
      found[kind] = inner:vector(2)
    end
  end
  return found
end

local function numbers_in(bytes)
  local set, list = {}, reader(bytes)
  while not list:is_at_end() do
    set[list:number(2)] = true
  end
  return set
end

local function read_client(bytes)
  local r = reader(bytes)
  r:take(5 + 4)
  local hello = { version = r:number(2) }
  r:take(32)
  hello.session = r:vector(1)
  hello.ciphers = numbers_in(r:vector(2))
  r:vector(1)
  local found = extensions_in(r)
  hello.groups = found[10] and numbers_in(found[10]:sub(3)) or {}
  hello.versions = found[43] and numbers_in(found[43]:sub(2)) or {}
  return hello
end

local function read_server(bytes)
  local r = reader(bytes)
  local kind = r:number(1)
  r:take(2)
  local body = reader(r:vector(2))
  if kind == 21 then
    return { kind = "alert", level = body:number(1), alert = body:number(1) }
  elseif kind ~= 22 or body:number(1) ~= 2 then
    return { kind = "other" }
  end
  body:take(3)
  local hello = { kind = "server_hello", version = body:number(2) }
  hello.is_retry = body:take(32) == RETRY
  body:vector(1)
  hello.cipher = body:number(2)
  body:take(1)
  local found = extensions_in(body)
  hello.version = found[43] and reader(found[43]):number(2) or hello.version
  hello.group = found[51] and #found[51] >= 2 and reader(found[51]):number(2) or nil
  return hello
end

local function guarded(read, bytes)
  local ok, value = pcall(read, bytes)
  if ok then
    return value
  elseif type(value) == "table" and value.cut then
    return nil
  end
  error(value, 0)
end

--- What a ClientHello says; nil where it is cut or none.
---@param bytes string
---@return { version: integer, session: string, ciphers: table, groups: table, versions: table }?
function greeting.read_client(bytes)
  return guarded(read_client, bytes)
end

--- What the first record of a server says; nil where it is cut.
---@param bytes string
---@return { kind: string, version?: integer, cipher?: integer, group?: integer, alert?: integer }?
function greeting.read_server(bytes)
  return guarded(read_server, bytes)
end

--- How many bytes the first record takes, its header among them; nil where that is not known yet, false
--- where the bytes are no record of TLS.
---@param bytes string
---@return integer|false|nil
function greeting.record_length(bytes)
  local kind, major, _, high, low = byte(bytes, 1, 5)
  if kind and (kind < 20 or kind > 24 or (major and major ~= 3)) then
    return false
  end
  return low and 5 + high * 256 + low or nil
end

return greeting
