--- manual: the descriptions of the tools as a manual page, roff with man(7) macros.

local password = require "lacre.cli.password"
local toolkit = require "lacre.toolkit"
local version = require "lacre.version"

local manual = {}

local function escaped(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function dashed(row)
  local short = row.short and ("\\fB\\-%s\\fR, "):format(row.short) or ""
  return ("%s\\fB%s\\fR"):format(short, escaped("--" .. row.name:gsub("_", "-")))
end

local function add_row(add, row)
  if row.from_lua then
    return
  elseif row.type == "password" then
    for _, one in ipairs(password.options(row)) do
      add_row(add, one)
    end
    return
  end
  local value = row.type ~= "boolean" and (" \\fI%s\\fR"):format(escaped(row.value or row.name:upper())) or ""
  add(".TP\n%s%s\n%s", dashed(row), value, escaped(toolkit.help_of(row)))
end

local function synopsis(tool)
  local words = { ("\\fBlacre %s\\fR [options]"):format(tool.title) }
  for _, row in ipairs(tool.arguments) do
    local word = "\\fI" .. escaped(row.value or row.name:upper()) .. "\\fR" .. (row.many and " ..." or "")
    words[#words + 1] = row.optional and "[" .. word .. "]" or word
  end
  return table.concat(words, " ")
end

local function add_tool(add, tool)
  add(".SS %s\n%s\n.PP", escaped("lacre " .. tool.title), synopsis(tool))
  add(escaped(tool.description or tool.summary))
  for _, row in ipairs(tool.options) do
    add_row(add, row)
  end
  for _, example in ipairs(tool.examples or {}) do
    add(".PP\n%s:\n.nf\n    %s\n.fi", escaped(example[2]), escaped(example[1]))
  end
end

local exit_codes = {
  "success", "the answer is no: it does not verify, match or pass", "wrong usage of the command line",
  "a network or file error", "a TLS or verification error", "a bug in lacre",
}

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
  for i, meaning in ipairs(exit_codes) do
    add(".TP\n.B %d\n%s", i - 1, escaped(meaning))
  end
  add(".PP\n%s", escaped "lacre health has its own: 0 PASS, 1 WARN, 2 FAIL, 3 could not run.")
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
