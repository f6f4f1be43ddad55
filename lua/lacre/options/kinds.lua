--- options.kinds: what an option may be: each kind takes a value and gives it as it is used, or nil and why not.

local time = require "lacre.time"

local function of_type(name)
  return function(value)
    if type(value) == name then
      return value
    end
    return nil, ("%s expected, got %s"):format(name, type(value))
  end
end

local units = { [""] = 1, k = 1024, K = 1024, M = 1024 * 1024, G = 1024 * 1024 * 1024 }

local kinds = {
  any = function(value)
    return value
  end,
  integer = function(value)
    if type(value) == "number" and value == math.floor(value) and value > -math.huge and value < math.huge then
      return value
    end
    return nil, ("whole number expected, got %s"):format(type(value) == "number" and value or type(value))
  end,
  list = function(value)
    if type(value) == "table" and getmetatable(value) == nil then
      return value
    end
    return nil, ("list expected, got %s"):format(type(value))
  end,
  texts = function(value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then
      return nil, ("list of strings expected, got %s"):format(type(value))
    end
    for _, item in ipairs(value) do
      if type(item) ~= "string" then
        return nil, ("list of strings expected, got %s in it"):format(type(item))
      end
    end
    return value
  end,
  duration = function(value)
    local seconds, err = time.duration(value)
    return seconds, err and err.message
  end,
  limit = function(value)
    if value == false then
      return false
    end
    local seconds, err = time.duration(value)
    return seconds, err and err.message
  end,
  size = function(value)
    local number, unit = tostring(value):match "^(%d+)([kKMG]?)$"
    if number then
      return tonumber(number) * units[unit]
    end
    return nil, ("size in bytes, or such as 64k, 10M, 2G, expected, got %s"):format(tostring(value))
  end,
  instant = function(value)
    local instant, err = time.parse(value)
    return instant, err and err.message
  end,
}

-- all others are types of Lua
setmetatable(kinds, {
  __index = function(_, name)
    kinds[name] = of_type(name)
    return kinds[name]
  end,
})

return kinds
