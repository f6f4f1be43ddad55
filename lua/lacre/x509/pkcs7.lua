--- x509.pkcs7: bundles of certificates that nobody signed, RFC 2315 section 9.1.

local der = require "lacre.der"

local pkcs7 = {}

local signed_data = der.sequence {
  { "version", der.integer },
  { "digests", der.any },
  { "content", der.any },
  { "certs", der.implicit(0, der.set_of(der.any)), optional = true },
  { "crls", der.implicit(1, der.set_of(der.any)), optional = true },
  { "signers", der.any },
}
local content_info = der.sequence { { "type", der.oid }, { "content", der.explicit(0, signed_data) } }

--- What a bundle holds, each still encoded.
---@param bytes string DER
---@return { certs: string[]?, crls: string[]? }? content
---@return lacre.error? err bad_der
function pkcs7.parse(bytes)
  local info, err = der.decode(content_info, bytes)
  return info and info.content, err
end

return pkcs7
