-- Prints docs/command.md, every tool of the command with its options, from the tables that describe them: make docs
local exits = require "lacre.cli.exits"
local offer = require "lacre.cli.offer"
local toolkit = require "lacre.toolkit"

local head = [[
# The command

Every tool of `lacre`, generated from the tables that its help is made from (`make docs`). From Lua a tool is a function
with the same options, underscores in place of dashes:
`lacre.tool.selfsign { hosts = { "localhost" }, valid_for = "1y" }`.

```sh
lacre TOOL --help                   # the same on the terminal
eval "$(lacre completion bash)"     # completion in this shell; zsh and fish too
lacre manual | man -l -             # this page as a manual page
```

Results go to standard output, everything else to standard error: errors with a stable [code](errors.md), most of them
with a hint. Chain, host name and dates are verified with no options set, and no option switches that off. A TIME is
`90d`, `12h`, `30m` or `10s`; a point in time is `2027-01-31` or `2027-01-31T12:00:00Z`. Passwords are never given
as arguments, which other users of the machine can read.]]

-- where there is more about a tool
local pages = { ca = "ca", echo = "lab", health = "health", pin = "pins", serve = "servers", zoo = "zoo" }

-- a paragraph, in lines that fit
local function wrapped(text)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if #line + #word >= 120 then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function cell(text)
  return (text:gsub("[|<*]", "\\%0"))
end

local function code(text)
  return "`" .. text:gsub("|", "\\|") .. "`"
end

local function option(row)
  local list, value = {}, offer.value(row)
  for i, spelling in ipairs(offer.spellings(row)) do
    list[i] = code(spelling .. (value and " " .. value or ""))
  end
  return table.concat(list, ", ")
end

local function print_rows(list)
  for _, row in ipairs(list) do
    print(("| %s | %s |"):format(option(row), cell(toolkit.help_of(row))))
  end
end

local function print_exits(list)
  print "\n| exit code | |\n|---|---|"
  for _, row in ipairs(list) do
    print(("| %d | %s |"):format(row[1], cell(row[2])))
  end
end

local function usage(tool)
  local words = { "lacre", tool.title, "[options]" }
  for _, row in ipairs(tool.arguments) do
    words[#words + 1] = offer.argument(row, offer.value(row))
  end
  return table.concat(words, " ")
end

local function print_tool(tool, level)
  local about = tool.description or tool.summary:gsub("^%l", string.upper) .. "."
  print(("\n%s lacre %s\n\n%s\n\n```\n%s\n```\n"):format(level, tool.title, wrapped(about), usage(tool)))
  print "| argument or option | |\n|---|---|"
  for _, row in ipairs(tool.arguments) do
    print(("| %s | %s |"):format(code(offer.value(row)), cell(row.help)))
  end
  print_rows(offer.own_options(tool))
  print "\n```sh"
  for _, example in ipairs(tool.examples) do
    print(("# %s\n%s"):format(example[2], example[1]))
  end
  print "```"
  if tool.exits then
    print_exits(tool.exits)
  end
end

local function print_page(name)
  if pages[name] then
    print(("\nMore about it: [%s](%s.md)."):format(pages[name], pages[name]))
  end
end

local function link(name)
  local tool = offer.tool(name)
  return ("- [`lacre %s`](#lacre-%s): %s"):format(name, name, tool.summary)
end

print(head .. "\n")
for _, name in ipairs(offer.TOOLS) do
  print(link(name))
end
print "\n## For every tool\n\n| option | |\n|---|---|"
print_rows(offer.COMMON)
print_exits(exits.meanings)
print "\nWhere a code means something else, the tool says so."

for _, name in ipairs(offer.TOOLS) do
  local tool = offer.tool(name)
  if not tool.actions then
    print_tool(tool, "##")
    print_page(name)
  else
    print(("\n## lacre %s\n\n%s"):format(name, wrapped(tool.description)))
    print_page(name)
    for _, action in ipairs(tool.actions) do
      print_tool(tool[action], "###")
    end
  end
end
