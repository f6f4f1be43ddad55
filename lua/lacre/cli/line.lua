--- cli.line: a command line that is plain: a tool, its options and its arguments, each spelt in full. Any other asks
--- for help or has a mistake in it, and is for argparse, which knows what to say; but loading that takes longer than
--- most tools do.

local offer = require "lacre.cli.offer"

local line = {}

local unpack = table.unpack or unpack -- luacheck: ignore

local function is_option(word)
  return word:find "^%-." ~= nil
end

-- the rows by what they are called on a command line
local function spelled(tool)
  local rows = {}
  for _, row in ipairs(offer.options(tool)) do
    for _, spelling in ipairs(offer.spellings(row)) do
      rows[spelling] = row
    end
  end
  return rows
end

local function is_among(values, text)
  for _, value in ipairs(values) do
    if value == text then
      return true
    end
  end
  return false
end

local function put(parsed, row, value)
  if offer.is_many(row) then
    parsed[row.name] = parsed[row.name] or {}
    table.insert(parsed[row.name], value)
    return true
  elseif parsed[row.name] ~= nil or row.values and not is_among(row.values, value) then
    return false
  end
  local reads = offer.reads(row)
  parsed[row.name] = reads and reads(value) or not reads and value or nil
  return parsed[row.name] ~= nil
end

-- the place behind an option and its value, or nothing where it is not plain
local function take_option(parsed, rows, words, at)
  local name, value = words[at]:match "^(%-%-[^=]+)=(.*)$"
  local row = rows[name or words[at]]
  if not row then
    return nil
  elseif row.type == "boolean" then
    return not value and put(parsed, row, true) and at + 1 or nil
  elseif value then
    return put(parsed, row, value) and at + 1 or nil
  end
  value = words[at + 1]
  return value and not is_option(value) and put(parsed, row, value) and at + 2 or nil
end

-- each argument has one word, and the last the rest where it takes many
local function place(parsed, arguments, words)
  for i, row in ipairs(arguments) do
    if not words[i] and not row.optional then
      return false
    end
    if row.many then
      parsed[row.name] = words[i] and { unpack(words, i) }
      return true
    end
    parsed[row.name] = words[i]
  end
  return words[#arguments + 1] == nil
end

local function read(parsed, tool, words, at)
  local rows, others = spelled(tool), {}
  while at and at <= #words do
    if is_option(words[at]) then
      at = take_option(parsed, rows, words, at)
    else
      others[#others + 1] = words[at]
      at = at + 1
    end
  end
  return at and place(parsed, tool.arguments, others) and parsed or nil
end

--- The options and arguments of a plain command line, as the parser would have them.
---@param words string[]
---@return table? parsed
function line.read(words)
  if not is_among(offer.TOOLS, words[1]) then
    return nil
  end
  local tool = offer.tool(words[1])
  if not tool.actions then
    return read({ tool = words[1] }, tool, words, 2)
  elseif is_among(tool.actions, words[2]) then
    return read({ tool = words[1], action = words[2] }, tool[words[2]], words, 3)
  end
end

return line
