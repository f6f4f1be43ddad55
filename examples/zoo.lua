-- Connects a client to faulty servers: which of them does it accept?
--   lua examples/zoo.lua
local lacre = require "lacre"
local zoo = require "lacre.zoo"

lacre.loop.run(function()
  local menagerie = lacre.assert(zoo.open { only = { "good", "dates", "names", "chain" } })
  for _, animal in ipairs(menagerie.entries) do
    local conn, err = lacre.connect("localhost", animal.port, { trust = menagerie.pki:trust(), timeout = 5 })
    print(("%-24s %-10s %s"):format(animal.name, conn and "let in" or "refused", conn and "" or err.code))
    if conn then
      conn:close()
    end
  end
  menagerie:close()
end)
