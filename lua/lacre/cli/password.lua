--- cli.password: where the command gets passwords from. Never from its arguments, which everybody on the
--- machine can read.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local later = require "lacre.later"

local file = later "lacre.file"

local password = {}

local function missing(message)
  return lacre_error.fail("load", "password_required", message)
end

local function first_line(path)
  local bytes, err = file.read(path)
  return bytes and bytes:match "^[^\r\n]*", err
end

-- source = { name of its option, its value, how it is read }
local sources = {
  { "file", "FILE", "read the password of %s from the first line of this file", first_line },
  { "env", "VARIABLE", "take the password of %s from this environment variable", function(name)
    local value = os.getenv(name)
    if value then
      return value
    end
    return missing(("the environment variable '%s' is not set"):format(name))
  end },
  { "fd", "NUMBER", "read the password of %s from this file descriptor", function(number)
    return first_line("/dev/fd/" .. number)
  end },
}

-- a password that is being chosen protects nothing where it is empty, wherever it comes from
local function not_empty(row, text, err)
  if text == "" and row.new then
    return missing "the password is empty"
  end
  return text, err
end

local function ask(prompt)
  local text, err = core.terminal.ask(prompt)
  if text or err.code ~= "unsupported" then
    return text, err
  end
  return missing "a password is needed, and there is no terminal to ask for it"
end

local function ask_twice(prompt)
  local first, err = ask(prompt)
  local second
  if first then
    second, err = ask "again: "
  end
  if second and first ~= second then
    local _, differ = lacre_error.fail("load", "bad_password", "the two passwords differ")
    differ.hint = "type the same password twice"
    return nil, differ
  elseif second == "" then
    return missing "the password is empty"
  end
  return second, err
end

--- Rows for the parser: the options that stand for a password row.
---@param row lacre.tool.row
---@return lacre.tool.row[]
function password.options(row)
  local rows = {}
  for i, source in ipairs(sources) do
    rows[i] = { name = row.name .. "_" .. source[1], value = source[2], help = source[3]:format(row.help) }
  end
  return rows
end

--- The function that fetches the password when it is needed, or nil where none was asked for.
---@param row lacre.tool.row
---@param parsed table the parsed command line
---@return (fun(what?: string, alone?: boolean): string?, lacre.error?)? `alone`: nobody is there to be asked
function password.source(row, parsed)
  for _, source in ipairs(sources) do
    local value = parsed[row.name .. "_" .. source[1]]
    if value then
      return function()
        return not_empty(row, source[4](value))
      end
    end
  end
  if row.prompt == true or parsed[row.prompt] then
    local asker = row.new and ask_twice or ask
    return function(what, alone)
      if alone then
        return missing(("the password of %s is needed while nobody is asked"):format(what or row.help))
      end
      return asker(("password of %s: "):format(what or row.help))
    end
  end
end

return password
