--- toolkit: what makes a table a tool.
--
-- A tool is data: a name, a summary, examples, arguments, rows of options, and `run(options)`, which
-- returns data or `nil, err`. From that one description come the Lua call
-- (`lacre.tool.pin("example.com")`), the check of its options, the command's parser, its help and
-- its completions. A tool knows no argv, no terminal and no exit code; what it needs of them it
-- asks for by rows that the command fills in (`on_event`, `on_progress`, `on_data`, passwords).

local options = require "lacre.options"

local toolkit = {}

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

---@class lacre.tool.row one option
---@field name string key of the options table; the command spells it with dashes
---@field help string
---@field short? string one letter that the command takes too
---@field many? boolean the command takes it several times, and hands over a list
---@field type? string as in `lacre.options`; a "boolean" is a flag; a "password" is a text, or a function
--- that fetches one: the command offers --NAME-file, --NAME-env and --NAME-fd, never the password itself
---@field value? string how the help calls its value: "FILE"
---@field default? any
---@field command_default? any a default of the command's, which the Lua call does not have
---@field values? string[]
---@field prompt? boolean|string a password is asked for on the terminal; a text names the option that wants it
---@field new? boolean a password that is being chosen is asked for twice
---@field from_lua? boolean not offered by the command

---@class lacre.tool
---@field name string
---@field summary string
---@field description? string paragraphs for the help
---@field examples string[][] pairs of a command line and what it does
---@field argument? lacre.tool.row the main argument, where it is the only one
---@field arguments? lacre.tool.row[] in their order; the last may be `many`, or `optional`
---@field options lacre.tool.row[]
---@field run fun(options: table): table?, lacre.error?
---@field text fun(result: table, style: lacre.style): string? nil where all was put out on the way
---@field to_table fun(result: table): table plain data, fit for JSON
---@field trouble? integer the exit code when it could not run, whatever the reason
---@field failed? fun(result: table): boolean|integer the answer is "no": exit code 1, or the one given

---@class lacre.tool.group a tool of several actions: `lacre ca issue`
---@field name string
---@field summary string
---@field description? string
---@field actions string[] their names, in the order of the help
---@field load fun(name: string): lacre.tool called when an action is asked for first

local password = { "string", "function" }

local function schema_of(tool)
  local schema = {}
  for _, row in ipairs(tool.options) do
    local kind = row.type == "password" and password or row.type
    schema[row.name] = { type = kind or "string", default = row.default, values = row.values }
  end
  for _, row in ipairs(tool.arguments) do
    schema[row.name] = { type = row.type, required = not row.optional, default = row.default }
  end
  return schema
end

-- what is given by place goes to the arguments in their order; the last takes the rest where it takes many
local function place(tool, set, list)
  for i, row in ipairs(tool.arguments) do
    if set[row.name] == nil and list[i] ~= nil then
      set[row.name] = row.many and { unpack(list, i) } or list[i]
    elseif row.many and type(set[row.name]) == "string" then
      set[row.name] = { set[row.name] }
    end
  end
end

-- tool("x", { ... }) is tool { "x", ... }
local function named(tool, given, more)
  local set, list = {}, {}
  if type(given) ~= "table" or getmetatable(given) then
    list[1], given = given, more
  end
  for key, value in pairs(given or {}) do
    if type(key) ~= "number" then
      set[key] = value
    end
  end
  for _, value in ipairs(given or {}) do
    list[#list + 1] = value
  end
  place(tool, set, list)
  return set
end

--- Makes a tool callable: `tool(options)` checks them, fills the defaults in and runs it. The arguments
--- may be given by place: `tool("example.com", { timeout = 5 })`.
---@param tool lacre.tool
---@param of? string the group it belongs to
---@return lacre.tool
function toolkit.define(tool, of)
  tool.arguments = tool.arguments or { tool.argument }
  tool.schema = schema_of(tool)
  tool.title = of and of .. " " .. tool.name or tool.name
  local what = "tool." .. tool.title:gsub(" ", ".")
  return setmetatable(tool, {
    __call = function(self, given, more)
      return self.run(options.check(self.schema, named(self, given, more), what))
    end,
  })
end

--- Makes a tool of several actions: `lacre.tool.ca.issue { ... }`, `lacre ca issue ...`.
---@param group lacre.tool.group
---@return lacre.tool.group
function toolkit.group(group)
  local known = {}
  for _, name in ipairs(group.actions) do
    known[name] = true
  end
  return setmetatable(group, {
    __index = function(_, name)
      if not known[name] then
        return nil
      end
      local action = toolkit.define(group.load(name), group.name)
      rawset(group, name, action)
      return action
    end,
  })
end

return toolkit
