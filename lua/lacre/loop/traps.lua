--- loop.traps: what is done when a signal comes. Each runs as a task; watching for them keeps no loop alive.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local scheduler = require "lacre.loop.scheduler"
local wait = require "lacre.wait"

local traps = {}

local handlers, watcher = {}, nil
local known = { INT = true, TERM = true, HUP = true, USR1 = true, USR2 = true, CHLD = true, QUIT = true, WINCH = true }

local function watch_signals()
  while next(handlers) do
    local name = core.signals.take()
    local handler = name and handlers[name]
    if handler then
      scheduler.spawn(handler, name)
    elseif not name then
      wait.ready(core.signals.fd(), "r")
    end
  end
  watcher = nil
end

--- Watches for what somebody set a trap for, while a loop runs.
function traps.begin()
  for name in pairs(handlers) do
    lacre_error.assert(core.signals.watch(name))
  end
  if next(handlers) and not watcher then
    watcher = scheduler.spawn(watch_signals)
    scheduler.make_daemon(watcher)
  end
end

--- Watches no longer: the loop has ended, and signals do what they did before.
function traps.finish()
  for name in pairs(handlers) do
    core.signals.forget(name)
  end
  watcher = nil
end

--- Sets what is done, or with nil undoes it.
---@param name string
---@param fn? fun(name: string)
function traps.set(name, fn)
  options.expect("on_signal", 1, known[name], "name of a signal, such as TERM,", name)
  options.expect("on_signal", 2, fn == nil or type(fn) == "function", "function or nil", fn)
  if fn == nil then
    core.signals.forget(name)
  end
  handlers[name] = fn
  if scheduler.is_open() then
    traps.begin()
  end
end

return traps
