--- report.cells: what tables for people say of a result: names and times in short.

local cells = {}

--- The common name of a name, or all of it where it has none.
---@param name any
---@return string
function cells.common_name(name)
  local text = tostring(name)
  local value = ("," .. text):match "[,+]CN=(.+)$"
  return value and (value:match "^(.-[^\\])[,+]" or value) or text
end

local verdicts = { pass = "PASS", warn = "WARN", fail = "FAIL", info = "INFO" }

--- A grade or severity as it is printed: "FAIL"; in every locale, where `string.upper` may know another capital i.
---@param grade string
---@return string
function cells.verdict(grade)
  return verdicts[grade]
end

--- What is wrong with a target and ought to be: "as expected: CERT_EXPIRED"; nil where nothing was expected.
---@param result table
---@return string?
function cells.expected(result)
  local codes = {}
  for _, note in ipairs(result.notes) do
    codes[#codes + 1] = note.expected and note.code or nil
  end
  return #codes > 0 and "as expected: " .. table.concat(codes, ", ") or nil
end

--- That a run ended before its list did: "interrupted after 12 of 40 targets"; nil where it did not.
---@param results lacre.survey
---@return string?
function cells.interruption(results)
  return results.interrupted and ("interrupted after %d of %d targets"):format(#results, results.total or #results)
    or nil
end

--- The time to a certificate's end, or since: "61d", "-2d", hours where it is less than three days; "-" where it is not
--- known.
---@param days? number
---@return string
function cells.left(days)
  if not days then
    return "-"
  end
  local sign = days < 0 and "-" or ""
  days = math.abs(days) + 0.001 -- a minute short of thirty days is thirty days, as in `time.humanize`
  return days < 3 and ("%s%dh"):format(sign, math.floor(days * 24)) or ("%s%dd"):format(sign, math.floor(days))
end

return cells
