--- toolkit: what makes a table a tool.
--
-- A tool is data: a name, a summary, examples, arguments, rows of options, and `run(options)`, which
-- returns data or `nil, err`. From that one description come the Lua call
-- (`lacre.tool.pin("example.com")`), the check of its options, the command's parser, its help and
-- its completions. A tool knows no argv, no terminal and no exit code; what it needs of them it
-- asks for by rows that the command fills in (`on_event`, `on_progress`, `on_data`, passwords).

local merged = require "lacre.merged"
local options = require "lacre.options"
local style = require "lacre.report.style"

local toolkit = {}

local unpack = table.unpack or unpack -- luacheck: ignore

---@class lacre.tool.row one option
---@field name string key of the options table; the command spells it with dashes
---@field help string
---@field also? string another name that the Lua call takes
---@field short? string one letter that the command takes too
---@field many? boolean the command takes it several times, and hands over a list
---@field type? string as in `lacre.options`; a "boolean" is a flag; a "password" is a text, or a function
--- that fetches one: the command offers --NAME-file, --NAME-env and --NAME-fd, never the password itself
---@field value? string how the help calls its value: "FILE"
---@field default? any
---@field required? boolean it has to be given
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
---@field headings? string[][] a heading of the help, and the names of the options below it; others are "Options"
---@field run fun(options: table): table?, lacre.error?
---@field text fun(result: table, style?: lacre.style): string? nil where all was put out on the way
---@field to_table fun(result: table): table plain data, fit for JSON
---@field trouble? integer the exit code when it could not run, whatever the reason
---@field failed? fun(result: table): boolean|integer the answer is "no": exit code 1, or the one given
---@field exits? any[][] pairs of an exit code and what it means of this tool
---@field lament? fun(set: table, err: lacre.error): string? what goes to stdout where the tool could not run

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
    schema[row.name] = {
      type = kind or "string", default = row.default, values = row.values, required = row.required,
    }
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

-- what a library calls otherwise than a command: `server_name` is --host
local function rename(rows, set)
  for _, row in ipairs(rows) do
    if row.also and set[row.name] == nil then
      set[row.name], set[row.also] = set[row.also], nil
    end
  end
end

local function take(set, list, given)
  for key, value in pairs(given) do
    if type(key) ~= "number" then
      set[key] = value
    end
  end
  for _, value in ipairs(given) do
    list[#list + 1] = value
  end
end

-- tool("x", "y", { ... }) is tool { "x", "y", ... }
local function named(tool, ...)
  local set, list = {}, {}
  for i = 1, select("#", ...) do
    local given = select(i, ...)
    if type(given) == "table" and not getmetatable(given) then
      take(set, list, given)
    else
      list[#list + 1] = given
    end
  end
  rename(tool.options, set)
  rename(tool.arguments, set)
  place(tool, set, list)
  return set
end

-- only the command has colours to give
local function with_plain_text(render)
  return render and function(result, palette)
    return render(result, palette or style.new(false))
  end
end

--- What the help and the manual say of an option: its help, values and default.
---@param row lacre.tool.row
---@return string
function toolkit.help_of(row)
  local help = row.help
  if row.values then
    help = help .. ": " .. table.concat(row.values, ", ")
  end
  if row.default ~= nil and row.default ~= false and type(row.default) ~= "table" then
    help = help .. (" (default: %s)"):format(tostring(row.default))
  end
  return row.required and help .. " (required)" or help
end

--- The pins of `--pin`, for `lacre.client` and `lacre.verify`: what is compared once needs no backup.
---@param given? string[]
---@return table?
function toolkit.pins(given)
  return given and { allow_no_backup = true, unpack(given) }
end

--- Makes a tool callable: `tool(options)` checks them, fills the defaults in and runs it. The arguments
--- may be given by place: `tool("example.com", { timeout = 5 })`.
---@param tool lacre.tool
---@param of? string the group it belongs to
---@return lacre.tool
function toolkit.define(tool, of)
  tool.arguments = tool.arguments or { tool.argument }
  tool.schema = schema_of(tool)
  tool.text = with_plain_text(tool.text)
  tool.title = of and of .. " " .. tool.name or tool.name
  local what = "tool." .. tool.title:gsub(" ", ".")
  return setmetatable(tool, {
    __call = function(self, ...)
      return self.run(options.check(self.schema, named(self, ...), what))
    end,
  })
end

-- tool.ca { action = "list", ... } is tool.ca.list { ... }
local function call_action(group, given, known)
  local set = merged(given)
  local action = set.action
  set.action = nil
  if not known[action] then
    local actions = table.concat(group.actions, ", ")
    options.misuse("bad option 'action' to 'tool.%s' (one of %s expected)", group.name, actions)
  end
  return group[action](set)
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
    __call = function(self, given)
      options.argument("tool." .. self.name, 1, given, "table")
      return call_action(self, given, known)
    end,
  })
end

return toolkit
