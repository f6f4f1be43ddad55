--- ocsp.types: the messages of OCSP as values that read and write themselves, RFC 6960 section 4.

local core = require "lacre.core"
local der = require "lacre.der"
local extension = require "lacre.x509.extension"
local key = require "lacre.key"
local lacre_error = require "lacre.error"

local types = {}

local algorithm = der.sequence { { "oid", der.oid }, { "parameters", der.any, optional = true } }

types.id = der.sequence {
  { "hash", algorithm },
  { "name_hash", der.octets },
  { "key_hash", der.octets },
  { "serial", der.hex_integer },
}

types.request = der.sequence {
  { "tbs", der.sequence {
    { "version", der.explicit(0, der.integer), default = 0 },
    { "requestor", der.explicit(1, der.any), optional = true },
    { "list", der.sequence_of(der.sequence {
      { "id", types.id }, { "extensions", der.explicit(0, extension.list), optional = true },
    }) },
    { "extensions", der.explicit(2, extension.list), optional = true },
  } },
  { "signature", der.explicit(0, der.any), optional = true },
}

local revoked = der.sequence {
  { "time", der.generalized_time }, { "reason", der.explicit(0, der.enumerated), optional = true },
}

types.single = der.sequence {
  { "id", types.id },
  { "status", der.choice {
    { "good", der.implicit(0, der.null) },
    { "revoked", der.implicit(1, revoked) },
    { "unknown", der.implicit(2, der.null) },
  } },
  { "this_update", der.generalized_time },
  { "next_update", der.explicit(0, der.generalized_time), optional = true },
  { "extensions", der.explicit(1, extension.list), optional = true },
}

types.data = der.sequence {
  { "version", der.explicit(0, der.integer), default = 0 },
  { "responder", der.choice { { "name", der.explicit(1, der.any) }, { "key", der.explicit(2, der.octets) } } },
  { "produced_at", der.generalized_time },
  { "responses", der.sequence_of(types.single) },
  { "extensions", der.explicit(1, extension.list), optional = true },
}

types.basic = der.sequence {
  { "data", der.any },
  { "algorithm", der.any },
  { "signature", der.bits },
  { "certs", der.explicit(0, der.sequence_of(der.any)), optional = true },
}

types.response = der.sequence {
  { "status", der.enumerated },
  { "bytes", der.explicit(0, der.sequence { { "type", der.oid }, { "basic", der.octets } }), optional = true },
}

types.BASIC = "1.3.6.1.5.5.7.48.1.1"

--- Why a responder does not answer, by number (RFC 6960 section 4.2.1).
types.refusals = {
  [1] = "malformed_request", [2] = "internal_error", [3] = "try_later", [5] = "sig_required", [6] = "unauthorized",
}

-- identifiers of certificates --

local hashes = {
  sha1 = "1.3.14.3.2.26",
  sha256 = "2.16.840.1.101.3.4.2.1",
  sha384 = "2.16.840.1.101.3.4.2.2",
  sha512 = "2.16.840.1.101.3.4.2.3",
}
local hash_names = {}
for hash, oid in pairs(hashes) do
  hash_names[oid] = hash
end

local function digest(hash, bytes)
  return lacre_error.assert(core.bytes.digest(hash, bytes))
end

--- What names a responder by its key.
---@param cert lacre.cert
---@return string 20 octets
function types.key_hash(cert)
  return digest("sha1", key.public_bits(cert:spki()))
end

--- What names a certificate of an issuer in OCSP.
---@param serial string hex
---@param issuer lacre.cert
---@param hash string sha1 sha256 sha384 sha512
---@return table
function types.id_of(serial, issuer, hash)
  return {
    hash = { oid = hashes[hash], parameters = "\5\0" },
    name_hash = digest(hash, issuer:subject_der()),
    key_hash = digest(hash, key.public_bits(issuer:spki())),
    serial = serial,
  }
end

--- Whether an identifier, made with whatever hash, is of an issuer's certificates.
---@param id table
---@param issuer lacre.cert
---@return boolean
function types.is_of(id, issuer)
  local hash = hash_names[id.hash.oid]
  return hash ~= nil and id.name_hash == digest(hash, issuer:subject_der())
    and id.key_hash == digest(hash, key.public_bits(issuer:spki()))
end

--- The nonce among extensions, as it is encoded.
---@param extensions table[]?
---@return string? der
function types.nonce_of(extensions)
  for _, one in ipairs(extensions or {}) do
    if one.oid == "1.3.6.1.5.5.7.48.1.2" then
      return one.der
    end
  end
end

--- A nonce as an extension.
---@param encoded string
---@return table[]
function types.with_nonce(encoded)
  return { { oid = "1.3.6.1.5.5.7.48.1.2", critical = false, der = encoded } }
end

return types
