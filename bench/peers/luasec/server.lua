-- An echo server on the port COUNT, until it is ended, over LuaSocket's select.
local bench = require "clock"
local socket = require "socket"
local tls = require "luasec.tls"

local context = tls.server "ecdsa"
local listener = tls.listen(bench.count)
listener:settimeout(0)
local watched, is_open = { listener }, {}

local function drop(conn)
  for i, other in ipairs(watched) do
    if other == conn then
      table.remove(watched, i)
    end
  end
  is_open[conn] = nil
  conn:close()
end

local function shake(conn)
  local done, why = conn:dohandshake()
  is_open[conn] = done
  if not done and why ~= "wantread" and why ~= "wantwrite" then
    drop(conn)
  end
  return done
end

local function serve(conn)
  if not is_open[conn] and not shake(conn) then
    return
  end
  local bytes, why, part = conn:receive(16384)
  bytes = bytes or part
  if bytes ~= "" then
    conn:send(bytes)
  end
  if why and why ~= "wantread" and why ~= "timeout" then
    drop(conn)
  end
end

local function admit()
  local plain = listener:accept()
  if plain then
    local conn = tls.over(plain, context)
    watched[#watched + 1] = conn
    serve(conn)
  end
end

while true do
  for _, one in ipairs(socket.select(watched, nil, 60)) do
    if one == listener then
      admit()
    else
      serve(one)
    end
  end
end
