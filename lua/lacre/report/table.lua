--- report.table: results of the health check for people: one line a target, and a summary.

local cells = require "lacre.report.cells"
local plain = require "lacre.plain"
local time = require "lacre.time"

local paint = { pass = "good", warn = "warn", fail = "bad" }

local function chain_of(result)
  local issuer = result.cert and cells.common_name(result.cert:issuer()) or ""
  local chain = result.verified_chain
  local root = chain and #chain > 1 and cells.common_name(chain[#chain]:subject()) or nil
  return root and root ~= issuer and issuer .. " <- " .. root or issuer
end

local function others(problems)
  local codes = {}
  for i = 2, #problems do
    codes[#codes + 1] = problems[i].code
  end
  return #codes > 0 and ("  (+%d: %s)"):format(#codes, table.concat(codes, ", ")) or ""
end

-- the code stands out, and what may be skipped stands back
local function why(result, style)
  local first = result.problems[1]
  if not first then
    return style.dim(plain.printable(cells.expected(result) or chain_of(result)))
  end
  return style[paint[first.severity] or "dim"](first.code) .. " " .. plain.printable(first.message)
    .. style.dim(others(result.problems))
end

local function columns(result, style)
  return {
    cells.verdict(result.grade), plain.printable(result.target),
    result.version and "TLSv" .. result.version or "-", result.key_exchange or "-",
    cells.left(result.days_left), why(result, style),
  }
end

-- letters that terminals print two columns wide: Chinese, Japanese, Korean, full-width forms, pictures
local broad = {
  "\225\132[\128-\191]", "\226[\186-\191].", "[\227-\233]..", "\234[\128-\147].", "\234[\176-\191].", "[\235\236]..",
  "\237[\128-\158].", "\239[\164-\171\188].", "\239\189[\128-\160]", "\240\159[\140-\171].", "\240[\160-\191]..",
}

-- columns, not bytes
local function width(text)
  if not text:find "[\128-\191]" then
    return #text
  end
  local count = #text:gsub("[\128-\191]", "")
  for _, pattern in ipairs(broad) do
    count = count + select(2, text:gsub(pattern, ""))
  end
  return count
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
      rows[#rows + 1], shown[#shown + 1] = columns(result, set.style), result
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
