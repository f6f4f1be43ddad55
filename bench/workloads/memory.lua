-- What each idle connection adds to a server's memory. VARIANT: conn (held by a list), serve (in its own task)
local bench = require "workload"
local listen = require("lacre.listener").listen
local loop = require "lacre.loop"

local listener = bench.assert(listen { port = 0, context = bench.server "ecdsa" })
local _, port = listener:address()

local function greet(conn)
  bench.assert(conn:handshake())
  bench.assert(conn:write "x")
  bench.assert(conn:read(1))
  return conn
end

local function accept()
  return greet(bench.assert(listener:accept()))
end

local function accept_in_task()
  local conn, ready = bench.assert(listener:accept()), loop.condition()
  loop.spawn(function()
    greet(conn)
    ready:notify()
    conn:read(1)
  end)
  ready:wait()
  return conn
end

if bench.variant == "serve" then
  loop.run(bench.idle, port, accept_in_task)
else
  bench.idle(port, accept)
end
