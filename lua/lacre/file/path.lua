--- file.path: paths taken apart and put together, and told in errors.

local lacre_error = require "lacre.error"

local path = {}

--- A result, or its error with the path in it.
---@param place string
---@param result any
---@param err? lacre.error
---@return any? result
---@return lacre.error? err
function path.told(place, result, err)
  if not result then
    return nil, lacre_error.annotate(err, { path = place })
  end
  return result
end

--- The directory part of a path, "." where there is none.
---@param place string
---@return string
function path.directory(place)
  local directory = place:match "^(.*)/[^/]*$"
  return directory == "" and "/" or directory or "."
end

--- A path below a directory.
---@param directory string
---@param name string
---@return string
function path.join(directory, name)
  if directory == "." or directory == "" then
    return name
  end
  return directory:gsub("/*$", "") .. "/" .. name
end

return path
