-- Makes a self-signed certificate for development, and writes it to files.
--   lua examples/selfsign.lua DIRECTORY
local lacre = require "lacre"

local directory = arg[1] or "."
local key = lacre.assert(lacre.key.generate "p256")
local cert = lacre.assert(lacre.cert.create {
  key = key,
  hosts = { "localhost", "127.0.0.1", "::1" },
  valid_for = "30d",
})
lacre.assert(key:save(directory .. "/dev.key")) -- mode 0600, never over an old one
lacre.assert(cert:save(directory .. "/dev.crt"))
print(cert)
print("pin", cert:pin())
