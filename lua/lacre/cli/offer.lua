--- offer: what the command offers: the tools, and their options as a command line spells them.

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

-- what every tool has
local common = {
  { name = "json", type = "boolean", help = "print JSON" },
  { name = "color", value = "WHEN", values = { "auto", "always", "never" }, help = "use colour" },
  { name = "quiet", short = "q", type = "boolean", help = "print nothing on success" },
}

--- The options of a tool, in their order: a password is three of them, each saying where it comes from.
---@param tool lacre.tool
---@return lacre.tool.row[]
function offer.options(tool)
  local rows = {}
  for _, list in ipairs { tool.options, common } do
    for _, row in ipairs(list) do
      for _, one in ipairs(row.from_lua and {} or row.type == "password" and password.options(row) or { row }) do
        rows[#rows + 1] = one
      end
    end
  end
  return rows
end

--- The option of the command for a name of the library: --valid-for for valid_for.
---@param name string
---@return string
function offer.dashed(name)
  return "--" .. name:gsub("_", "-")
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
