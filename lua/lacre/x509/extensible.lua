--- x509.extensible: what certificates, requests and revocation lists share: their extensions, as methods.
--
-- A type that has `raw_extensions()` takes these methods over; each is the value of one extension in
-- the shape programs want. An extension that is absent or malformed gives nil, or an empty list.

local core = require "lacre.core"
local later = require "lacre.later"

local extension = later "lacre.x509.extension"
local general = later "lacre.x509.general_name"

local extensible = {}

local methods = {}
extensible.methods = methods

--- Every extension: `for e in cert:extensions() do`; each `{ oid, name?, critical, der, value?, text }`.
---@return fun(): table?
function methods:extensions()
  local list, i = self:raw_extensions(), 0
  return function()
    i = i + 1
    return list[i] and extension.explain(list[i])
  end
end

local contents = {} -- identifiers as they are encoded, of those that were asked for

local function find(self, which)
  local oid = extension.oid(which)
  if oid and self.raw_extension then -- of a certificate: the others are not even copied
    contents[oid] = contents[oid] or core.oid.content(oid)
    return self:raw_extension(contents[oid])
  end
  for _, raw in ipairs(self:raw_extensions()) do
    if raw.oid == oid then
      return raw
    end
  end
end

--- One extension, by name or dotted identifier.
---@param which string "key_usage" or "2.5.29.15"
---@return table? extension
function methods:extension(which)
  local raw = find(self, which)
  return raw and extension.explain(raw)
end

local function value_of(self, which)
  local raw = find(self, which)
  return raw and extension.understand(raw).value
end
extensible.value_of = value_of

local function extension_value(which)
  return function(self)
    return value_of(self, which)
  end
end

--- `{ ca =, path_length = }`, RFC 5280 section 4.2.1.9.
---@return table?
methods.basic_constraints = extension_value "basic_constraints"

--- What its key may do, as in `{ digital_signature = true }`: RFC 5280 section 4.2.1.3.
---@return table<string, true>?
methods.key_usage = extension_value "key_usage"

--- What it is for, as in `{ server_auth = true }`: RFC 5280 section 4.2.1.12.
---@return table<string, true>?
methods.extended_key_usage = extension_value "extended_key_usage"

--- The identifier of its key, in hexadecimal: RFC 5280 section 4.2.1.2.
---@return string?
methods.subject_key_id = extension_value "subject_key_id"

--- `{ permitted = {...}, excluded = {...} }`, each a list of subtrees: RFC 5280 section 4.2.1.10.
---@return table?
methods.name_constraints = extension_value "name_constraints"

--- `{ require_explicit_policy =, inhibit_policy_mapping = }`, RFC 5280 section 4.2.1.11.
---@return table?
methods.policy_constraints = extension_value "policy_constraints"

--- How many certificates further anyPolicy counts: RFC 5280 section 4.2.1.14.
---@return integer?
methods.inhibit_any_policy = extension_value "inhibit_any_policy"

--- The scope of a revocation list: RFC 5280 section 5.2.5.
---@return table?
methods.issuing_distribution_point = extension_value "issuing_distribution_point"

--- Whether it is a CA certificate (basicConstraints).
---@return boolean
function methods:is_ca()
  local constraints = value_of(self, "basic_constraints")
  return constraints ~= nil and constraints.ca
end

--- The identifier of the key that signed it, in hexadecimal: RFC 5280 section 4.2.1.1.
---@return string? hex
function methods:authority_key_id()
  local value = value_of(self, "authority_key_id")
  return value and value.key_id
end

--- The subject's alternative names: `{ { type = "dns", value = "a.example" }, ... }`; types are dns ip
--- email uri dir (a lacre.name) rid other (with `oid` and `der`).
---@return table[]
function methods:subject_alt_names()
  return general.wrap_directories(self:raw_alt_names() or {})
end

--- The issuer's alternative names, in the same form.
---@return table[]
function methods:issuer_alt_names()
  return value_of(self, "issuer_alt_names") or {}
end

local function values_of(self, ...)
  local wanted, values = { ... }, {}
  for _, item in ipairs(self:raw_alt_names() or {}) do
    for _, kind in ipairs(wanted) do
      if item.type == kind then
        values[#values + 1] = item.value
      end
    end
  end
  return values
end

--- The DNS names in subjectAltName.
---@return string[]
function methods:dns_names()
  return values_of(self, "dns")
end

--- The IP addresses in subjectAltName.
---@return string[]
function methods:ip_addresses()
  return values_of(self, "ip")
end

--- DNS names and IP addresses, in their order.
---@return string[]
function methods:hosts()
  return values_of(self, "dns", "ip")
end

--- The certificate policies, as object identifiers.
---@return string[]
function methods:policies()
  local list = {}
  for i, policy in ipairs(value_of(self, "certificate_policies") or {}) do
    list[i] = policy.policy
  end
  return list
end

--- The policies that an issuer equates: `{ { issuer_policy =, subject_policy = }, ... }`.
---@return table[]
function methods:policy_mappings()
  return value_of(self, "policy_mappings") or {}
end

--- Certificate transparency timestamps: `{ { version =, log_id = hex, time = }, ... }`.
---@return table[]
function methods:scts()
  return value_of(self, "signed_certificate_timestamps") or {}
end

--- The TLS extensions it asks a server for, by their numbers (RFC 7633).
---@return integer[]
function methods:tls_features()
  return value_of(self, "tls_feature") or {}
end

--- Whether it is must-staple: requires a stapled OCSP response (RFC 7633).
---@return boolean
function methods:must_staple()
  for _, feature in ipairs(self:tls_features()) do
    if feature == 5 then
      return true
    end
  end
  return false
end

local function access_urls(method)
  return function(self)
    local urls = {}
    for _, access in ipairs(value_of(self, "authority_info_access") or {}) do
      if access.method == method and access.location.type == "uri" then
        urls[#urls + 1] = access.location.value
      end
    end
    return urls
  end
end

--- URLs of its OCSP responder.
---@return string[]
methods.ocsp_urls = access_urls "1.3.6.1.5.5.7.48.1"

--- URLs of its issuer's certificate.
---@return string[]
methods.issuer_urls = access_urls "1.3.6.1.5.5.7.48.2"

local function point_urls(which)
  return function(self)
    local urls = {}
    for _, point in ipairs(value_of(self, which) or {}) do
      for _, item in ipairs(point.name and point.name.full_name or {}) do
        if item.type == "uri" then
          urls[#urls + 1] = item.value
        end
      end
    end
    return urls
  end
end

--- URLs of its revocation list (CRL).
---@return string[]
methods.crl_urls = point_urls "crl_distribution_points"

--- URLs of the delta CRL.
---@return string[]
methods.delta_crl_urls = point_urls "freshest_crl"

--- Gives a type the methods named, or all of them; what it has already stays.
---@param type_methods table
---@param names? string[]
function extensible.extend(type_methods, names)
  local chosen = {}
  for _, name in ipairs(names or {}) do
    chosen[name] = true
  end
  for name, method in pairs(methods) do
    if type_methods[name] == nil and (not names or chosen[name]) then
      type_methods[name] = method
    end
  end
end

return extensible
