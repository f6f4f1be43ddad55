--- cli.manual: the descriptions of the tools as a manual page, roff with man(7) macros.

local exits = require "lacre.cli.exits"
local offer = require "lacre.cli.offer"
local toolkit = require "lacre.toolkit"
local version = require "lacre.version"

local manual = {}

local function escaped(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function spelled(row)
  local list = {}
  for i, spelling in ipairs(offer.spellings(row)) do
    list[i] = ("\\fB%s\\fR"):format(escaped(spelling))
  end
  return table.concat(list, ", ")
end

local function value_of(row)
  local value = offer.value(row)
  return value and ("\\fI%s\\fR"):format(escaped(value))
end

local function add_row(add, row)
  local value = value_of(row)
  add(".TP\n%s%s\n%s", spelled(row), value and " " .. value or "", escaped(toolkit.help_of(row)))
end

local function synopsis(tool)
  local words = { ("\\fBlacre %s\\fR [options]"):format(tool.title) }
  for _, row in ipairs(tool.arguments) do
    words[#words + 1] = offer.argument(row, value_of(row))
  end
  return table.concat(words, " ")
end

local function add_exits(add, list)
  for _, row in ipairs(list) do
    add(".TP\n.B %d\n%s", row[1], escaped(row[2]))
  end
end

local function add_tool(add, tool)
  add(".SS %s\n%s\n.PP", escaped("lacre " .. tool.title), synopsis(tool))
  add(escaped(tool.description or tool.summary))
  for _, row in ipairs(offer.own_options(tool)) do
    add_row(add, row)
  end
  for _, example in ipairs(tool.examples or {}) do
    add(".PP\n%s:\n.nf\n    %s\n.fi", escaped(example[2]), escaped(example[1]))
  end
  if tool.exits then
    add ".PP\nExit status:"
    add_exits(add, tool.exits)
  end
end

local about = "Chain, host name and dates are verified with no options set, and nothing switches that off. Every "
  .. "tool prints text for people or, with --json, data for programs; errors go to standard error, with a stable "
  .. "code and often a hint. --quiet prints nothing on success, and only what is wrong otherwise."

local function add_head(add)
  add('.TH LACRE 1 "" "lacre %s"', version.NUMBER)
  add ".SH NAME\nlacre \\- TLS and certificates, safe by default"
  add ".SH SYNOPSIS\n\\fBlacre\\fR \\fITOOL\\fR [options] [arguments]"
  add(".SH DESCRIPTION\n%s", escaped(about))
end

local function add_tail(add)
  add ".SH EXIT STATUS"
  add_exits(add, exits.meanings)
  add(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\n%s", escaped "if not empty, no colours, unless --color always is given")
end

--- The page.
---@param tools (lacre.tool|lacre.tool.group)[]
---@return string roff
function manual.page(tools)
  local lines = {}
  local function add(format, ...)
    lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
  end
  add_head(add)
  add ".SH TOOLS"
  for _, tool in ipairs(tools) do
    for _, name in ipairs(tool.actions or {}) do
      add_tool(add, tool[name])
    end
    if not tool.actions then
      add_tool(add, tool)
    end
  end
  add_tail(add)
  return table.concat(lines, "\n") .. "\n"
end

return manual
