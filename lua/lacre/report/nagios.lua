--- report.nagios: results of the health check as a plugin of Nagios and Icinga says them: a status line with
--- performance data, then one line a problem. The exit codes of the tool are the plugin's.

local cells = require "lacre.report.cells"
local decimal = require "lacre.decimal"
local plain = require "lacre.plain"

local words = { pass = "OK", warn = "WARNING", fail = "CRITICAL" }

-- as the exit code has them, which --fail-on moves
local moved = { warn = { warn = "CRITICAL" }, fail = { warn = "OK" }, never = { warn = "OK", fail = "OK" } }

local DAY = 86400

-- labels are quoted; what would end them is left out
local function label(text)
  return "'" .. plain.printable(text):gsub("['=|]", "") .. "'"
end

-- "alert when less than" is the range `N:` of the guidelines
local function expiry(result)
  return ("%s=%ds;%d:;%d:"):format(label(result.target), math.floor(result.days_left * DAY),
    math.floor(result.due or 30 * DAY), math.floor(result.fatal or 0))
end

local function clean(text)
  return (plain.printable(text):gsub("|", " "))
end

local function first_bad(results)
  for _, grade in ipairs { "fail", "warn" } do
    for _, result in ipairs(results) do
      if result.grade == grade then
        return result
      end
    end
  end
end

local function word_for(results, fail_on)
  local worst = results.worst or "pass" -- a part of a list may be empty
  return results.interrupted and "UNKNOWN" or (moved[fail_on] or words)[worst] or words[worst]
end

local function headline(results, fail_on)
  local counts, worst = results.counts, first_bad(results)
  local text = ("TLS %s: %s%d FAIL, %d WARN of %d"):format(word_for(results, fail_on),
    results.interrupted and "interrupted; " or "", counts.fail, counts.warn, #results)
  if worst then
    text = ("%s; %s %s"):format(text, clean(worst.target), clean(worst.problems[1].code .. " "
      .. worst.problems[1].message))
  elseif results.earliest then
    text = ("%s; first to expire %s"):format(text, clean(results.earliest.target))
  end
  return text
end

---@param results lacre.survey
---@param set { fail_on?: string }
---@return string
return function(results, set)
  local data, seen = {}, {}
  for _, result in ipairs(results) do
    if result.not_after and not seen[result.target] then -- two values of one label are none
      seen[result.target] = true
      data[#data + 1] = expiry(result)
    end
  end
  local counts = results.counts
  data[#data + 1] = ("fail=%d;;0 warn=%d;0 time=%ss"):format(counts.fail, counts.warn,
    decimal.format(results.seconds, 3))
  local lines = { headline(results, set.fail_on) .. " | " .. table.concat(data, " ") }
  for _, result in ipairs(results) do
    for _, problem in ipairs(result.problems) do
      lines[#lines + 1] = clean(("%s %s: %s %s"):format(cells.verdict(problem.severity), result.target, problem.code,
        problem.message))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end
