--- cli: the command. The only file that reads argv, prints and decides exit codes.
--
-- It knows nothing of what the tools do: it turns their descriptions into a parser, hands them the
-- options and prints what they return. Exit codes: 0 success, 1 the answer is no, 2 usage,
-- 3 network or file, 4 TLS or verification, 5 a fault of ours.

local core = require "lacre.core"
local environment = require "lacre.environment"
local json = require "lacre.report.json"
local lacre_error = require "lacre.error"
local progress = require "lacre.report.progress"
local style = require "lacre.report.style"
local version = require "lacre.version"

local cli = {}

--- The tools, in the order of the help.
cli.TOOLS = { "selfsign", "info", "pin", "get", "serve", "echo", "zoo" }

local exit_codes = {
  config = 2, file = 3, parse = 3, network = 3, timeout = 3, closed = 3, protocol = 4, verify = 4, internal = 5,
}

local function load_tool(name)
  return require("lacre.tool." .. name)
end

local function dashed(name)
  return "--" .. name:gsub("_", "-")
end

local function described(row)
  local help = row.help
  if row.values then
    help = help .. ": " .. table.concat(row.values, ", ")
  end
  if row.default ~= nil and row.default ~= false and type(row.default) ~= "table" then
    help = help .. (" (default: %s)"):format(tostring(row.default))
  end
  return help
end

local function as_is(value)
  return value
end

local converters = setmetatable({ integer = tonumber, number = tonumber }, {
  __index = function()
    return as_is
  end,
})

-- what is nobody's to read in a list of processes is never an argument
local function add_secret(parser, row)
  parser:option(dashed(row.name .. "_env")):target(row.name .. "_env"):argname "NAME"
    :description(row.help .. ": in this variable of the environment")
  parser:option(dashed(row.name .. "_file")):target(row.name .. "_file"):argname "FILE"
    :description(row.help .. ": the first line of this file")
end

local function add_option(parser, row)
  local names = (row.short and "-" .. row.short .. " " or "") .. dashed(row.name)
  if row.from_lua then
    return
  elseif row.secret then
    add_secret(parser, row)
    return
  elseif row.type == "boolean" then
    parser:flag(names):target(row.name):description(row.help)
    return
  end
  local option = parser:option(names):target(row.name):description(described(row))
  option:argname(row.value or row.name:upper()):convert(converters[row.type])
  if row.type == "list" or row.many then
    option:count "*"
  elseif row.values then
    option:choices(row.values)
  end
end

local function add_argument(parser, row)
  local count = row.many and (row.optional and "*" or "+") or (row.optional and "?" or "1")
  parser:argument(row.name):description(row.help):args(count):argname(row.value or row.name:upper())
end

