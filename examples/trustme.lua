-- A CA in memory, for a test: three lines, no files, no check switched off.
--   lua examples/trustme.lua
local lacre = require "lacre"

local ca = lacre.assert(lacre.ca.new {})
local server = lacre.assert(ca:issue { hosts = { "localhost" } })
local client = lacre.assert(lacre.client { trust = ca })

lacre.loop.run(function()
  local listener = lacre.assert(lacre.listen { port = 0, identity = server })
  local _, port = listener:address()
  local greeting = lacre.loop.spawn(function()
    local conn = lacre.assert(listener:accept())
    conn:write "hello\n"
    conn:close()
  end)
  local conn = lacre.assert(client:connect("localhost", port))
  print(conn:read "l", "verified by " .. tostring(ca:cert():subject()))
  conn:close()
  greeting:join()
  listener:close()
end)

-- and what does not belong to it is refused
local stranger = lacre.assert(lacre.assert(lacre.ca.new {}):issue { hosts = { "localhost" } })
print(select(2, stranger.cert:verify { trust = ca, server_name = "localhost" }).code)
