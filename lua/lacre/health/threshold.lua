--- health.threshold: how long before its end a certificate is worth a warning.
--
-- "30d" is literal. "33%" is a part of the certificate's lifetime, "30d,33%" the shorter of both, and
-- "auto" is thirty days or a third of the lifetime: the same for certificates of ninety days and more, and
-- sensible for those that live for days.

local decimal = require "lacre.decimal"
local lacre_error = require "lacre.error"
local time = require "lacre.time"

local threshold = {}

local DAY = 86400
local AUTO = { { seconds = 30 * DAY }, { part = 1 / 3 } }

local function term_of(text)
  local percent = text:match "^(%d+%.?%d*)%%$"
  if percent then
    local part = decimal.parse(percent) / 100
    return part <= 1 and { part = part } or nil
  end
  local seconds = time.duration(text)
  return seconds and { seconds = seconds }
end

--- Reads a threshold.
---@param value string|number seconds, or "30d" "12h" "33%" "30d,33%" "auto"
---@return table? threshold
---@return lacre.error? err bad_time
function threshold.parse(value)
  if type(value) == "number" and value >= 0 then
    return { { seconds = value } }
  elseif value == "auto" then
    return AUTO
  end
  local terms = {}
  for text in tostring(value):gmatch "[^,]+" do
    local term = term_of(text)
    if not term then
      terms = {}
      break
    end
    terms[#terms + 1] = term
  end
  if #terms == 0 then
    local _, err = lacre_error.fail("config", "bad_time", "not a threshold: %s", tostring(value))
    err.hint = "write 30d, 12h, 33%, 30d,33% or auto"
    return nil, err
  end
  return terms
end

--- Seconds before the end at which a certificate of some lifetime is due.
---@param terms table of `parse`
---@param lifetime number seconds
---@return number
function threshold.seconds(terms, lifetime)
  local least = math.huge
  for i = 1, #terms do
    local term = terms[i]
    least = math.min(least, term.seconds or term.part * lifetime)
  end
  return least
end

--- For option schemas.
---@param value any
---@return any?
---@return string? why
function threshold.option(value)
  local terms, err = threshold.parse(value)
  return terms and value, err and err.message
end

return threshold
