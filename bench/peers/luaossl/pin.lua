-- The pin of a certificate: nothing keeps it. VARIANT: first
local bench = require "clock"
local digest = require "openssl.digest"
local x509 = require "openssl.x509"

if bench.variant == "kept" then
  bench.lacks "a pin that is kept"
end
bench.count = math.ceil(bench.count / 100) -- of what takes hundreds of times as long
local handle = assert(io.open(bench.dir .. "ecdsa-leaf.pem"))
local leaf = x509.new(handle:read "*a")
handle:close()

bench.repeated(function()
  assert(#digest.new("sha256"):final(leaf:getPublicKey():tostring "DER") == 32)
end)
