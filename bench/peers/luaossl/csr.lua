-- A request, as PEM. VARIANT: p256
local bench = require "clock"
local csr = require "openssl.x509.csr"
local drafts = require "luaossl.drafts"

local key = drafts.key()

bench.repeated(function()
  local request = csr.new()
  request:setSubject(drafts.name())
  request:setPublicKey(key)
  request:setSubjectAlt(drafts.hosts())
  request:sign(key, "sha256")
  assert(#request:toPEM() > 300)
end)
