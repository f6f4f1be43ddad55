-- One write, and all of it read as a string. VARIANT: 16k 64k, or CIPHER-16k with aes128, aes256 or chacha
local bench = require "workload"
local pair = require "pair"

local suites = {
  aes128 = "TLS_AES_128_GCM_SHA256", aes256 = "TLS_AES_256_GCM_SHA384", chacha = "TLS_CHACHA20_POLY1305_SHA256",
}
local suite = suites[bench.variant:match "^(%w+)%-"]
local size = bench.variant:find "16k$" and 16384 or 65536
local out = ("\0"):rep(size)
local given = { ciphers = suite and { suite } }
local near, far = pair.over_sockets(pair.listen(), bench.client("ecdsa", given), bench.server("ecdsa", given))

bench.repeated(function()
  assert(near:write(out))
  local got = 0
  repeat
    got = got + #far:receive()
  until got == size
end)
