--- report.csv: results of the health check by RFC 4180, with a header that does not change.

local cells = require "lacre.report.cells"
local decimal = require "lacre.decimal"
local plain = require "lacre.plain"
local time = require "lacre.time"

local header = {
  "verdict", "target", "reason", "reasons", "message", "version", "cipher", "group", "days_left", "not_after",
  "subject", "issuer", "serial", "pin", "address", "file", "line", "seconds",
}

-- a cell that a spreadsheet would take for a formula is shown as text
local function cell(value)
  local text = plain.printable(tostring(value == nil and "" or value))
  if text:find "^[=+@]" or (text:find "^%-" and not text:find "^%-%d+%.?%d*$") then
    text = "'" .. text
  end
  if text:find '[",]' then
    return '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

local function row(values)
  local out = {}
  for i = 1, #header do
    out[i] = cell(values[i])
  end
  return table.concat(out, ",")
end

local function cells_of(result)
  local cert, first = result.cert, result.problems[1]
  return {
    cells.verdict(result.grade), result.target, result.reason, table.concat(result.reasons, " "),
    first and first.message, result.version, result.cipher, result.key_exchange,
    result.days_left and decimal.format(result.days_left, 2),
    result.not_after and time.format(result.not_after),
    cert and tostring(cert:subject()), cert and tostring(cert:issuer()), cert and cert:serial(), cert and cert:pin(),
    result.address, result.file, result.line,
    result.seconds and decimal.format(result.seconds, 3),
  }
end

---@param results lacre.survey
---@return string
return function(results)
  local lines = { row(header) }
  for i, result in ipairs(results) do
    lines[i + 1] = row(cells_of(result))
  end
  return table.concat(lines, "\r\n") .. "\r\n"
end
