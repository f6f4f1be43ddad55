--- options: tables of options, checked by one loop over a schema.
--
-- A schema maps each name to `{ type = ..., default = ..., required = ..., values = ... }`. What is
-- wrong with an option is the caller's mistake and raises; what is wrong with the world behind it
-- (a file that is missing) is told later, by whoever looks.

local kinds = require "lacre.options.kinds"

local options = {}

---@class lacre.option
---@field type string|string[]|fun(value: any): any, string? a Lua type, "integer", "list", "texts" (a list of
---  them), "duration", "limit" (a duration or false), "size", "instant", "any"
---@field default? any
---@field required? boolean
---@field values? any[] the only values allowed
---@field elsewhere? string why the option is refused here, when it exists in another place

-- letters added, left out, changed, or swapped with their neighbour
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if j > 1 and before[j - 2] and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- The known name nearest to a misspelt one, or nil when none is near.
---@param name string
---@param known table names as keys
---@return string?
function options.nearest(name, known)
  local best, best_distance
  for candidate, row in pairs(known) do
    local offered = type(candidate) == "string" and not (type(row) == "table" and row.elsewhere)
    local d = offered and distance(name:lower(), candidate) or math.huge
    if not best or d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  return best and best_distance <= math.max(1, math.floor(#name / 3)) and best or nil
end

local function check_type(kind, value)
  if type(kind) == "string" then
    return kinds[kind](value)
  elseif type(kind) == "function" then
    return kind(value)
  end
  for _, one in ipairs(kind) do
    local result, why = kinds[one](value)
    if why == nil then
      return result
    end
  end
  return nil, ("%s expected, got %s"):format(table.concat(kind, " or "), type(value))
end

local function check_values(values, value)
  for _, allowed in ipairs(values) do
    if allowed == value then
      return value
    end
  end
  local shown = {}
  for i, allowed in ipairs(values) do
    shown[i] = ("%q"):format(tostring(allowed))
  end
  return nil, ("%s expected, got %q"):format(table.concat(shown, " or "), tostring(value))
end

local function unknown_reason(name, schema)
  local nearest = options.nearest(name, schema)
  return nearest and ("unknown; did you mean '%s'?"):format(nearest) or "unknown"
end

local own_sources = debug.getinfo(1, "S").source:match "^(.*)options%.lua$"

local function is_ours(info)
  return info.what == "C" or info.what == "tail" or info.source:sub(1, #own_sources) == own_sources
end

--- Raises a mistake of the caller's, at the place outside of lacre that made it.
---@param format string
function options.misuse(format, ...)
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and is_ours(info) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(format:format(...), info and level or 0)
end

--- Runs what may raise text without a place: it becomes a mistake of the caller's.
---@return any, any what `run` returned
function options.blame(run, ...)
  local ok, result, err = pcall(run, ...)
  if ok then
    return result, err
  elseif type(result) == "string" and result ~= "not enough memory" and not result:find "^[^\n]-:%d+: " then
    options.misuse("%s", result)
  end
  error(result, 0)
end

--- The type of an option that takes a whole number, not too small.
---@param least integer
---@return fun(value: any): any, string?
function options.at_least(least)
  return function(value)
    local number, why = kinds.integer(value)
    if number and number < least then
      return nil, ("%d or more expected, got %d"):format(least, number)
    end
    return number, why
  end
end

--- The type of an option that takes an object.
---@param what string what it is called: "key"
---@param is fun(value: any): boolean
---@return fun(value: any): any, string?
function options.object(what, is)
  return function(value)
    if is(value) then
      return value
    end
    return nil, ("%s expected, got %s"):format(what, type(value))
  end
end

--- Raises unless an argument is of a type.
---@param what string the function that was called
---@param place integer
---@param value any
---@param kind string
function options.argument(what, place, value, kind)
  if type(value) ~= kind then
    options.misuse("bad argument #%d to '%s' (%s expected, got %s)", place, what, kind, type(value))
  end
end

--- Raises unless an argument, the first one, is a path.
---@param what string the function that was called
---@param value any
function options.path(what, value)
  options.argument(what, 1, value, "string")
  if value:find("\0", 1, true) then
    options.misuse("bad argument #1 to '%s' (a path, without a NUL byte, expected)", what)
  end
end

--- Raises unless an argument is what is expected.
---@param what string the function that was called
---@param place integer
---@param good any
---@param expected string
---@param value any
function options.expect(what, place, good, expected, value)
  if not good then
    options.misuse("bad argument #%d to '%s' (%s expected, got %s)", place, what, expected, type(value))
  end
end

local function check_given(schema, name, value, what)
  local row = schema[name]
  if not row or row.elsewhere then
    local reason = row and row.elsewhere or unknown_reason(tostring(name), schema)
    options.misuse("bad option '%s' to '%s' (%s)", tostring(name), what, reason)
  end
  local result, why = check_type(row.type or "any", value)
  if why == nil and row.values then
    result, why = check_values(row.values, result)
  end
  if why ~= nil then
    options.misuse("bad option '%s' to '%s' (%s)", name, what, why)
  end
  return result
end

local compile = rawget(_G, "loadstring") or load

-- what makes a table of the defaults: written as one it has the right size at once, where filling it one by one
-- would have it grow several times
local function maker_of(names, values)
  local fields = {}
  for i, name in ipairs(names) do
    fields[i] = ("[%q] = values[%d]"):format(name, i)
  end
  return compile(("local values = ... return function() return { %s } end"):format(table.concat(fields, ", ")))(values)
end

-- what a schema says of options that are not given
local demands = setmetatable({}, { __mode = "k" })

local function demands_of(schema)
  local names, values, required = {}, {}, {}
  for name, row in pairs(schema) do
    if row.required then
      required[#required + 1] = name
    elseif row.default ~= nil then
      names[#names + 1] = name
      values[#names] = row.default
    end
  end
  demands[schema] = { required = required, defaults = maker_of(names, values) }
  return demands[schema]
end

--- Checks options against a schema and fills the defaults in; raises what is wrong with them.
---@param schema table<string, lacre.option> which does not change any more
---@param given table? nil is an empty table
---@param what string who takes the options, for messages: "client"
---@return table checked a new table
function options.check(schema, given, what)
  if given ~= nil and type(given) ~= "table" then
    options.misuse("bad options to '%s' (table expected, got %s)", what, type(given))
  end
  local demanded = demands[schema] or demands_of(schema)
  local checked = demanded.defaults()
  for name, value in pairs(given or {}) do
    local result = check_given(schema, name, value, what)
    if result ~= nil then
      checked[name] = result
    end
  end
  for i = 1, #demanded.required do
    local name = demanded.required[i]
    if checked[name] == nil then
      options.misuse("missing option '%s' to '%s'", name, what)
    end
  end
  return checked
end

return options
