--- tls.library: which OpenSSL this process runs on, and what it can do.

local core = require "lacre.core"
local groups = require "lacre.tls.groups"
local sigalgs = require "lacre.tls.sigalgs"

local providers, fips = core.openssl.providers()

local function default_trust()
  local file, directory, file_variable, directory_variable = core.openssl.trust_places()
  return { file = os.getenv(file_variable) or file, dir = os.getenv(directory_variable) or directory }
end

local library = {}

--- What `lacre.openssl` shows. `number` is as OpenSSL counts: 0x30000160 is 3.0.22.
---@type { version: string, number: integer, providers: string[], fips: boolean, default_trust: table, features: table }
library.openssl = {
  version = core.openssl.version,
  number = core.openssl.number,
  providers = providers,
  fips = fips,
  default_trust = default_trust(),
  features = {
    mlkem = groups.list { "X25519MLKEM768" } ~= nil,
    mldsa = sigalgs.has "mldsa65",
    ktls = core.openssl.kernel_encrypts(),
  },
}

return library
