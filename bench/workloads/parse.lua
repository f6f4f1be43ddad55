-- A certificate read: subject, names, dates. VARIANT: ecdsa rsa
local bench = require "workload"
local cert = require "lacre.cert"
local file = require "lacre.file"

local text = bench.assert(file.read(bench.dir .. bench.variant .. "-leaf.pem"))

bench.repeated(function()
  local one = bench.assert(cert.parse(text))
  one:subject():to_table()
  one:subject_alt_names()
  return one:not_before() + one:not_after()
end)
