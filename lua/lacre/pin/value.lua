--- pin.value: the pin of one public key: its SHA-256 (RFC 7469), in the spellings people use.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local pem = require "lacre.pem"

local fail = lacre_error.fail
local type, setmetatable = type, setmetatable

local pin = {}

---@class lacre.pin
---@field digest string 32 bytes
local methods = {}
local metatable = { __index = methods, __name = "lacre.pin" }

function metatable.__tostring(self)
  return self.text or "sha256//" .. core.bytes.base64(self.digest)
end

function metatable.__eq(a, b)
  return a.digest == b.digest
end

function metatable.__concat(a, b)
  return tostring(a) .. tostring(b)
end

local function wrap(digest)
  return setmetatable({ digest = digest }, metatable)
end

--- Whether a value is a pin.
---@param value any
---@return boolean
function pin.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

-- the four spellings: curl, OkHttp, HPKP, hexadecimal
local spellings = {
  { "^sha256//([%w+/=]+)$", core.bytes.unbase64 },
  { "^sha256/([%w+/=]+)$", core.bytes.unbase64 },
  { "^pin%-sha256=\"([%w+/=]+)\"$", core.bytes.unbase64 },
  { "^sha256:(%x+)$", core.bytes.unhex },
}

--- A pin from text: `sha256//BASE64` and three other spellings. SHA-1 raises an error.
---@param text string
---@return lacre.pin? pin
---@return lacre.error? err bad_pin
function pin.parse(text)
  if type(text) ~= "string" then
    error(("bad argument #1 to 'pin.parse' (string expected, got %s)"):format(type(text)), 2)
  elseif text:find "^sha1[/:]" or text:find "^pin%-sha1=" then
    error("bad argument #1 to 'pin.parse' (SHA-1 pins are not accepted; make a SHA-256 one)", 2)
  end
  for _, spelling in ipairs(spellings) do
    local body = text:match(spelling[1])
    local digest = body and spelling[2](body)
    if digest and #digest == 32 then
      return wrap(digest)
    end
  end
  return fail("parse", "bad_pin", "not a pin: %s", (text:sub(1, 80):gsub("%c", "?")))
end

local function wrapped(digest, text)
  if not digest then
    return nil, text
  end
  return setmetatable({ digest = digest, text = text }, metatable)
end

local function of_spki(bytes)
  return wrapped(core.pin.of(bytes))
end

local function of_text(text)
  local source, err = nil, nil
  if pem.is(text) then
    source = certificate.parse(text)
  end
  if not source then
    source, err = key.parse(text) -- a text that is no key has no pin, be it the name of a file
  end
  if not source then
    return nil, err
  end
  return of_spki(source:spki())
end

-- a file of io's is userdata too
local function has_key(object)
  return key.is(object) or certificate.is(object)
end

--- The pin of a certificate, key or request, of PEM text, or of the DER of a SubjectPublicKeyInfo.
---@param source lacre.cert|lacre.key|lacre.csr|string
---@return lacre.pin? pin
---@return lacre.error? err of parsing
function pin.of(source)
  local kind = type(source)
  if kind == "userdata" and has_key(source) then
    if source.spki_pin then
      return wrapped(source:spki_pin())
    end
    return of_spki(source:spki())
  elseif kind == "string" then
    return of_text(source)
  elseif pin.is(source) then
    return source
  elseif kind == "table" and source.is_csr then
    return of_spki(source:spki())
  end
  options.misuse("bad argument #1 to 'pin.of' (certificate, key, request or text expected, got %s)", kind)
end

return pin
