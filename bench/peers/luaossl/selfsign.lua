-- A self-signed certificate, as PEM. VARIANT: p256
local bench = require "clock"
local bignum = require "openssl.bignum"
local drafts = require "luaossl.drafts"
local extension = require "openssl.x509.extension"
local rand = require "openssl.rand"
local x509 = require "openssl.x509"

local key = drafts.key()

bench.repeated(function()
  local cert, now = x509.new(), os.time()
  cert:setVersion(3)
  cert:setSerial(bignum.fromBinary(rand.bytes(15)))
  cert:setLifetime(now - 300, now + 30 * 86400)
  local subject = drafts.name()
  cert:setSubject(subject)
  cert:setIssuer(subject)
  cert:setPublicKey(key)
  cert:setBasicConstraints { CA = false }
  cert:setBasicConstraintsCritical(true)
  cert:addExtension(extension.new("keyUsage", "critical,digitalSignature"))
  cert:addExtension(extension.new("extendedKeyUsage", "serverAuth"))
  cert:setSubjectAlt(drafts.hosts())
  cert:addExtension(extension.new("subjectKeyIdentifier", "DER", "\4\20" .. cert:getPublicKeyDigest "sha1"))
  cert:sign(key, "sha256")
  assert(#cert:toPEM() > 500)
end)
