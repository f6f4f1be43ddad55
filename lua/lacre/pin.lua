--- pin: the SHA-256 of a public key (RFC 7469), alone and in sets.
--
-- A pin names a key, not a certificate: it survives renewals that keep the key. Sets are matched
-- against the verified chain only; a chain as presented proves nothing.

local certificate = require "lacre.cert.read"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local pin_set = require "lacre.pin.set"
local time = require "lacre.time"
local value = require "lacre.pin.value"
local warning = require "lacre.warning"

local pin = { is = value.is, parse = value.parse, of = value.of, set = pin_set.new }

-- checking --

--- The pins of a chain, ready to paste: `{ { pin =, subject = }, ... }`.
---@param chain lacre.cert[]
---@return table[]
function pin.of_chain(chain)
  options.expect("pin.of_chain", 1, type(chain) == "table", "list of certificates", chain)
  local list = {}
  for i, cert in ipairs(chain) do
    options.expect("pin.of_chain", 1, certificate.is(cert), "list of certificates", cert)
    list[i] = { pin = cert:pin(), subject = tostring(cert:subject()) }
  end
  return list
end

--- The error of a verified chain without any pin of a set.
---@param set lacre.pinset
---@param chain lacre.cert[]
---@return lacre.error
---@package
function pin.mismatch(set, chain)
  local lines = {}
  for i, one in ipairs(pin.of_chain(chain)) do
    lines[i] = ("%s (%s)"):format(one.pin, one.subject)
  end
  return lacre_error.new {
    code = "pin_mismatch", stage = "verify", library = "lacre", depth = 0, cert = chain[1], chain = chain,
    message = "no key in the chain matches a pin; the chain has " .. table.concat(lines, ", "),
    detail = { pins = set:to_table().pins, presented_pins = pin.of_chain(chain) },
  }
end

--- Checks a verified chain against pins.
---@param pins any a pin set, or anything that pin.set accepts
---@param chain lacre.cert[]
---@param now? number
---@return true? matches
---@return lacre.error? err pin_mismatch pin_expired bad_pin
function pin.check(pins, chain, now)
  local set, err = pin.set(pins)
  if not set then
    return nil, err
  end
  set:warn(now)
  if set.expires and (now or time.now()) > set.expires then
    if set.on_expired == "unpin" then
      return true
    end
    return nil, lacre_error.new {
      code = "pin_expired", stage = "verify", library = "lacre", detail = { expires = set.expires },
      message = ("the pins expired on %s"):format(time.format(set.expires, "date")),
    }
  elseif set:match(chain) then
    return true
  elseif set.report_only then
    warning.say("no key of %s matches a pin; the pin set is report_only", tostring(chain[1] and chain[1]:subject()))
    return true
  end
  return nil, pin.mismatch(set, chain)
end

return pin
