-- A self-signed certificate, as PEM. VARIANT: a kind of key
local bench = require "workload"
local cert = require "lacre.cert"
local key = require "lacre.key"

local private = bench.assert(key.generate(bench.variant))

bench.repeated(function()
  return bench.assert(cert.create {
    key = private, hosts = { "localhost", "127.0.0.1" }, subject = { O = "Bench", CN = "localhost" }, valid_for = "30d",
  }):to_pem()
end)
