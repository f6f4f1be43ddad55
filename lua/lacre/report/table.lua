--- report.table: results of the health check for people: one line a target, and a summary.

local cells = require "lacre.report.cells"
local plain = require "lacre.plain"
local time = require "lacre.time"

local paint = { pass = "good", warn = "warn", fail = "bad" }

local function why(result)
  local first = result.problems[1]
  if not first and cells.expected(result) then
    return cells.expected(result)
  elseif not first then
    local issuer = result.cert and cells.common_name(result.cert:issuer()) or ""
    local chain = result.verified_chain
    local root = chain and #chain > 1 and cells.common_name(chain[#chain]:subject()) or nil
    return root and root ~= issuer and issuer .. " <- " .. root or issuer
  end
  local text = first.code .. " " .. first.message
  if #result.problems > 1 then
    local others = {}
    for i = 2, #result.problems do
      others[#others + 1] = result.problems[i].code
    end
    text = ("%s  (+%d: %s)"):format(text, #others, table.concat(others, ", "))
  end
  return text
end

local function columns(result)
  return {
    cells.verdict(result.grade), plain.printable(result.target),
    result.version and "TLSv" .. result.version or "-", result.key_exchange or "-",
    cells.left(result.days_left), plain.printable(why(result)),
  }
end

-- letters, not bytes
local function width(text)
  return text:find "[\128-\191]" and #text:gsub("[\128-\191]", "") or #text
end

-- of each column; those of the cells are kept in the rows
local function widths(rows)
  local wide = { 0, 0, 0, 0, 0 }
  for _, row in ipairs(rows) do
    row.widths = {}
    for i = 1, 5 do
      row.widths[i] = width(row[i])
      wide[i] = math.min(60, math.max(wide[i], row.widths[i]))
    end
  end
  return wide
end

local function line(row, wide, grade, style)
  local padded = {}
  for i = 1, 5 do
    padded[i] = row[i] .. (" "):rep(wide[i] - row.widths[i])
  end
  padded[1] = style[paint[grade]](padded[1])
  padded[6] = row[6]
  return table.concat(padded, "  "):match "^.*%S"
end

-- below a name with several addresses: each of them
local function addresses(lines, result, style)
  for _, one in ipairs(#(result.addresses or {}) > 1 and result.addresses or {}) do
    local reasons = #one.reasons > 0 and "  " .. style.dim(table.concat(one.reasons, " ")) or ""
    local verdict = style[paint[one.grade]](cells.verdict(one.grade))
    lines[#lines + 1] = ("      %s  %s%s"):format(verdict, one.address, reasons)
  end
end

local function summary(results, style)
  local counts = results.counts
  local total = results.total or #results
  local part = #results < total and #results .. " of " or ""
  local text = ("%s%d target%s: %d PASS, %d WARN, %d FAIL in %.2f s"):format(
    part, total, total == 1 and "" or "s", counts.pass, counts.warn, counts.fail, results.seconds)
  if results.earliest then
    text = text .. ("; first to expire: %s on %s"):format(plain.printable(results.earliest.target),
      time.format(results.earliest.not_after, "date"))
  end
  if results.interrupted then
    text = text .. "; interrupted"
  end
  return style.bold(text)
end

local function changes(lines, results, style)
  for _, result in ipairs(results) do
    for _, change in ipairs(result.changes or {}) do
      lines[#lines + 1] = ("%s %s: %s"):format(style.bold "changed", plain.printable(result.target),
        plain.printable(change))
    end
  end
  for _, target in ipairs(results.gone or {}) do
    lines[#lines + 1] = ("%s %s: no longer in the list"):format(style.bold "changed", plain.printable(target))
  end
end

local function is_shown(result, set)
  if set.changes_only then
    return #(result.changes or {}) > 0
  end
  return not set.problems_only or result.grade ~= "pass"
end

--- The table.
---@param results lacre.survey
---@param set { style: lacre.style, problems_only?: boolean, changes_only?: boolean }
---@return string
return function(results, set)
  local rows, shown = {}, {}
  for _, result in ipairs(results) do
    if is_shown(result, set) then
      rows[#rows + 1], shown[#shown + 1] = columns(result), result
    end
  end
  local wide, lines = widths(rows), {}
  for i, row in ipairs(rows) do
    lines[#lines + 1] = line(row, wide, shown[i].grade, set.style)
    addresses(lines, shown[i], set.style)
  end
  changes(lines, results, set.style)
  local stamp = set.changes_only and set.style.dim(time.format(results.started) .. "  ") or ""
  lines[#lines + 1] = stamp .. summary(results, set.style)
  return table.concat(lines, "\n") .. "\n"
end
