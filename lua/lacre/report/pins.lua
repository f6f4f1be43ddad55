--- report.pins: pins in words, one a line, ready to paste.

local plain = require "lacre.plain"

local pins = {}

local function row_text(row, style, is_alone)
  local words = ("%s%s %s"):format(is_alone and "" or row.target .. ": ", row.role, row.subject or "")
  return ("%s  %s"):format(row.pin, style.dim((plain.printable(words):gsub(" $", ""))))
end

local function add_notes(lines, one, style, prefix)
  if not one.source then
    lines[#lines + 1] = style.bad("# " .. plain.printable(prefix .. tostring(one.error)))
  elseif one.source == "host" then
    local verdict = one.verified and "the chain verifies" or "NOT VERIFIED (" .. one.error.code .. ")"
    local paint = one.verified and style.dim or style.warn
    lines[#lines + 1] = paint("# " .. plain.printable(prefix) .. verdict
      .. "; pinning what you saw once is trust on first use:")
    lines[#lines + 1] = paint "# compare it with the operator's own value, and pin a spare key too"
  end
  if one.match ~= nil then
    lines[#lines + 1] = prefix .. (one.match and style.good "match" or style.bad "NO MATCH")
  end
end

--- For people: one pin a line, ready to paste; of many targets, each with its own.
---@param result table
---@param style lacre.style
---@return string
function pins.text(result, style)
  local lines, is_alone = {}, #result.targets == 1
  for _, one in ipairs(result.targets) do
    for _, row in ipairs(one.pins) do
      lines[#lines + 1] = row_text(row, style, is_alone)
    end
    add_notes(lines, one, style, is_alone and "" or one.target .. ": ")
  end
  return table.concat(lines, "\n")
end

return pins
