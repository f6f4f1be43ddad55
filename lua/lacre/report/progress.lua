--- report.progress: one line on a terminal that tells how far something is.

local time = require "lacre.time"

local progress = {}

local units = { "B", "KiB", "MiB", "GiB", "TiB" }

local function amount(bytes)
  local unit = 1
  while bytes >= 1024 and unit < #units do
    bytes, unit = bytes / 1024, unit + 1
  end
  return (unit == 1 and "%d %s" or "%.1f %s"):format(bytes, units[unit])
end

local function line_of(done, total, seconds, unit)
  if unit then
    return ("%d of %d %s"):format(done, total, unit)
  end
  local rate = seconds > 0 and ("  %s/s"):format(amount(done / seconds)) or ""
  if not total or total == 0 then
    return amount(done) .. rate
  end
  return ("%3d%%  %s of %s%s"):format(math.floor(done * 100 / total), amount(done), amount(total), rate)
end

local INTERVAL = 0.1

--- A function to call with what is done and what there is in all, as often as one likes;
--- called with nothing, it clears the line. Bytes, unless `unit` names something else ("hosts").
---@param write fun(text: string)
---@param width? integer columns
---@return fun(done?: integer, total?: integer, unit?: string)
function progress.new(write, width)
  local began, shown = time.monotonic(), 0
  return function(done, total, unit)
    local now = time.monotonic()
    if not done or (total and done >= total) then
      write(shown > 0 and "\r\27[K" or "")
      shown = 0
    elseif now - shown >= INTERVAL then
      shown = now
      write("\r\27[K" .. line_of(done, total, now - began, unit):sub(1, (width or 80) - 1))
    end
  end
end

return progress
