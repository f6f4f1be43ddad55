-- A request, as PEM. VARIANT: a kind of key
local bench = require "workload"
local csr = require "lacre.csr"
local key = require "lacre.key"

local private = bench.assert(key.generate(bench.variant))

bench.repeated(function()
  return bench.assert(csr.create {
    key = private, hosts = { "localhost", "127.0.0.1" }, subject = { O = "Bench", CN = "localhost" },
  }):to_pem()
end)
