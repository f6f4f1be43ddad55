--- pin: the SHA-256 of a public key (RFC 7469), alone and in sets.
--
-- A pin names a key, not a certificate: it survives renewals that keep the key. Sets are matched
-- against the verified chain only; a chain as presented proves nothing.

local certificate = require "lacre.certificate"
local core = require "lacre.core"
local der = require "lacre.der"
local host = require "lacre.host"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"

local fail = lacre_error.fail

local pin = {}

---@class lacre.pin
---@field digest string 32 bytes
local methods = {}
local metatable = { __index = methods, __name = "lacre.pin" }

function metatable.__tostring(self)
  return "sha256//" .. core.bytes.base64(self.digest)
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
---@return boolean
function pin.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

-- the four spellings: curl, OkHttp, HPKP, hexadecimal
local spellings = {
  { "^sha256//([%w+/=]+)$", core.bytes.unbase64 },
  { "^sha256/([%w+/=]+)$", core.bytes.unbase64 },
  { "^pin%-sha256=\"([%w+/=]+)\"$", core.bytes.unbase64 },
  { "^sha256:(%x+)$", function(text)
    return #text % 2 == 0 and der.from_hex(text) or nil
  end },
}

--- A pin from text: `sha256//BASE64` and three other spellings. SHA-1 raises: it is no pin.
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

local function of_spki(bytes)
  return wrap(core.bytes.digest("sha256", bytes))
end

local function of_text(text)
  local source, err = nil, nil
  if text:find("-----BEGIN ", 1, true) then
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

--- The pin of a certificate, key or request, of PEM text, or of an encoded SubjectPublicKeyInfo.
---@param source lacre.cert|lacre.key|lacre.csr|string
---@return lacre.pin? pin
---@return lacre.error? err of parsing
function pin.of(source)
  if pin.is(source) then
    return source
  elseif type(source) == "string" then
    return of_text(source)
  elseif type(source) == "userdata" or (type(source) == "table" and source.is_csr) then
    return of_spki(source:spki())
  end
  error(("bad argument #1 to 'pin.of' (certificate, key, request or text expected, got %s)"):format(type(source)), 2)
end

-- sets --

---@class lacre.pinset
---@field scope "leaf"|"chain"|"issuer"
---@field expires? number
---@field report_only boolean
local set_methods = {}
local set_metatable = { __index = set_methods, __name = "lacre.pinset" }

local schema = {
  pins = { type = "list" },
  backup = { type = "any" },
  hosts = { type = "table" },
  expires = { type = "instant" },
  on_expired = { type = "string", values = { "fail", "unpin" }, default = "fail" },
  scope = { type = "string", values = { "leaf", "chain", "issuer" }, default = "chain" },
  report_only = { type = "boolean", default = false },
  allow_no_backup = { type = "boolean", default = false },
}

