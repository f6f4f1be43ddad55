--- health.targets: lists of servers as people write them, in arguments, files and standard input.
--
-- One target a line (or a range of addresses, 192.0.2.0/28): host, host:port, [2001:db8::1]:443, host:25/smtp,
-- https://host/, smtp://host,
-- name@192.0.2.7:443; behind it key=value for this target alone. `# ...` is a comment, `[group] key=value`
-- begins a group whose settings hold until the next. A line that makes no sense is a target with an error:
-- every line has its result.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local starttls = require "lacre.starttls"
local target = require "lacre.net.target"
local target_range = require "lacre.health.target_range"
local target_settings = require "lacre.health.target_settings"
local target_words = require "lacre.health.target_words"

local fail = lacre_error.fail

local targets = {}

---@class lacre.target_row
---@field text string as it was written
---@field host? string
---@field port? integer
---@field name? string what is asked for and verified, where it is not the host
---@field starttls? string
---@field set table settings of this target alone
---@field group? string
---@field file? string
---@field line? integer
---@field error? lacre.error why it is none

-- whether some characters are in a text: asked before patterns that few lines match, and every line would pay for
local function has(text, plain)
  return text:find(plain, 1, true) ~= nil
end

local function split_scheme(text)
  local scheme, rest
  if has(text, "://") then
    scheme, rest = text:match "^(%a[%w+.-]*)://(.*)$"
  end
  if not scheme then
    return text, {}
  end
  local row = target_words.schemes[scheme:lower()]
  if not row then
    return fail("config", "bad_name", "unknown protocol: %s; write host:port, https://, smtp:// ...", scheme)
  end
  return rest:gsub("[/?#].*$", ""), { port = row[1], starttls = row[2] }
end

local function split_starttls(text, from)
  local bare, protocol
  if has(text, "/") then
    bare, protocol = text:match "^(.-)/([%w]+)$"
  end
  if not protocol then
    return text
  elseif not starttls.option(protocol) or from.starttls then
    return fail("config", "bad_name", "unknown STARTTLS protocol: %s; known: %s", protocol,
      table.concat(starttls.names, " "))
  end
  from.starttls = protocol
  local row = target_words.schemes[protocol]
  from.port = from.port or row and row[1]
  return bare
end

local function parse(text)
  if has(text, "=") and text:find "^[%w_-]+=" then
    return fail("config", "bad_name", "a setting without a target: %s (write 'example.com %s', in quotes)", text, text)
  end
  local bare, from = split_scheme(text)
  if not bare then
    return nil, from
  end
  local why
  bare, why = split_starttls(bare, from)
  if not bare then
    return nil, why
  end
  local name, rest
  if has(bare, "@") then
    name, rest = bare:match "^([^@%s]+)@(.+)$"
  end
  local place, err = target.parse(rest or bare, from.port or 443)
  if not place then
    return nil, err
  end
  return { text = text, host = place.host, port = place.port, name = name, starttls = from.starttls, set = {} }
end

--- Reads one target, without settings.
---@param text string
---@return lacre.target_row?
---@return lacre.error? err bad_name
function targets.parse(text)
  local row, err = parse(text)
  if not row then
    return nil, lacre_error.annotate(err, { hint = "write host, host:port, host:port/smtp, a URL or name@address" })
  end
  return row
end

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
  local at = has(line, "#") and (line:find "^#" or line:gsub('="[^"]*"', hidden):find "%s#")
  return trimmed(at and line:sub(1, at - 1) or line)
end

-- what `name=` and `starttls=` say goes where the target says it
local function applied(row, set)
  row.set = set
  row.name = set.name or row.name
  row.starttls = set.starttls or row.starttls
  if row.starttls and not starttls.option(row.starttls) then
    return fail("config", "bad_name", "unknown STARTTLS protocol: %s", row.starttls)
  end
  return row
end

local function read_one(text, words, group)
  local row, err = targets.parse(text)
  local set
  if row then
    set, err = target_settings.read(words, group.set)
  end
  if set then
    row, err = applied(row, set)
  end
  if not set or not row then
    return { text = text, error = err, set = {} }
  end
  return row
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
  local list, err = target_range.expand(word)
  if err then
    return { { text = word, error = err, set = {} } }
  end
  local rows = {}
  for i, one in ipairs(list or { word }) do
    rows[i] = read_one(one, rest, group)
  end
  return rows
end

local function begin_group(text, group)
  local name, words = text:match "^%[([^%]:]+)%](.*)$"
  if not name or words:find "^%S" or #text > LONGEST then -- an address in brackets
    return false
  end
  local set, err = target_settings.read(words)
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
