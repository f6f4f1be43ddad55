--- warning: messages that stop nothing. Each is given once.

local warning = {}

local said = {}

local function to_stderr(message)
  io.stderr:write("lacre: warning: ", message, "\n")
end

local sink = to_stderr

--- Sets where warnings go: a function, nil for stderr, false for nowhere.
---@param fn (fun(message: string))|nil|false
function warning.on_warning(fn)
  if fn ~= nil and fn ~= false and type(fn) ~= "function" then
    error("bad argument #1 to 'on_warning' (function, nil or false expected)", 2)
  end
  sink, said = fn == nil and to_stderr or fn, {}
end

--- Says something once a process.
---@param format string
function warning.say(format, ...)
  local message = format:format(...)
  if sink and not said[message] then
    said[message] = true
    sink(message)
  end
end

return warning
