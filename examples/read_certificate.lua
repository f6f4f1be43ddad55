-- Prints the main fields of a certificate.
--   lua examples/read_certificate.lua FILE
local lacre = require "lacre"

local cert = lacre.assert(lacre.cert.load(arg[1] or "server.crt"))
print("subject", cert:subject())
print("issuer", cert:issuer(), cert:is_self_signed() and "(itself)" or "")
print("names", table.concat(cert:hosts(), ", "))
print("expires", lacre.time.format(cert:not_after()), "in " .. lacre.time.humanize(cert:expires_in()))
print("sha256", cert:fingerprint("sha256", "colon"))
print("pin", cert:pin())
