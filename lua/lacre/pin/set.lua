--- pin.set: pins together: which of them a chain has, for which hosts they are, and until when.

local certificate = require "lacre.cert.read"
local host = require "lacre.host"
local options = require "lacre.options"
local pem = require "lacre.pem"
local pin = require "lacre.pin.value"
local time = require "lacre.time"
local warning = require "lacre.warning"

local pin_set = {}

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
  if type(value) == "string" and not pem.is(value) then
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
  if not parsed or parsed.is_wildcard then
    error(("bad option 'hosts' to 'pin.set' ('%s' is not a host name)"):format(tostring(pattern)), 0)
  end
  return (pattern:match "^%*%*?%." or "") .. parsed.value
end

-- RFC 7469 section 4.3: with one pin, the loss of one key locks everybody out
local function warn_alone(set)
  if #set.pins == 1 and not set.allow_no_backup then
    warning.say("%s is the only pin: if its key is lost, nobody can connect; add a backup, or allow_no_backup = true",
      tostring(set.pins[1]))
  end
  set:warn()
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
      allow_no_backup = set.allow_no_backup,
    }, set_metatable)
    warn_alone(hosts[check_pattern(pattern)])
  end
  return hosts
end

local function make(given)
  local list, named = divide(given)
  local set = options.check(schema, named, "pin.set")
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
  warn_alone(setmetatable(set, set_metatable))
  return set
end

--- A pin set: `pin.set { "sha256//...", "sha256//..." }`, with options in the same table.
---@param given table|string|lacre.pin|lacre.cert|lacre.key
---@return lacre.pinset? set
---@return lacre.error? err bad_pin
function pin_set.new(given)
  if type(given) == "table" and getmetatable(given) == set_metatable then
    return given
  elseif type(given) ~= "table" or pin.is(given) then
    given = { given }
  end
  return options.blame(make, given)
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

--- The first pin of the set that matches a certificate of a verified chain.
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
    options.expect("match", 1, certificate.is(cert), "list of certificates", cert)
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

--- The part of the set for a host: its most specific pattern, or the whole set if it
--- has none. Nil if the set does not cover the host.
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

local SOON = 30 * 86400

--- Warns, once for each date, that the set expires within 30 days, or has expired and pins nothing any more.
---@param now? number
function set_methods:warn(now)
  local left = self:expires_in(now)
  if not left or left > SOON then
    return
  elseif left >= 0 then
    warning.say("the pin set expires on %s; give it a later date, or newer pins", time.format(self.expires, "date"))
  elseif self.on_expired == "unpin" then
    warning.say("the pin set expired on %s, and pins nothing any more", time.format(self.expires, "date"))
  end
end

--- The set as plain data: `pins` as texts, `scope`, `expires`, `on_expired`, `report_only`.
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

return pin_set
