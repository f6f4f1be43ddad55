--- loop.thread: a coroutine of any function: PUC 5.1 makes none of those that are written in C.

local create = coroutine.create

local function create_51(fn)
  local made, thread = pcall(create, fn)
  return made and thread or create(function(...)
    return fn(...)
  end)
end

---@type fun(fn: function): thread
return _VERSION == "Lua 5.1" and create_51 or create
