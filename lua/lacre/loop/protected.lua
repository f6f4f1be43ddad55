--- loop.protected: calls whose errors are caught, and across which a task may wait on every Lua.
--
-- PUC 5.1 cannot yield across pcall: there the function runs as a coroutine whose yields are passed on.

local create_thread = require "lacre.loop.thread"
local threads = require "lacre.loop.threads"

local belongs = threads.belongs
local resume, yield, running = coroutine.resume, coroutine.yield, coroutine.running

local protected = {}

local function forward(thread, ok, ...)
  if ok and coroutine.status(thread) == "suspended" then
    return forward(thread, resume(thread, yield(...)))
  end
  return ok, ...
end

local function forget(thread, ...)
  belongs[thread] = nil
  return ...
end

local function pcall_51(fn, ...)
  local outer, thread = running(), create_thread(fn)
  if not outer then
    return pcall(fn, ...)
  end
  belongs[thread] = belongs[outer]
  return forget(thread, forward(thread, resume(thread, ...)))
end

--- pcall, which may be yielded across.
---@type fun(fn: function, ...: any): boolean, any
protected.call = _VERSION == "Lua 5.1" and not rawget(_G, "jit") and pcall_51 or pcall

return protected
