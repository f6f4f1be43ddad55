--- tls.peer: what a fresh engine is given beside its context, and what it logs: pins, time, staples, keys.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local settings = require "lacre.tls.settings"
local time = require "lacre.time"
local warning = require "lacre.warning"

local peer = {}

--- The time at which a context judges, or nil for now.
---@param set table settings of a context
---@return number?
---@return lacre.error? err hook_failed
function peer.time_of(set)
  local now = set.time
  if type(now) ~= "function" then
    return now
  end
  local ok, told = loop.pcall(now)
  if ok and (told == nil or (type(told) == "number" and math.abs(told) < 2 ^ 53)) then
    return told
  end
  return lacre_error.fail("verify", "hook_failed", "time raised an error, or returned no time: %s", tostring(told))
end

--- The pins that count for a name: those of its hosts, or the whole set.
---@param set table settings of a context
---@param name? string
---@return lacre.pinset?
function peer.pins_of(set, name)
  local pins = set.pin_set
  if not pins or not pins.hosts then
    return pins
  end
  return name and pins:for_host(name) or nil
end

local MOST_STAPLE = 65000 -- bytes of an extension of TLS 1.3

-- the OCSP response a server sends; a function's answer is kept until its next update
local function staple_of(set)
  local source = set.ocsp_staple
  if type(source) ~= "function" then
    return source
  end
  local kept = set.staple_kept
  if not kept or (kept.next_update and kept.next_update <= time.now()) then
    local ok, der, next_update = loop.pcall(source, set.identities[1])
    if not ok or type(der) ~= "string" or #der > MOST_STAPLE then
      local is_large = ok and type(der) == "string"
      warning.say("ocsp_staple returned no response: %s", is_large and "it is too large" or tostring(der))
      der, next_update = nil, time.now() + 60
    end
    kept = { der = der, next_update = next_update }
    set.staple_kept = kept
  end
  return kept.der
end

local function apply_pins(made, pins, now)
  local is_expired = pins.expires ~= nil and (now or time.now()) > pins.expires
  if not is_expired or pins.on_expired ~= "unpin" then
    made:pins(table.concat(pins:digests()), pins.scope, is_expired, pins.report_only)
  end
end

--- Gives a server's engine its staple. A function that is asked for it may wait: that is the connection's own affair,
--- and not that of whoever accepts others.
---@param self table
function peer.staple(self)
  self.is_stapled = true
  local set = settings.inside(self.context).set
  local staple = set.ocsp_staple and staple_of(set)
  if staple then
    self.core:staple(staple)
  end
end

--- Gives a fresh engine of the core its pins and its time.
---@param made any engine of the core
---@param set table settings of a context
---@param name? string
---@return true?
---@return lacre.error? err hook_failed
function peer.prepare(made, set, name)
  local now, err = peer.time_of(set)
  if err then
    return nil, err
  elseif now then
    made:time(now)
  end
  local pins = peer.pins_of(set, name)
  if pins then
    apply_pins(made, pins, now)
  end
  return true
end

--- Says that a set of pins that only reports does not fit, or ends soon.
---@param self table
function peer.tell_pins(self)
  local set = settings.inside(self.context).set
  local pins = set.pin_set and peer.pins_of(set, self.name)
  if pins then
    pins:warn((peer.time_of(set)))
    if pins.report_only and self.core:pin_state() == "mismatch" then
      warning.say("no key of %s matches a pin; the pin set is report_only", self.name or "the peer")
    end
  end
end

local OWNER_ONLY = 384 -- 0600

local function append(path, lines)
  core.disk.create(path, "", OWNER_ONLY) -- does nothing where there is one
  local handle, why = io.open(path, "a")
  if not handle then
    warning.say("keylog cannot be written: %s", why)
    return
  end
  handle:write(lines)
  handle:close()
end

--- Hands on what was logged for SSLKEYLOGFILE since.
---@param self table
---@return boolean done
---@return any raised by a function
function peer.log_keys(self)
  local sink = settings.inside(self.context).set.keylog
  local lines = sink and self.core:keylog()
  if type(sink) == "string" and lines then
    append(sink, lines)
    return true
  end
  for line in (lines or ""):gmatch "[^\n]+" do
    local ok, raised = loop.pcall(sink, line)
    if not ok then
      return false, raised
    end
  end
  return true
end

return peer
