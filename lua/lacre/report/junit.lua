--- report.junit: results of the health check as the XML that CI systems read. What could not be tested is an error,
--- what fails is a failure, a warning passes and is told in system-out.

local cells = require "lacre.report.cells"
local decimal = require "lacre.decimal"
local markup = require "lacre.report.markup"
local time = require "lacre.time"

local escape, attributes = markup.escape, markup.attributes

-- reasons that mean that there was nothing to test
local untested = {
  INTERNAL = true, TARGET_INVALID = true, DNS_FAILED = true, CONNECT_REFUSED = true, CONNECT_TIMEOUT = true,
  CONNECT_FAILED = true, TIMEOUT = true,
}

local function kind_of(result, set)
  if result.grade == "fail" then
    return untested[result.reason] and "error" or "failure"
  end
  return result.grade == "warn" and set.fail_on == "warn" and "failure" or nil
end

local function details(result)
  local lines = {}
  for i, problem in ipairs(result.problems) do
    lines[i] = ("%s: %s"):format(problem.code, problem.message)
  end
  lines[#lines + 1] = result.file and ("at %s:%d"):format(result.file, result.line) or nil
  return table.concat(lines, "\n")
end

-- strict readers take no attributes but these
local function case(result, set)
  local head = "    <testcase" .. attributes {
    { "classname", "lacre.health" .. (result.group and "." .. result.group or "") },
    { "name", result.target ~= "" and result.target or "(empty)" }, { "time", decimal.format(result.seconds or 0, 3) },
  }
  local kind, first = kind_of(result, set), result.problems[1]
  if kind then
    local what = attributes { { "type", first.code }, { "message", first.message } }
    return ("%s>\n      <%s%s>%s</%s>\n    </testcase>"):format(head, kind, what, escape(details(result)), kind)
  elseif first then
    return ("%s>\n      <system-out>%s</system-out>\n    </testcase>"):format(head, escape(details(result)))
  end
  return head .. "/>"
end

-- of the targets that were not reached, one case that says so
local function interruption(text)
  return '    <testcase classname="lacre.health" name="(interrupted)" time="0.000">\n      <error'
    .. attributes { { "type", "INTERRUPTED" }, { "message", text } } .. "/>\n    </testcase>"
end

---@param results lacre.survey
---@param set { fail_on?: string }
---@return string
return function(results, set)
  local counts, cases = { failure = 0, error = 0 }, {}
  for i, result in ipairs(results) do
    local kind = kind_of(result, set)
    if kind then
      counts[kind] = counts[kind] + 1
    end
    cases[i] = case(result, set)
  end
  local cut = cells.interruption(results)
  if cut then
    counts.error, cases[#cases + 1] = counts.error + 1, interruption(cut)
  end
  local numbers = {
    { "name", "lacre health" }, { "tests", #cases }, { "failures", counts.failure }, { "errors", counts.error },
    { "skipped", 0 }, { "time", decimal.format(results.seconds, 3) },
  }
  local stamp = attributes {
    { "timestamp", (time.format(results.started):gsub("Z$", "")) }, { "hostname", "localhost" },
  }
  return table.concat {
    '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites', attributes {
      numbers[1], numbers[2], numbers[3], numbers[4], numbers[6],
    },
    ">\n  <testsuite", attributes(numbers), stamp, ">\n", table.concat(cases, "\n"),
    "\n  </testsuite>\n</testsuites>\n",
  }
end
