--- cli.parser: the descriptions of the tools as an argparse parser, from which come help and completions.

local lacre_error = require "lacre.error"
local offer = require "lacre.cli.offer"
local toolkit = require "lacre.toolkit"
local version = require "lacre.version"

local parser = {}

local WIDTH = 100

local unpack = table.unpack or unpack -- luacheck: ignore

-- of some names those that are asked for: the one that is given, or else all. Whoever runs a tool waits for no other
local function wanted(names, given)
  for _, name in ipairs(names) do
    if name == given then
      return { name }
    end
  end
  return names
end

-- what ends the command before a tool runs: a text for stdout
local function show(text)
  error({ show = text }, 0)
end

local function spellings(row)
  return table.concat(offer.spellings(row), " ")
end

-- one line, as other commands have it, where argparse would take one for each spelling
local function label(option, row)
  local text = table.concat(offer.spellings(row), ", ") .. " " .. option._argname
  function option._get_label_lines()
    return { text }
  end
end

local function add_option(command, row)
  if row.type == "boolean" then
    return command:flag(spellings(row)):target(row.name):description(row.help)
  end
  local option = command:option(spellings(row)):target(row.name):description(toolkit.help_of(row))
  local reads = offer.reads(row)
  option:argname(offer.value(row))
  label(option, row)
  if reads then
    option:convert(reads)
  end
  if offer.is_many(row) then
    option:count "*"
  elseif row.values then
    option:choices(row.values)
  end
  return option
end

local function add_argument(command, row)
  local count = row.many and (row.optional and "*" or "+") or (row.optional and "?" or "1")
  command:argument(row.name):description(row.help):args(count):argname(offer.value(row))
end

local function add_help(command, tool)
  local lines = { "Examples:" }
  for _, example in ipairs(tool.examples or {}) do
    lines[#lines + 1] = ("   %s\n      %s"):format(example[1], example[2])
  end
  command:summary(tool.summary):description(tool.description or tool.summary)
  command:epilog(#lines > 1 and table.concat(lines, "\n") or nil)
  command:help_max_width(WIDTH):help_vertical_space(0)
  command:add_help { action = function()
    show(command:get_help())
  end }
end

local function add_headings(command, headings, options)
  for _, heading in ipairs(headings) do
    local below = {}
    for i = 2, #heading do
      below[#below + 1] = options[heading[i]]
    end
    command:group(heading[1], unpack(below))
  end
end

local function add_tool(into, tool)
  local command, options = into:command(tool.name), {}
  add_help(command, tool)
  for _, row in ipairs(tool.arguments) do
    add_argument(command, row)
  end
  for _, row in ipairs(offer.options(tool)) do
    options[row.name] = add_option(command, row)
  end
  add_headings(command, tool.headings or {}, options)
end

local function add_group(into, group, action)
  local command = into:command(group.name):command_target "action"
  add_help(command, group)
  for _, name in ipairs(wanted(group.actions, action)) do
    add_tool(command, group[name])
  end
end

local function add_completion(into)
  local command = into:command "completion"
  add_help(command, {
    summary = "print the completion script for a shell",
    examples = { { "eval \"$(lacre completion bash)\"", "turn on completion in this shell" } },
  })
  command:argument("shell"):choices { "bash", "zsh", "fish" }:action(function(_, _, shell)
    show(into["get_" .. shell .. "_complete"](into))
  end)
end

local function add_manual(into)
  local command = into:command "manual"
  add_help(command, {
    summary = "print the manual page (roff)",
    examples = { { "lacre manual | man -l -", "read it" } },
  })
  command:action(function()
    local tools = {}
    for i, name in ipairs(offer.TOOLS) do
      tools[i] = offer.tool(name)
    end
    show(require("lacre.cli.manual").page(tools))
  end)
end

local function make(argparse, arguments)
  local top = argparse("lacre", "TLS and certificates, safe by default.")
  top:command_target("tool"):help_max_width(WIDTH):help_vertical_space(0)
  top:epilog "lacre TOOL --help shows the options of a tool, with examples."
  top:add_help { action = function()
    show(top:get_help())
  end }
  top:flag("--version"):description("show the versions of lacre, Lua and OpenSSL"):action(function()
    show(version.text())
  end)
  for _, name in ipairs(wanted(offer.TOOLS, arguments[1])) do
    local tool = offer.tool(name)
    local add = tool.actions and add_group or add_tool
    add(top, tool, arguments[2])
  end
  add_completion(top)
  add_manual(top)
  return top
end

--- The argparse parser of the command: all of it, or of the tool alone that the command line names.
---@param arguments string[]
---@return table? parser
---@return lacre.error? err
function parser.new(arguments)
  local found, argparse = pcall(require, "argparse")
  if not found then
    return lacre_error.fail(
      "config", "unsupported",
      "the command needs the Lua module argparse (Debian: lua-argparse; luarocks install argparse)"
    )
  end
  return make(argparse, arguments)
end

--- Parses a command line. What argparse would print before it exits comes back as the second result:
--- `show`, a text for stdout, or `message` and `usage`.
---@param top table of `parser.new`
---@param arguments string[]
---@return table? parsed
---@return { show: string?, message: string?, usage: string? }? instead
function parser.parse(top, arguments)
  function top.error(self, message)
    error({ usage = self:get_usage(), message = message }, 0)
  end
  local ok, parsed = pcall(top.parse, top, arguments)
  if ok then
    return parsed
  elseif type(parsed) ~= "table" then
    error(parsed, 0)
  end
  return nil, parsed
end

return parser
