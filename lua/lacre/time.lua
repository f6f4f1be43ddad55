--- time: instants are seconds since 1970, durations are seconds. Nothing else.
--
-- Both are plain numbers, so that they compare and add; text is for people and configuration.
-- The calendar is computed here (proleptic Gregorian, UTC), because os.time and os.date depend on
-- the time zone and, on 32-bit systems, end in 2038.

local core = require "lacre.core"
local decimal = require "lacre.decimal"
local fail = require("lacre.error").fail

local time = {}

--- Now, in seconds since 1970, with fraction.
---@return number
time.now = core.clock.now

--- A monotonic clock, for time limits. Its zero is arbitrary.
---@return number seconds
time.monotonic = core.clock.monotonic

local floor = math.floor

-- days since 1970-01-01 of a date; March is the first month, so that the leap day comes last
local function days_of(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local era = floor(year / 400)
  local of_era = year - era * 400
  local of_year = floor((153 * (month - 3) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + floor(of_era / 4) - floor(of_era / 100) + of_year - 719468
end

local function date_of(days)
  days = days + 719468
  local era = floor(days / 146097)
  local of_era = days - era * 146097
  local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local month = floor((5 * of_year + 2) / 153)
  local day = of_year - floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  return year + era * 400 + (month <= 2 and 1 or 0), month, day
end

local month_days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_date(year, month, day)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  local last = month_days[month] and month_days[month] + (month == 2 and leap and 1 or 0)
  return last ~= nil and day >= 1 and day <= last
end

local function offset_of(zone)
  if zone == "Z" or zone == "z" or zone == "" then
    return 0
  end
  local sign, hours, minutes = zone:match "^([+-])(%d%d):?(%d%d)$"
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
    return nil
  end
  return (sign == "+" and 1 or -1) * (hours * 3600 + minutes * 60)
end

local function parse_text(text)
  local y, mo, d, rest = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$"
  if not y or not is_date(tonumber(y), tonumber(mo), tonumber(d)) then
    return nil
  end
  local midnight = days_of(tonumber(y), tonumber(mo), tonumber(d)) * 86400
  if rest == "" then
    return midnight
  end
  local h, mi, s, fraction, zone = rest:match "^[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)([Zz+-].*)$"
  local offset = zone and offset_of(zone)
  if not offset or fraction == "." or tonumber(h) > 23 or tonumber(mi) > 59 or tonumber(s) > 60 then
    return nil
  end
  local seconds = midnight + h * 3600 + mi * 60 + s - offset
  return #fraction > 1 and seconds + decimal.parse(fraction) or floor(seconds)
end

--- A time from a number, or from RFC 3339 text: `2026-01-31` (midnight UTC) or
--- `2026-01-31T12:00:00Z`, with an optional fraction and offset.
---@param value number|string
---@return number? instant
---@return lacre.error? err bad_time
function time.parse(value)
  if type(value) == "number" and value == value and math.abs(value) < math.huge then
    return value
  end
  local instant = type(value) == "string" and parse_text(value)
  if not instant then
    return fail("parse", "bad_time", "not a time: %s", tostring(value))
  end
  return instant
end

local units = { s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400, y = 365 * 86400 }

--- Seconds of a duration: a number, or text such as `90d`, `12h`, `30m`, `10s`, `1d12h`, `10y` (of 365 days).
---@param value number|string
---@return number? seconds never negative
---@return lacre.error? err bad_time
function time.duration(value)
  if type(value) == "number" and value >= 0 and value < math.huge then
    return value
  end
  local total, rest = 0, type(value) == "string" and value or ""
  while rest ~= "" do
    local amount, unit, after = rest:match "^(%d+%.?%d*)(%a)(.*)$"
    if not units[unit] then
      break
    end
    total, rest = total + decimal.parse(amount) * units[unit], after
  end
  if type(value) ~= "string" or value == "" or rest ~= "" then
    return fail("parse", "bad_time", "not a duration: %s (write 90d, 12h, 30m or 10s)", tostring(value))
  end
  return total == floor(total) and floor(total) or total
end

local day_names = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }
local month_names = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

local function fields(instant)
  local whole = floor(instant)
  local days = floor(whole / 86400)
  local second = whole - days * 86400
  local year, month, day = date_of(days)
  return {
    year = year, month = month, day = day, weekday = days % 7 + 1,
    hour = floor(second / 3600), min = floor(second / 60) % 60, sec = second % 60,
  }
end

local styles = {
  rfc3339 = function(f)
    return ("%04d-%02d-%02dT%02d:%02d:%02dZ"):format(f.year, f.month, f.day, f.hour, f.min, f.sec)
  end,
  date = function(f)
    return ("%04d-%02d-%02d"):format(f.year, f.month, f.day)
  end,
  -- RFC 9110 section 5.6.7
  http = function(f)
    return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(
      day_names[f.weekday], f.day, month_names[f.month], f.year, f.hour, f.min, f.sec
    )
  end,
  -- RFC 5280 section 4.1.2.5: two digits of the year up to 2049
  asn1 = function(f)
    local year = f.year >= 1950 and f.year < 2050 and ("%02d"):format(f.year % 100) or ("%04d"):format(f.year)
    return ("%s%02d%02d%02d%02d%02dZ"):format(year, f.month, f.day, f.hour, f.min, f.sec)
  end,
}

local function check_number(what, value)
  if type(value) ~= "number" then
    error(("bad argument #1 to '%s' (number expected, got %s)"):format(what, type(value)), 3)
  elseif value ~= value or math.abs(value) == math.huge then
    error(("bad argument #1 to '%s' (finite number expected)"):format(what), 3)
  end
end

--- Formats a time, in UTC.
---@param instant number
---@param style? "rfc3339"|"date"|"http"|"asn1"|"local"|string a style, or a format of `os.date`; rfc3339 by default
---@return string
function time.format(instant, style)
  check_number("time.format", instant)
  local render = styles[style or "rfc3339"]
  if render then
    return render(fields(instant))
  end
  return os.date(style == "local" and "%Y-%m-%d %H:%M:%S" or style, floor(instant))
end

local scale = {
  { 2 * 365 * 86400, 365 * 86400, "year" },
  { 2 * 86400, 86400, "day" },
  { 2 * 3600, 3600, "hour" },
  { 2 * 60, 60, "minute" },
  { 0, 1, "second" },
}

--- A duration for people: "3 days", "90 minutes", "1 second". Rounded down; the sign is dropped.
---@param seconds number
---@return string
function time.humanize(seconds)
  check_number("time.humanize", seconds)
  seconds = math.abs(seconds)
  for _, step in ipairs(scale) do
    if seconds >= step[1] then
      local n = floor(seconds / step[2] + 0.001) -- a minute short of thirty days is thirty days
      return ("%d %s%s"):format(n, step[3], n == 1 and "" or "s")
    end
  end
end

return time
