--- health.outputs: the forms in which results are written beside what is printed.

local fail = require("lacre.error").fail
local file = require "lacre.file"
local formats = require "lacre.report.formats"

local health_outputs = {}

--- What is to be written: `{ format =, path = }`.
---@param set table
---@return table[]?
---@return lacre.error? err unsupported, file_not_found
function health_outputs.parse(set)
  local list = {}
  for _, text in ipairs(set.output or {}) do
    local format, path = text:match "^(%l+):(.+)$"
    format = format or text
    if not formats.has(format) then
      return fail("config", "unsupported", "unknown output format: %s; known: %s", format, table.concat(formats.names,
        " "))
    end
    local directory = path and path:match "^(.+)/[^/]*$"
    if directory and not file.stat(directory) then -- told before the run, not after it
      return fail("config", "file_not_found", "%s cannot be written: there is no directory %s", path, directory)
    end
    list[#list + 1] = { format = format, path = path }
  end
  return list
end

-- a part of a list that cannot say so leaves the file as the last whole run wrote it
local function is_kept(output, results, set)
  if not results.interrupted or not output.path or formats.tells_interruption(output.format) then
    return false
  end
  if set.on_event then
    set.on_event(("%s is left as it was: the run was interrupted"):format(output.path))
  end
  return true
end

local function write(output, results, set)
  local text, err = formats.render(output.format, results, {
    problems_only = set.problems_only, fail_on = set.fail_on, -- and no colours
  })
  if not text then
    return nil, err
  elseif output.path then
    return file.write(output.path, text, { overwrite = true, mode = "0644" })
  end
  return (set.on_data or tostring)(text)
end

--- Writes results as was said, each form whole or not at all. What was interrupted is marked so, or not written.
---@param results lacre.survey
---@param outputs table[] of `parse`
---@param set table
---@return true?
---@return lacre.error? err
function health_outputs.write(results, outputs, set)
  for _, output in ipairs(outputs) do
    local done, err = true, nil
    if not is_kept(output, results, set) then
      done, err = write(output, results, set)
    end
    if not done then
      return nil, err
    end
  end
  return true
end

return health_outputs
