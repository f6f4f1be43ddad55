-- Certificates issued by a CA in memory. VARIANT: key (a new one for each) csr
local bench = require "workload"
local ca = require "lacre.ca"
local csr = require "lacre.csr"

local authority = bench.assert(ca.open { cert = bench.dir .. "ecdsa-inter.pem", key = bench.dir .. "ecdsa-inter.key" })
local handle = assert(io.open(bench.dir .. "bench.csr"))
local request = handle:read "*a"
handle:close()

local made = {
  key = function()
    bench.assert(authority:issue { hosts = { "bench.test" } })
  end,
  csr = function()
    bench.assert(authority:issue { csr = bench.assert(csr.parse(request)), copy = { "subject", "hosts" } })
  end,
}

bench.repeated(made[bench.variant])