local function add_pin(list, seen, value)
  local made, err
  if type(value) == "string" and not value:find("-----BEGIN ", 1, true) then
    made, err = pin.parse(value)
  else
    made, err = pin.of(value)
  end
  if made and not seen[made.digest] then
    seen[made.digest] = true
    list[#list + 1] = made
  end
  return made, err
end

local function add_pins(list, seen, values)
  local is_one = type(values) ~= "table" or pin.is(values) or values.is_csr
  for _, value in ipairs(is_one and { values } or values) do
    local made, err = add_pin(list, seen, value)
    if not made then
      return nil, err
    end
  end
  return true
end

-- list part and named part of one table
local function divide(given)
  local list, named = {}, {}
  for name, value in pairs(given) do
    (type(name) == "number" and list or named)[name] = value
  end
  return list, named
end

local function collect(list, set)
  local pins, seen = {}, {}
  for _, values in ipairs { list, set.pins or {}, set.backup ~= nil and { set.backup } or {} } do
    local done, err = add_pins(pins, seen, values)
    if not done then
      return nil, err
    end
  end
  return pins
end

-- "*." stands for one label, "**." for any number of them or none
local function check_pattern(pattern)
  local bare = tostring(pattern):gsub("^%*%*?%.", "")
  local parsed = type(pattern) == "string" and host.parse(bare)
  if not parsed then
    error(("bad option 'hosts' to 'pin.set' ('%s' is no host)"):format(tostring(pattern)), 0)
  end
  return (pattern:match "^%*%*?%." or "") .. parsed.value
end

local function make_hosts(given, set)
  local hosts = {}
  for pattern, values in pairs(given) do
    local pins, err = collect(type(values) == "table" and not pin.is(values) and values or { values }, {})
    if not pins then
      return nil, err
    end
    hosts[check_pattern(pattern)] = setmetatable({
      pins = pins, scope = set.scope, expires = set.expires, on_expired = set.on_expired, report_only = set.report_only,
    }, set_metatable)
  end
  return hosts
end

local function make(given)
  local list, named = divide(given)
  local set = options.check(schema, named, "pin.set", 4)
  local pins, err = collect(list, set)
  local hosts
  if pins and set.hosts then
    hosts, err = make_hosts(set.hosts, set)
  end
  if not pins or (set.hosts and not hosts) then
    return nil, err
  elseif #pins == 0 and not hosts then
    error("bad options to 'pin.set' (no pin)", 0)
  end
  set.pins, set.hosts, set.backup = pins, hosts, nil
  for i, one in ipairs(pins) do
    set[i] = one -- `#set`, also where tables have no __len
  end
  return setmetatable(set, set_metatable)
end

--- A set of pins: `pin.set { "sha256//...", "sha256//..." }`, with options beside them.
---@param given table|string|lacre.pin|lacre.cert|lacre.key
---@return lacre.pinset? set
---@return lacre.error? err bad_pin
function pin.set(given)
  if type(given) == "table" and getmetatable(given) == set_metatable then
    return given
  elseif type(given) ~= "table" or pin.is(given) then
    given = { given }
  end
  local ok, set, err = pcall(make, given)
  if not ok then
    error(type(set) == "string" and set:gsub("^[^:]*:%d+: ", "") or set, type(set) == "string" and 2 or 0)
  end
  return set, err
end

--- The raw SHA-256 digests of the pins.
---@return string[]
function set_methods:digests()
  local list = {}
  for i, one in ipairs(self.pins) do
    list[i] = one.digest
  end
  return list
end

local function in_scope(scope, i)
  return scope == "chain" or (scope == "leaf") == (i == 1)
end

--- The first pin of the set that a certificate of a verified chain has.
---@param chain lacre.cert[] leaf first
---@return lacre.pin? pin
---@return lacre.cert? cert
function set_methods:match(chain)
  options.argument("match", 1, chain, "table")
  local known = {}
  for _, one in ipairs(self.pins) do
    known[tostring(one)] = one
  end
  for i, cert in ipairs(chain) do
    local found = in_scope(self.scope, i) and known[cert:pin()]
    if found then
      return found, cert
    end
  end
end

local function fits(pattern, name)
  local stars, rest = pattern:match "^(%*%*?)%.(.*)$"
  if not stars then
    return pattern == name
  elseif stars == "**" and name == rest then
    return true
  end
  local below = name:sub(-#rest - 1) == "." .. rest and name:sub(1, -#rest - 2)
  return below ~= false and below ~= "" and (stars == "**" or not below:find(".", 1, true))
end

--- The part of the set that concerns a host: its most specific pattern, or the whole set where it
--- has none. Nil where the set says nothing of the host.
---@param name string
---@return lacre.pinset? set
function set_methods:for_host(name)
  if not self.hosts then
    return self
  end
  local parsed, best = host.parse(name), nil
  for pattern in pairs(parsed and self.hosts or {}) do
    if fits(pattern, parsed.value) and (not best or #pattern > #best) then
      best = pattern
    end
  end
  return best and self.hosts[best] or (#self.pins > 0 and self or nil)
end

--- Seconds until the set expires, or nil.
---@param now? number
---@return number?
function set_methods:expires_in(now)
  return self.expires and self.expires - (now or time.now())
end

---@return table
function set_methods:to_table()
  local list = {}
  for i, one in ipairs(self.pins) do
    list[i] = tostring(one)
  end
  return {
    pins = list, scope = self.scope, expires = self.expires, on_expired = self.on_expired,
    report_only = self.report_only,
  }
end

-- checking --

--- The pins of a chain, ready to be pasted: `{ { pin =, subject = }, ... }`.
---@param chain lacre.cert[]
---@return table[]
function pin.of_chain(chain)
  local list = {}
  for i, cert in ipairs(chain) do
    list[i] = { pin = cert:pin(), subject = tostring(cert:subject()) }
  end
  return list
end

--- The error of a verified chain without any pin of a set.
---@param set lacre.pinset
---@param chain lacre.cert[]
---@return lacre.error
function pin.mismatch(set, chain)
  local lines = {}
  for i, one in ipairs(pin.of_chain(chain)) do
    lines[i] = ("%s (%s)"):format(one.pin, one.subject)
  end
  return lacre_error.new {
    code = "pin_mismatch", stage = "verify", library = "lacre", depth = 0, cert = chain[1], chain = chain,
    message = "no certificate of the chain has a pinned key; it has " .. table.concat(lines, ", "),
    detail = { pins = set:to_table().pins, presented_pins = pin.of_chain(chain) },
  }
end

--- Checks a verified chain against pins.
---@param pins any a set, or what pin.set takes
---@param chain lacre.cert[]
---@param now? number
---@return true? matches
---@return lacre.error? err pin_mismatch pin_expired bad_pin
function pin.check(pins, chain, now)
  local set, err = pin.set(pins)
  if not set then
    return nil, err
  elseif set.expires and (now or time.now()) > set.expires then
    if set.on_expired == "unpin" then
      return true
    end
    return nil, lacre_error.new {
      code = "pin_expired", stage = "verify", library = "lacre", detail = { expires = set.expires },
      message = ("the pins expired on %s"):format(time.format(set.expires, "date")),
    }
  elseif set.report_only or set:match(chain) then
    return true
  end
  return nil, pin.mismatch(set, chain)
end

return pin
