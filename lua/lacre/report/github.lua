--- report.github: results of the health check as workflow commands, which annotate the line of the hosts file.

local cells = require "lacre.report.cells"
local plain = require "lacre.plain"

local levels = { fail = "error", warn = "warning" }

-- the escapes of workflow commands: in values of properties also : and ,
local function data(text)
  return (text:gsub("[^\r\n]+", plain.printable):gsub("%%", "%%25"):gsub("\r", "%%0D"):gsub("\n", "%%0A"))
end

local function property(text)
  return (data(tostring(text)):gsub(":", "%%3A"):gsub(",", "%%2C"))
end

---@param results lacre.survey
---@return string
return function(results)
  local lines = {}
  for _, result in ipairs(results) do
    local file = result.file ~= "-" and result.file
    for _, problem in ipairs(result.problems) do
      local place = file and ("file=%s,line=%d,"):format(property(file), result.line) or ""
      lines[#lines + 1] = ("::%s %stitle=%s::%s"):format(levels[problem.severity], place, property(problem.code),
        data(result.target .. ": " .. problem.message))
    end
  end
  local cut = cells.interruption(results)
  if cut then
    lines[#lines + 1] = "::error title=INTERRUPTED::" .. cut
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
end
