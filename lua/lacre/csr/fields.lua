--- csr.fields: what a certificate signing request says, as methods.

local core = require "lacre.core"
local extensible = require "lacre.x509.extensible"
local file = require "lacre.file"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local oid = require "lacre.x509.oid"
local options = require "lacre.options"
local parts = require "lacre.csr.parts"

---@class lacre.csr
---@field is_csr true
local methods = { is_csr = true }
extensible.extend(methods, {
  "extensions", "extension", "basic_constraints", "key_usage", "extended_key_usage", "subject_key_id", "is_ca",
  "subject_alt_names", "dns_names", "ip_addresses", "hosts", "must_staple", "tls_features",
})

local function of(self)
  local read = self.parts
  if not read then
    read = lacre_error.assert(parts.read(self.bytes))
    self.parts = read
  end
  return read
end

--- The subject's name.
---@return lacre.name
function methods:subject()
  return name.wrap(of(self).subject)
end

--- The subject's DER, as received.
---@return string DER
function methods:subject_der()
  return of(self).subject
end

--- The version of the format, RFC 2986.
---@return integer 1
function methods:version()
  local version = of(self).version
  return type(version) == "number" and version + 1 or version
end

--- Its SubjectPublicKeyInfo, as received.
---@return string DER of the SubjectPublicKeyInfo
function methods:spki()
  return of(self).spki
end

--- The public key to be certified.
---@return lacre.key? key
---@return lacre.error? err unsupported_key_type bad_der
function methods:public_key()
  local known, err = self.public, nil
  if not known then
    known, err = core.key.from_spki(of(self).spki) -- costs more than verifying with it
    self.public = known
  end
  return known, err
end

--- The extensions it asks for, as `{ oid, critical, der }`.
---@return table[]
function methods:raw_extensions()
  local copy = {}
  for i, one in ipairs(of(self).wishes) do
    copy[i] = { oid = one.oid, critical = one.critical, der = one.der }
  end
  return copy
end

function methods:raw_alt_names()
  local found = self:extension "subject_alt_names"
  return found and core.name.general(found.der)
end

--- Its attributes: `{ { oid =, values = { DER, ... } }, ... }`.
---@return table[]
function methods:attributes()
  return of(self).attributes or {}
end

--- The challenge password, which some authorities ask for (RFC 2985 section 5.4.1).
---@return string?
function methods:challenge_password()
  for _, attribute in ipairs(self:attributes()) do
    if attribute.oid == "1.2.840.113549.1.9.7" and attribute.values[1] then
      return core.name.text(attribute.values[1])
    end
  end
end

--- The signature algorithm.
---@return string "ecdsa-with-SHA256"
function methods:signature_algorithm()
  return oid.algorithm(of(self).signed.algorithm)
end

--- The signature, which proves possession of the key.
---@return string bytes
function methods:signature()
  return of(self).signed.signature
end

--- Whether it is signed with its own key, which proves possession of the key.
---@return boolean
function methods:verify()
  local signer, signed = self:public_key(), of(self).signed
  return signer ~= nil and core.signed.verify(signed.tbs, signed.algorithm, signed.signature, signer)
end

--- Whether it belongs to a key, public or private.
---@param other lacre.key
---@return boolean
function methods:matches_key(other)
  options.expect("matches_key", 1, key.is(other), "key", other)
  return other:matches(self)
end

--- The pin of its key.
---@return string
function methods:pin()
  return (select(2, core.pin.of(self:spki())))
end

--- A digest of the request.
---@param algorithm? string sha256
---@param format? "hex"|"colon"|"base64"|"raw"
---@return string? text
---@return lacre.error? err unsupported
function methods:fingerprint(algorithm, format)
  return key.render_digest(algorithm, self.bytes, format)
end

--- The DER of the request, as received.
---@return string DER
function methods:to_der()
  return self.bytes
end

--- The request as PEM.
---@return string PEM
function methods:to_pem()
  return core.pem.encode("CERTIFICATE REQUEST", self.bytes)
end

--- Writes the request as PEM.
---@param path string
---@param given? { overwrite?: boolean, mode?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function methods:save(path, given)
  return file.write(path, self:to_pem(), given)
end

return methods
