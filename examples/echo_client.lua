-- A client for a self-signed server, trusted by its pin; no check is switched off.
--   lua examples/echo_client.lua PORT PIN
local lacre = require "lacre"

local conn = lacre.assert(lacre.connect("localhost", tonumber(arg[1]), {
  trust = "pins",
  pins = { arg[2], allow_no_backup = true },
}))
conn:write "olá\n"
print(conn:read "l")
print(conn:version(), conn:info().cipher)
conn:shutdown() -- close_notify: the server sees a clean end
conn:close()
