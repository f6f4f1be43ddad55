--- health.target.settings: what stands behind a target in a list: key=value, and what it may mean.

local codes = require "lacre.health.codes"
local fail = require("lacre.error").fail
local target_words = require "lacre.health.target.words"
local time = require "lacre.time"

local target_settings = {}

--- The code of "CERT_EXPIRED" or "FAIL:CERT_EXPIRED", where there is such a reason.
---@param text string
---@return string?
function target_settings.expected(text)
  local code = text:match "^%u+:([%u%d_]+)$" or text
  return codes.by_code[code] and code or nil
end

local function is_duration(text)
  local seconds = time.duration(tonumber(text) or text)
  return seconds ~= nil and seconds > 0
end

local checks = { expect = target_settings.expected, timeout = is_duration, connect_timeout = is_duration }

local function is_sane(key, value)
  local choices = target_words.choices[key]
  if choices then
    return (" " .. choices .. " "):find(" " .. value .. " ", 1, true) ~= nil
  end
  return not checks[key] or checks[key](value)
end

local function items_of(kind, value)
  local items = {}
  for item in value:gmatch(kind == "list" and "[^,;]+" or ".+") do
    items[#items + 1] = item
  end
  return items
end

local function check(key, items)
  if #items == 0 then
    return fail("config", "bad_name", "%s= has no value", key)
  end
  for _, item in ipairs(items) do
    if not is_sane(key, item) then
      return fail("config", "bad_name", "%s cannot be '%s'%s", key, item,
        target_words.choices[key] and "; it may be one of: " .. target_words.choices[key] or "")
    end
  end
  return true
end

-- `line` has what this line said before: lists grow, and of two other values nobody knows which is meant
local function add(line, word)
  local key, value = word:match "^([%w_-]+)=(.*)$"
  key = key and key:gsub("-", "_")
  local kind = key and target_words.settings[key]
  if not kind then
    return fail("config", "bad_name", "not a setting of a target: %s%s", word,
      word:find "^%d+$" and (" (write the port as host:%s)"):format(word) or "")
  end
  local items = items_of(kind, value)
  local done, err = check(key, items)
  if not done then
    return nil, err
  elseif kind ~= "list" and line[key] then
    return fail("config", "bad_name", "%s= is given twice", key)
  elseif kind ~= "list" then
    line[key] = value
    return true
  end
  line[key] = line[key] or {}
  for _, item in ipairs(items) do
    table.insert(line[key], item)
  end
  return true
end

-- key=value key="a value with spaces" ...
local function words_of(text)
  local list, at = {}, 1
  while at <= #text do
    local _, last, word = text:find('^%s*([%w_-]+="[^"]*")', at)
    if last and not text:find("^%S", last + 1) then
      word = word:gsub('"', "")
    else
      _, last, word = text:find("^%s*(%S+)", at)
    end
    if not last then
      break
    end
    list[#list + 1], at = word, last + 1
  end
  return list
end

--- Reads settings; they come on top of those of the group.
---@param words string `warn=14d label=shop ca="our ca.pem"`
---@param inherited? table
---@return table? set
---@return lacre.error? err bad_name
function target_settings.read(words, inherited)
  local set, line = {}, {}
  for _, word in ipairs(words_of(words)) do
    local done, err = add(line, word)
    if not done then
      return nil, err
    end
  end
  for _, from in ipairs { inherited or {}, line } do
    for name, value in pairs(from) do
      set[name] = value
    end
  end
  return set
end

return target_settings
