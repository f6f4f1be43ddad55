--- report.json: plain data as JSON, keys in alphabetical order so that two runs can be compared.

local fail = require("lacre.error").fail
local sorted = require "lacre.sorted"

local json = {}

local function collect_keys(value, keys)
  if type(value) ~= "table" then
    return keys
  end
  for k, v in pairs(value) do
    if type(k) == "string" then
      keys[k] = true
    end
    collect_keys(v, keys)
  end
  return keys
end

local function module()
  local found, dkjson = pcall(require, "dkjson")
  if not found then
    return fail("config", "unsupported", "JSON needs the Lua module dkjson (Debian: lua-dkjson; rock: dkjson)")
  end
  return dkjson
end

--- JSON text of plain data. Indented, or in one line.
---@param value any
---@param compact? boolean
---@return string? text
---@return lacre.error? err unsupported, when the dkjson rock is missing
function json.encode(value, compact)
  local dkjson, err = module()
  if not dkjson then
    return nil, err
  end
  return (dkjson.encode(value, { indent = not compact, keyorder = sorted(collect_keys(value, {})) }))
end

--- A list that stays one in JSON when it is empty.
---@param value any[]
---@return any[]
function json.list(value)
  return setmetatable(value, { __jsontype = "array" })
end

--- Reads JSON text.
---@param text string
---@return any? value
---@return lacre.error? err unsupported, bad_json
function json.decode(text)
  local dkjson, err = module()
  if not dkjson then
    return nil, err
  end
  local done, value, _, why = pcall(dkjson.decode, text)
  if not done or value == nil then -- it raises where lists in lists have no end
    return fail("parse", "bad_json", "not JSON: %s", done and tostring(why or "null") or "too deep")
  end
  return value
end

return json
