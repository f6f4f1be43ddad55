-- Three clients that must refuse, and the typed errors that say why.
--   lua examples/refusals.lua PORT CERTIFICATE
local lacre = require "lacre"

local port, file = tonumber(arg[1]), arg[2]
local other = lacre.assert(lacre.tool.selfsign { hosts = { "localhost" } })

local attempts = {
  { "trusts another certificate", { trust = other.cert } },
  { "expects another name", { trust = file, server_name = "other.test" } },
  { "expects another key", { trust = file, pins = { other.pin, allow_no_backup = true } } },
}
for _, attempt in ipairs(attempts) do
  local conn, err = lacre.connect("localhost", port, attempt[2])
  assert(not conn, "this must not connect")
  print(attempt[1], err.code)
  print("", err.hint)
end
