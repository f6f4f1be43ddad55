-- A zoo for the time of a function, which is told where its servers are: `in_zoo(names, function(at, menagerie))`.
local core = require "lacre.core"
local loop = require "lacre.loop"
local zoo = require "lacre.zoo"

-- the loop's pipe of signals is made once a process, and is no leak
core.signals.watch "WINCH"
core.signals.forget "WINCH"

return function(only, run)
  return loop.run(function()
    local menagerie = assert(zoo.open { only = only })
    local at = {}
    for _, entry in ipairs(menagerie.entries) do
      at[entry.name] = "localhost:" .. entry.port
    end
    local ok, why = loop.pcall(run, at, menagerie)
    menagerie:close()
    if not ok then
      error(why, 0)
    end
  end)
end
