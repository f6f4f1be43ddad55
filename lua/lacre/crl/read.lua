--- crl.read: reading certificate revocation lists, RFC 5280 section 5. `lacre.crl` adds making them.
--
-- Lists have up to hundreds of thousands of entries: OpenSSL keeps them, and an entry becomes a Lua
-- table when it is looked at.

local core = require "lacre.core"
local der = require "lacre.der"
local extensible = require "lacre.x509.extensible"
local extension = require "lacre.x509.extension"
local file = require "lacre.file"
local key = require "lacre.key"
local name = require "lacre.name"
local options = require "lacre.options"
local reasons = require "lacre.crl.reasons"
local time = require "lacre.time"

local revocations = {}

---@class lacre.crl
---@field version fun(self: lacre.crl): integer 2
---@field this_update fun(self: lacre.crl): number seconds since 1970
---@field next_update fun(self: lacre.crl): number? nil where the list does not say
---@field signature_algorithm fun(self: lacre.crl): string
---@field to_der fun(self: lacre.crl): string
local methods = core.crl.methods
extensible.extend(methods, {
  "extensions", "extension", "authority_key_id", "issuing_distribution_point", "delta_crl_urls", "issuer_alt_names",
})

--- Whether a value is a revocation list.
---@param value any
---@return boolean
function revocations.is(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.crl"
end

--- The first CRL in PEM bytes, or the one in DER bytes.
---@param bytes string
---@return lacre.crl? crl
---@return lacre.error? err no_crl bad_pem bad_der trailing_data
function revocations.parse(bytes)
  options.argument("crl.parse", 1, bytes, "string")
  return core.crl.parse(bytes)
end

--- All CRLs in PEM bytes, or the one in DER bytes.
---@param bytes string
---@return lacre.crl[]? crls
---@return lacre.error? err as crl.parse
function revocations.parse_all(bytes)
  options.argument("crl.parse_all", 1, bytes, "string")
  local list = {}
  local behind, label, _, _, block = core.pem.next(bytes, 1)
  while behind do
    if label == "X509 CRL" then
      local parsed, err = core.crl.parse(block)
      if not parsed then
        return nil, err
      end
      list[#list + 1] = parsed
    end
    behind, label, _, _, block = core.pem.next(bytes, behind)
  end
  if behind == nil then
    return nil, label
  elseif #list > 0 then
    return list
  end
  local one, err = core.crl.parse(bytes)
  return one and { one }, err
end

--- A CRL from a file.
---@param path string
---@return lacre.crl? crl
---@return lacre.error? err as crl.parse, and file_not_found permission_denied
function revocations.load(path)
  return file.parsed(path, revocations.parse)
end

--- All CRLs in a file.
---@param path string
---@return lacre.crl[]? crls
---@return lacre.error? err as crl.load
function revocations.load_all(path)
  return file.parsed(path, revocations.parse_all)
end

-- fields --

--- The issuer's name.
---@return lacre.name
function methods:issuer()
  return name.wrap(self:issuer_der())
end

--- Its number, in lower-case hexadecimal; nil in version 1.
---@return string?
function methods:number()
  return extensible.value_of(self, "crl_number")
end

--- The number of the full CRL that this delta applies to; nil for a full CRL.
---@return string?
function methods:base_number()
  return extensible.value_of(self, "delta_crl_indicator")
end

--- Whether it is a delta CRL: RFC 5280 section 5.2.4.
---@return boolean
function methods:is_delta()
  return self:extension "delta_crl_indicator" ~= nil
end

--- Whether it is past its nextUpdate; a CRL without one never expires.
---@param instant? number
---@return boolean
function methods:is_expired(instant)
  local last = self:next_update()
  return last ~= nil and math.floor(instant or time.now()) > last
end

-- entries --

local function entry_of(raw)
  if not raw then
    return nil
  end
  for _, one in ipairs(raw.extensions) do
    extension.understand(one)
    if one.name == "crl_reason" then
      raw.reason = reasons.name(one.value)
    elseif one.name == "invalidity_date" or one.name == "certificate_issuer" then
      raw[one.name] = one.value
    end
  end
  return raw
end

--- Every entry: `for entry in crl:revoked() do`; each `{ serial =, time =, reason?, invalidity_date?,
--- certificate_issuer?, extensions = }`, in the order of their serial numbers.
---@return fun(): table?
function methods:revoked()
  local i = 0
  return function()
    i = i + 1
    return entry_of(self:raw_entry(i))
  end
end

--- The number of entries.
---@return integer
function methods:count()
  return self:raw_count()
end

local function is_certificate(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.cert"
end

local function serial_of(self, what)
  if type(what) == "string" then
    local hex = what:gsub(":", ""):lower()
    if not hex:find "^%-?%x+$" then
      options.misuse("bad argument #1 to 'crl:find' (not a serial number: '%s')", what)
    end
    return hex
  elseif not is_certificate(what) then
    options.misuse("bad argument #1 to 'crl:find' (serial number or certificate expected, got %s)", type(what))
  end
  return core.name.equal(what:issuer_der(), self:issuer_der()) and what:serial() or nil
end

--- The entry for a serial number or certificate, or nil. A certificate of another issuer is never found.
---@param what string|lacre.cert
---@return table? entry
function methods:find(what)
  local serial = serial_of(self, what)
  local content = serial and der.hex_integer.encode(serial)
  return content and #content < 60 and entry_of(self:raw_find(content)) or nil
end

--- Verifies that an issuer made this CRL: its name, its right to sign CRLs, and the signature.
---@param issuer lacre.cert
---@return boolean
function methods:verify(issuer)
  options.expect("crl:verify", 1, is_certificate(issuer), "certificate", issuer)
  local usage = issuer:key_usage()
  if not core.name.equal(self:issuer_der(), issuer:subject_der()) or (usage and not usage.crl_sign) then
    return false
  end
  local signer = issuer:public_key()
  return signer ~= nil and self:is_signed_by(signer)
end

-- encoding --

--- The list as text.
---@return string PEM
function methods:to_pem()
  return core.pem.encode("X509 CRL", self:to_der())
end

--- A digest of the CRL.
---@param algorithm? string sha256
---@param format? "hex"|"colon"|"base64"|"raw"
---@return string? text
---@return lacre.error? err unsupported
function methods:fingerprint(algorithm, format)
  return key.render_digest(algorithm, self:to_der(), format)
end

--- Writes the CRL as PEM.
---@param path string
---@param given? { overwrite?: boolean, mode?: string }
---@return true? done
---@return lacre.error? err file_exists permission_denied io_error
function methods:save(path, given)
  return file.write(path, self:to_pem(), given)
end

core.crl.metatable.__tostring = function(self)
  local ok, text = pcall(function()
    local last = self:next_update()
    return ("lacre.crl: %s, %d revoked, until %s"):format(
      tostring(self:issuer()), self:count(), last and time.format(last, "date") or "?"
    )
  end)
  return ok and text or "lacre.crl"
end

return revocations