local function epilog_of(tool)
  local lines = { "Examples:" }
  for _, example in ipairs(tool.examples) do
    lines[#lines + 1] = ("   %s\n      %s"):format(example[1], example[2])
  end
  return table.concat(lines, "\n")
end

-- what -h and --version leave behind: a text to print and no tool to run
local function show(text)
  error({ show = text }, 0)
end

local function show_help(parser)
  return {
    action = function()
      show(parser:get_help())
    end,
  }
end

local function add_tool(parser, tool)
  local command = parser:command(tool.name):summary(tool.summary)
  command:description(tool.description or tool.summary):epilog(epilog_of(tool))
  command:help_max_width(100):help_vertical_space(0)
  command:add_help(show_help(command))
  if tool.argument then
    add_argument(command, tool.argument)
  end
  for _, row in ipairs(tool.options) do
    add_option(command, row)
  end
  command:flag("--json"):description "print JSON"
  command:flag("-q --quiet"):description "print nothing on success"
end

local function make_parser(argparse)
  local parser = argparse("lacre", "TLS and certificates, safe by default.")
  parser:command_target("tool"):help_max_width(100):help_vertical_space(0)
  parser:epilog "lacre TOOL --help shows the options of a tool, with examples."
  parser:add_help(show_help(parser))
  parser:flag("--version"):description("show the versions of lacre, Lua and OpenSSL"):action(function()
    show(version.text())
  end)
  for _, name in ipairs(cli.TOOLS) do
    add_tool(parser, load_tool(name))
  end
  return parser
end

--- The argparse parser of the whole command, for completions and the manual page.
function cli.parser()
  local found, argparse = pcall(require, "argparse")
  if not found then
    return lacre_error.fail(
      "config", "unsupported",
      "the command needs the Lua module argparse (Debian: lua-argparse; luarocks install argparse)"
    )
  end
  return make_parser(argparse)
end

local out = {}

function out.line(stream, text)
  stream:write(text, text:sub(-1) == "\n" and "" or "\n")
end

local function say(text)
  out.line(io.stderr, "lacre: " .. text)
end

local function report_error(err, as_json)
  if as_json then
    out.line(io.stderr, json.encode { error = err:to_table() } or tostring(err))
    return
  end
  say(tostring(err))
  if err.hint then
    out.line(io.stderr, "  hint: " .. err.hint)
  end
end

-- what cannot be understood in a file is the file's fault, in an option the caller's
local function exit_code(err)
  if err.stage == "config" then
    return exit_codes[err:category()] == 5 and 5 or 2
  end
  return exit_codes[err:category()] or 5
end

-- a mistake in the options raises a text; anything else that raises is our fault
local function report_raised(raised)
  local text = tostring(raised)
  local misuse = text:match "bad option '.*$" or text:match "missing option '.*$"
  say(misuse and misuse:gsub("' to 'tool%.%w+'", "'"):gsub("option '([%w_]+)'", function(name)
    return "option " .. dashed(name)
  end) or "internal error: " .. text)
  return misuse and 2 or 5
end

local function secret_of(row, parsed)
  local name, path = parsed[row.name .. "_env"], parsed[row.name .. "_file"]
  if name then
    return environment.secret(name)
  elseif path then
    return environment.secret_file(path)
  end
end

local function options_of(tool, parsed)
  local set = {}
  for _, row in ipairs(tool.options) do
    local value, err = parsed[row.name], nil
    if row.secret then
      value, err = secret_of(row, parsed)
    end
    if err then
      return nil, err
    elseif value == nil then
      value = row.command_default
    end
    if not (type(value) == "table" and #value == 0) then
      set[row.name] = value
    end
  end
  local main = tool.argument
  if main then
    local value = parsed[main.name]
    set[main.name] = not (type(value) == "table" and #value == 0) and value or nil
  end
  return set
end

local function print_result(tool, parsed, result)
  if parsed.json then
    local text, err = json.encode(tool.to_table(result))
    if not text then
      return nil, err
    end
    out.line(io.stdout, text)
  elseif not parsed.quiet then
    local palette = style.new(style.wanted(core.terminal.is "stdout"))
    local text = tool.text(result, palette)
    if text then -- a tool that streams has said it
      out.line(io.stdout, text)
    end
  end
  if not io.stdout:flush() then
    return lacre_error.fail("save", "io_error", "standard output cannot be written")
  end
  return true
end

local listeners = {
  -- what a tool that goes on for long says on its way
  on_event = function(parsed)
    return function(text)
      if not parsed.quiet then
        out.line(io.stderr, text)
      end
    end
  end,
  -- what a tool that streams finds, as it comes
  on_data = function(parsed)
    return not parsed.json and function(bytes)
      if not parsed.quiet and not io.stdout:write(bytes) then
        return lacre_error.fail("save", "io_error", "standard output cannot be written")
      end
      return true
    end or nil
  end,
  -- how far it is, for who watches
  on_progress = function(parsed)
    return not parsed.quiet and core.terminal.is "stderr" and progress.new(function(text)
      io.stderr:write(text)
      io.stderr:flush()
    end, core.terminal.width "stderr") or nil
  end,
}

local function run(tool, parsed)
  local set, err = options_of(tool, parsed)
  for name, make in pairs(listeners) do
    if set and tool.schema[name] then
      set[name] = make(parsed)
    end
  end
  local result, printed
  if set then
    result, err = tool(set)
    local clear = set.on_progress or function() end
    clear()
  end
  if result then
    printed, err = print_result(tool, parsed, result)
  end
  if not printed then
    report_error(err, parsed.json)
    return exit_code(err)
  end
  return tool.failed and tool.failed(result) and 1 or 0
end

-- argparse would print and exit by itself; what it has to say comes back as a raised table
local function parse(parser, arguments)
  function parser.error(self, message)
    error({ usage = self:get_usage(), message = message }, 0)
  end
  local ok, parsed = pcall(parser.parse, parser, arguments)
  if ok then
    return parsed
  elseif type(parsed) ~= "table" then
    error(parsed, 0)
  end
  return nil, parsed
end

--- Runs the command.
---@param arguments string[] as in `arg`
---@return integer exit_code
function cli.main(arguments)
  local parser, err = cli.parser()
  if not parser then
    report_error(err)
    return exit_code(err)
  end
  local parsed, instead = parse(parser, arguments)
  if not parsed and instead.show then
    out.line(io.stdout, instead.show)
    return 0
  elseif not parsed then
    say(instead.message)
    out.line(io.stderr, instead.usage)
    return 2
  end
  local ok, code = pcall(run, load_tool(parsed.tool), parsed)
  return ok and code or report_raised(code)
end

return cli
