-- An echo server with a certificate made on the spot; prints its pin for the client.
--   lua examples/echo_server.lua [PORT]
local lacre = require "lacre"

local id = lacre.assert(lacre.tool.selfsign { hosts = { "localhost" } })
local listener = lacre.assert(lacre.listen { port = tonumber(arg[1] or 7443), identity = id })

local function echo(conn)
  repeat
    local data, err = conn:receive()
    if data then
      conn:write(data)
    end
  until not data or err
  conn:close()
end

lacre.loop.run(function()
  print("port", select(2, listener:address()))
  print("pin", id.pin)
  io.stdout:flush()
  while true do
    local conn = listener:accept()
    if conn then
      lacre.loop.spawn(echo, conn)
    end
  end
end)
