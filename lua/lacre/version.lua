--- version: which lacre, on which Lua and OpenSSL.

local core = require "lacre.core"

local version = { NUMBER = "0.1.0" }

--- One line for people: "lacre 0.1.0 (Lua 5.4, OpenSSL 3.0.22)".
---@return string
function version.text()
  local jit = rawget(_G, "jit")
  local lua = jit and jit.version or _VERSION
  return ("lacre %s (%s, OpenSSL %s)"):format(version.NUMBER, lua, core.openssl.version)
end

return version
