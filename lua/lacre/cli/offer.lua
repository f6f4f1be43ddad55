--- cli.offer: what the command offers: the tools, and their options as a command line spells them.

local later = require "lacre.later"

local password = later "lacre.cli.password"

local offer = {}

--- The tools, in the order of the help.
offer.TOOLS = {
  "selfsign", "csr", "inspect", "verify", "convert",
  "ca", "info", "pin", "get", "serve", "echo", "health", "zoo",
}

--- A tool, or an action of one.
---@param name string
---@param action? string
---@return lacre.tool
function offer.tool(name, action)
  local tool = require("lacre.tool." .. name)
  return action and tool[action] or tool
end

--- What every tool takes beside its own.
---@type lacre.tool.row[]
offer.COMMON = {
  { name = "json", type = "boolean", help = "print JSON" },
  { name = "color", value = "WHEN", values = { "auto", "always", "never" }, help = "use colour" },
  { name = "quiet", short = "q", type = "boolean", help = "print nothing on success" },
}

local function given(row)
  if row.from_lua then
    return {}
  end
  return row.type == "password" and password.options(row) or { row }
end

--- The options of a tool's own, in their order: a password is three of them, each saying where it comes from.
---@param tool lacre.tool
---@return lacre.tool.row[]
function offer.own_options(tool)
  local rows = {}
  for _, row in ipairs(tool.options) do
    for _, one in ipairs(given(row)) do
      rows[#rows + 1] = one
    end
  end
  return rows
end

--- All options of a tool: its own, and behind them those that every tool takes.
---@param tool lacre.tool
---@return lacre.tool.row[]
function offer.options(tool)
  local rows = offer.own_options(tool)
  for _, row in ipairs(offer.COMMON) do
    rows[#rows + 1] = row
  end
  return rows
end

--- The option of the command for a name of the library: --valid-for for valid_for.
---@param name string
---@return string
function offer.dashed(name)
  return "--" .. name:gsub("_", "-")
end

--- How an option may be written, the short way first: "-o", "--out".
---@param row lacre.tool.row
---@return string[]
function offer.spellings(row)
  return row.short and { "-" .. row.short, offer.dashed(row.name) } or { offer.dashed(row.name) }
end

--- What the help calls the value of an option or argument; nil for a flag, which has none.
---@param row lacre.tool.row
---@return string?
function offer.value(row)
  return row.type ~= "boolean" and (row.value or row.name:upper()) or nil
end

--- How an argument stands in a line of usage: "[NAME ...]".
---@param row lacre.tool.row
---@param name string its value, as it is to look
---@return string
function offer.argument(row, name)
  local word = name .. (row.many and " ..." or "")
  return row.optional and "[" .. word .. "]" or word
end

-- of a time limit a bare number is seconds, as other commands have it; how long a certificate lives needs its unit
local function seconds(text)
  return tonumber(text) or text
end

--- What makes a value of the text of an option, or nothing of one that is none; a text stays one.
---@param row lacre.tool.row
---@return (fun(text: string): any)?
function offer.reads(row)
  if row.type == "integer" or row.type == "number" then
    return tonumber
  elseif row.type == "duration" and (row.name:find "timeout" or row.name == "max_time") then
    return seconds
  end
end

--- Whether an option may be given several times.
---@param row lacre.tool.row
---@return boolean
function offer.is_many(row)
  return row.type == "list" or row.many or false
end

return offer
