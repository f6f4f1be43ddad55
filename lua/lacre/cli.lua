--- cli: the command. It knows nothing of what the tools do: it turns a command line into options, hands
--- them to a tool and shows what comes back.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local line = require "lacre.cli.line"
local offer = require "lacre.cli.offer"
local voice = require "lacre.cli.voice"

local exits = later "lacre.cli.exits"
local parser = later "lacre.cli.parser"
local password = later "lacre.cli.password"
local version = later "lacre.version"

local cli = {}

-- who reads the form that was asked for reads standard output alone
local function lament(tool, set, err)
  local instead = tool and tool.lament and tool.lament(set, err)
  if instead then
    voice.print(instead)
  end
end

-- a tool may have one code of its own for all that kept it from answering
local function failure(err, as_json, tool, set)
  lament(tool, set, err)
  voice.complain(err, as_json)
  return tool and tool.trouble or exits.of(err)
end

-- a mistake in the options raises a text; anything else that raises is our fault
local misuses = {
  "bad options? .*$", "missing option '.*$", "missing argument '.*$", "contradictory options .*$",
  "bad argument #%d+ to '[^']+' .*$",
}

-- what the library calls otherwise than the command
local function spelled(tool, name)
  for _, row in ipairs(tool and tool.options or {}) do
    if row.also == name then
      return offer.dashed(row.name)
    end
  end
  return offer.dashed(name)
end

local function misuse_in(text, tool)
  for _, pattern in ipairs(misuses) do
    local found = text:match(pattern)
    if found then
      found = found:gsub(" to '[^']+'", "", 1):gsub("^bad argument #%d+ %((.*)%)$", "%1")
      return (found:gsub("option '([%w_]+)'", function(name)
        return "option " .. spelled(tool, name)
      end))
    end
  end
end

local function report_raised(raised, tool, parsed)
  local text = tostring(raised)
  local misuse = misuse_in(text, tool)
  if text:find "interrupted!$" then -- Ctrl-C, as the lua program tells it
    return exits.INTERRUPTED
  end
  lament(tool, parsed, misuse or "internal error: " .. text)
  if parsed.json then
    local code = misuse and "usage" or "internal_error"
    voice.complain(lacre_error.new { code = code, stage = "config", message = misuse or text }, true)
  else
    voice.say("lacre: " .. (misuse or "internal error: " .. text))
  end
  return tool.trouble or misuse and 2 or 5
end

local function given(value)
  return not (type(value) == "table" and #value == 0) and value or nil
end

local function options_of(tool, parsed)
  local seams, set = voice.seams(parsed), {}
  for _, row in ipairs(tool.options) do
    local value = given(parsed[row.name])
    if row.type == "password" then
      value = password.source(row, parsed)
    elseif value == nil then
      value = row.command_default
    end
    set[row.name] = value or seams[row.name]
  end
  for _, row in ipairs(tool.arguments) do
    set[row.name] = given(parsed[row.name])
  end
  return set
end

local function answer_of(tool, result)
  local answer = tool.failed and tool.failed(result)
  return tonumber(answer) or answer and 1 or 0
end

local function run(tool, parsed)
  local set = options_of(tool, parsed)
  local result, err = tool(set)
  local clear = set.on_progress or function() end
  clear()
  local shown, code
  if result then
    code = answer_of(tool, result)
    shown, err = voice.show(tool, parsed, result, code == 0)
  end
  if not shown then
    return failure(err, parsed.json, tool, set)
  end
  return code
end

-- what a command line that makes no sense was meant for
local function meant(arguments)
  for _, name in ipairs(offer.TOOLS) do
    if name == arguments[1] then
      return offer.tool(name)
    end
  end
  return {}
end

-- what it said of the form of the answer
local function forms(arguments)
  local wanted = {}
  for i, word in ipairs(arguments) do
    wanted.json = wanted.json or word == "--json"
    wanted.format = word:match "^%-%-format=(.*)$" or word == "--format" and arguments[i + 1] or wanted.format
  end
  return wanted
end

local function show_instead(instead, tool, wanted)
  if instead.show then
    local shown, err = voice.print(instead.show)
    return shown and 0 or failure(err)
  end
  lament(tool, wanted, instead.message)
  if wanted.json then
    voice.complain(lacre_error.new { code = "usage", stage = "config", message = instead.message }, true)
  else
    voice.say("lacre: " .. instead.message)
    voice.say(instead.usage)
  end
  return tool.trouble or 2
end

local function perform(parsed)
  local tool = offer.tool(parsed.tool, parsed.action)
  collectgarbage "restart"
  local ok, code = pcall(run, tool, parsed)
  return ok and code or report_raised(code, tool, parsed)
end

-- a line that is not plain: argparse finds a tool in it after all, has help to show, or says what is wrong
local function perform_other(arguments)
  local top, err = parser.new(arguments)
  if not top then
    return failure(err)
  elseif #arguments == 0 then
    voice.say(top:get_help())
    return 2
  end
  local parsed, instead = parser.parse(top, arguments)
  return parsed and perform(parsed) or show_instead(instead, meant(arguments), forms(arguments))
end

--- Runs the command.
---@param arguments string[] as in `arg`
---@return integer exit_code
function cli.main(arguments)
  if arguments[1] == "--version" and not arguments[2] then
    return show_instead { show = version.text() }
  end
  local parsed = line.read(arguments)
  return parsed and perform(parsed) or perform_other(arguments)
end

return cli
