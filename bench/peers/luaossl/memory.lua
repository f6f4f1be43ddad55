-- What each idle connection adds to a server's memory. VARIANT: conn (held by a list), serve (in its own coroutine)
local bench = require "clock"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local tls = require "luaossl.tls"

local context = tls.server "ecdsa"
local listener, port = tls.listen(0)

local function accept()
  local conn = tls.accept(listener, context)
  assert(conn:write "x")
  assert(conn:read(1))
  return conn
end

local function accept_in_task()
  local conn, ready = nil, condition.new()
  cqueues.running():wrap(function()
    conn = accept()
    ready:signal()
    conn:read(1)
  end)
  ready:wait()
  return conn
end

tls.run(function()
  bench.idle(port, bench.variant == "serve" and accept_in_task or accept)
  os.exit(0)
end)
