--- health.targets: lists of servers as people write them, in arguments, files and standard input.
--
-- One target a line (lacre.health.target), or a range of addresses, 192.0.2.0/28; behind it key=value for this target
-- alone. `# ...` is a comment, `[group] key=value` begins a group whose settings hold until the next. A line that makes
-- no sense is a target with an error: every line has its result.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local range = require "lacre.health.target.range"
local settings = require "lacre.health.target.settings"
local target = require "lacre.health.target"

local fail = lacre_error.fail

local targets = {}

-- names have 253 characters at most: what is longer than any URL with all its settings is not looked at
local LONGEST = 8192

local function hidden(quoted)
  return ("="):rep(#quoted)
end

local SPACE = 32

local function trimmed(text)
  local first, last = text:byte(1), text:byte(-1)
  if first and first > SPACE and last > SPACE then
    return text -- as most are
  end
  return text:match "^%s*(.*%S)" or ""
end

-- what stands in quotes is no comment
local function without_comment(line)
  if #line > LONGEST then
    return line:sub(1, 1) == "#" and "" or line
  end
  local at = line:find("#", 1, true) and (line:find "^#" or line:gsub('="[^"]*"', hidden):find "%s#")
  return trimmed(at and line:sub(1, at - 1) or line)
end

local function refuse_long(text)
  local shown = text:sub(1, 40) .. "..."
  local _, err = fail("config", "bad_name", "a line of %d bytes is not a target: %s", #text, shown)
  return { { text = shown, error = err, set = {} } }
end

-- one row, or as many as a range has addresses
local function read_line(text, group)
  if #text > LONGEST then
    return refuse_long(text)
  end
  local word, rest = text, ""
  if text:find "%s" then
    word, rest = text:match "^(%S+)(.*)$"
  end
  local list, err = range.expand(word)
  if err then
    return { { text = word, error = err, set = {} } }
  end
  local rows = {}
  for i, one in ipairs(list or { word }) do
    rows[i] = target.read(one, rest, group.set)
  end
  return rows
end

local function begin_group(text, group)
  local name, words = text:match "^%[([^%]:]+)%](.*)$"
  if not name or words:find "^%S" or #text > LONGEST then -- an address in brackets
    return false
  end
  local set, err = settings.read(words)
  group.name, group.set, group.error = name, set or {}, err
  return true
end

--- Reads a list.
---@param text string
---@param path? string for the rows' `file`
---@return lacre.target_row[]
function targets.read(text, path)
  local rows, group, number = {}, {}, 0
  for line in (text:gsub("^\239\187\191", "") .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    local bare = without_comment(line)
    if bare ~= "" and not begin_group(bare, group) then
      for _, row in ipairs(read_line(bare, group)) do
        row.file, row.line, row.group = path, number, group.name
        row.error = row.error or group.error
        rows[#rows + 1] = row
      end
    end
  end
  return rows
end

local function read_stdin()
  local text, why = io.read "*a"
  if not text then
    return fail("load", "io_error", "standard input cannot be read: %s", tostring(why))
  end
  return text
end

--- Reads a file, or standard input where it is "-".
---@param path string
---@return lacre.target_row[]?
---@return lacre.error? err file_not_found ...
function targets.load(path)
  local read = path == "-" and read_stdin or file.read
  local text, err = read(path)
  return text and targets.read(text, path), err
end

--- The rows of arguments and files together, in their order.
---@param list? string[]
---@param files? string[]
---@return lacre.target_row[]?
---@return lacre.error? err
function targets.gather(list, files)
  local rows = {}
  for _, text in ipairs(list or {}) do
    local words = without_comment(text)
    local some = words ~= "" and read_line(words, {})
      or { { text = text, set = {}, error = select(2, fail("config", "bad_name", "the target is empty")) } }
    for _, row in ipairs(some) do
      rows[#rows + 1] = row
    end
  end
  for _, path in ipairs(files or {}) do
    local some, err = targets.load(path)
    if not some then
      return nil, err
    end
    for _, row in ipairs(some) do
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- The rows of one of several shards: which one is decided by the target alone, so that each run agrees.
---@param rows lacre.target_row[]
---@param shard { index: integer, count: integer }
---@return lacre.target_row[]
function targets.shard(rows, shard)
  local mine = {}
  for _, row in ipairs(rows) do
    local a, b, c = core.bytes.digest("sha256", row.text):byte(1, 3)
    if (a * 65536 + b * 256 + c) % shard.count == shard.index - 1 then
      mine[#mine + 1] = row
    end
  end
  return mine
end

return targets
