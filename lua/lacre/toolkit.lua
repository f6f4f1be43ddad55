--- toolkit: what makes a table a tool.
--
-- A tool is data: a name, a summary, examples, one main argument, rows of options, and
-- `run(options)`, which returns data or `nil, err`. From that one description come the Lua call
-- (`lacre.tool.pin("example.com")`), the check of its options, the command's parser, its help and
-- its completions. A tool knows no argv, no terminal and no exit code.

local options = require "lacre.options"

local toolkit = {}

---@class lacre.tool.row one option
---@field short? string one letter that the command takes too
---@field many? boolean the command takes it several times, and hands over a list
---@field secret? boolean the command takes it from the environment or a file, never as an argument
---@field name string key of the options table; the command spells it with dashes
---@field help string
---@field type? string as in `lacre.options`; a "boolean" is a flag
---@field value? string how the help calls its value: "FILE"
---@field default? any
---@field values? string[]
---@field from_lua? boolean not offered by the command

---@class lacre.tool
---@field name string
---@field summary string
---@field description? string paragraphs for the help
---@field examples string[][] pairs of a command line and what it does
---@field argument lacre.tool.row the main argument; `many` of them, or `optional`
---@field options lacre.tool.row[]
---@field run fun(options: table): table?, lacre.error?
---@field text fun(result: table, style: lacre.style): string
---@field to_table fun(result: table): table plain data, fit for JSON
---@field failed? fun(result: table): boolean the answer is "no": exit code 1

local function schema_of(tool)
  local schema = {}
  for _, row in ipairs(tool.options) do
    schema[row.name] = { type = row.type or "string", default = row.default, values = row.values }
  end
  local main = tool.argument
  if main then
    schema[main.name] = { type = main.type, required = not main.optional, default = main.default }
  end
  return schema
end

-- a text is the main argument; so is the list part of a table
local function named(tool, given)
  local main = tool.argument
  if type(given) ~= "table" then
    given = { given }
  end
  local set, list = {}, {}
  for key, value in pairs(given) do
    if type(key) ~= "number" then
      set[key] = value
    end
  end
  for i, value in ipairs(given) do
    list[i] = value
  end
  if main and set[main.name] == nil and #list > 0 then
    set[main.name] = main.many and list or list[1]
  elseif main and main.many and type(set[main.name]) == "string" then
    set[main.name] = { set[main.name] }
  end
  return set
end

--- Makes a tool callable: `tool(options)` checks them, fills the defaults in and runs it.
---@param tool lacre.tool
---@return lacre.tool
function toolkit.define(tool)
  tool.schema = schema_of(tool)
  return setmetatable(tool, {
    __call = function(self, given)
      return self.run(options.check(self.schema, named(self, given), "tool." .. self.name))
    end,
  })
end

return toolkit
