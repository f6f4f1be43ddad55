--- tls.abilities: what this build of OpenSSL can do under lacre's default policy, and the digests and random
--- bytes it makes.

local core = require "lacre.core"
local groups = require "lacre.tls.groups"
local options = require "lacre.options"
local sigalgs = require "lacre.tls.sigalgs"
local suites = require "lacre.tls.suites"

local abilities = {}

--- The cipher suites that are offered by default, best first.
---@return { name: string, openssl_name: string, bits: integer, version: string }[]
function abilities.ciphers()
  local list = {}
  for _, name in ipairs(suites.policies.default.ciphers) do
    local row = suites.row(name)
    list[#list + 1] = row and {
      name = row.name, openssl_name = row.openssl_name, bits = row.bits, version = row.version,
    }
  end
  return list
end

--- The key exchange groups this build has, those of the default policy first.
---@return { name: string }[]
function abilities.groups()
  local list, seen = {}, {}
  for _, names in ipairs { suites.policies.default.groups, groups.names } do
    for _, given in ipairs(names) do
      local name = given:gsub("^%?", "")
      if not seen[name] and groups.list { name } then
        seen[name] = true
        list[#list + 1] = { name = name }
      end
    end
  end
  return list
end

--- The signature schemes this build has, as `sigalgs` takes them.
---@return { name: string }[]
function abilities.sigalgs()
  local list = {}
  for _, name in ipairs(sigalgs.names()) do
    if sigalgs.has(name) then
      list[#list + 1] = { name = name }
    end
  end
  return list
end

local encodings = {
  raw = function(bytes)
    return bytes
  end,
  hex = core.bytes.hex,
  base64 = core.bytes.base64,
}

local function encoding_of(format, what, place)
  local encode = encodings[format]
  options.expect(what, place, encode, "hex, base64 or raw", format)
  return encode
end

--- The digest (hash) of some bytes.
---@param algorithm string "sha256" "sha384" "sha512" "sha3-256" ...
---@param data string
---@param format? "hex"|"base64"|"raw" hex by default
---@return string?
---@return lacre.error? err unsupported
function abilities.digest(algorithm, data, format)
  options.argument("digest", 1, algorithm, "string")
  options.argument("digest", 2, data, "string")
  local encode = encoding_of(format or "hex", "digest", 3)
  local bytes, err = core.bytes.digest(algorithm, data)
  return bytes and encode(bytes), err
end

--- Random bytes from OpenSSL's generator.
---@param count integer
---@param format? "hex"|"base64"|"raw" raw by default
---@return string?
---@return lacre.error? err
function abilities.random(count, format)
  options.argument("random", 1, count, "number")
  local fits = count >= 0 and count <= 1048576 and count % 1 == 0
  options.expect("random", 1, fits, "whole number from 0 to 1048576", count)
  local encode = encoding_of(format or "raw", "random", 2)
  local bytes, err = core.bytes.random(count)
  return bytes and encode(bytes), err
end

return abilities
