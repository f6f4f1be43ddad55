--- options.parted: options of two nouns in one table, as `lacre.connect` takes its own and those of `lacre.client`.

local merged = require "lacre.merged"
local options = require "lacre.options"

local parted = {}

--- What `own` names is checked, the rest is for somebody else to check.
---@param own table schema
---@param given? table
---@param what string the function that was called
---@return table set
---@return table theirs
function parted.split(own, given, what)
  local mine, theirs = {}, {}
  for name, value in pairs(given or {}) do
    local part = own[name] and mine or theirs
    part[name] = value
  end
  return options.check(own, mine, what), theirs
end

--- A splitter that knows both: a name that neither has is told at once, with what is near in either.
---@param what string the function that is called
---@param theirs table schema of those that are handed on
---@param ... table schemas of its own
---@return fun(given?: table): table, table?, the second is nil where nothing is handed on
function parted.by(what, theirs, ...)
  local own = merged(...)
  local all = merged(theirs, own)
  return function(given)
    for name, value in pairs(given or {}) do
      if not all[name] or all[name].elsewhere then
        options.check(all, { [name] = value }, what) -- raises, with a suggestion
      end
    end
    local set, rest = parted.split(own, given, what)
    return set, next(rest) and rest
  end
end

return parted
