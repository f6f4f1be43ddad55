--- x509.extension: the extensions of RFC 5280 as typed values, both ways.
--
-- One row for each: its identifier, the name programs use, its ASN.1 type. What no row knows is
-- told as identifier and DER, and can be written the same way, so nothing is ever lost.

local core = require "lacre.core"
local der = require "lacre.der"
local general = require "lacre.x509.general_name"
local later = require "lacre.later"

local extension_text = later "lacre.x509.extension_text"

local extension = {}

local general_name, general_names = general.name, general.names

-- sets of object identifiers with names --

local purposes = {
  server_auth = "1.3.6.1.5.5.7.3.1",
  client_auth = "1.3.6.1.5.5.7.3.2",
  code_signing = "1.3.6.1.5.5.7.3.3",
  email_protection = "1.3.6.1.5.5.7.3.4",
  time_stamping = "1.3.6.1.5.5.7.3.8",
  ocsp_signing = "1.3.6.1.5.5.7.3.9",
  any_extended_key_usage = "2.5.29.37.0",
}
local purpose_names = {}
for short, oid in pairs(purposes) do
  purpose_names[oid] = short
end
extension.purposes = purposes

-- a set of names is written in a fixed order, so that the same request gives the same bytes
local function sorted_keys(set)
  local keys = {}
  for key, value in pairs(set) do
    if value and type(key) == "string" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  return keys
end

local extended_key_usage = der.mapped(der.sequence_of(der.oid), function(list)
  local set = {}
  for _, oid in ipairs(list) do
    set[purpose_names[oid] or oid] = true
  end
  return set
end, function(set)
  local list = sorted_keys(set)
  for i, key in ipairs(list) do
    list[i] = purposes[key] or key
  end
  table.sort(list)
  return list
end)

local usages = {
  "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
  "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
}

--- The names of key usages, as keys.
extension.usages = {}
for i, usage in ipairs(usages) do
  extension.usages[usage] = i
end

local reasons = {
  "unused", "key_compromise", "ca_compromise", "affiliation_changed", "superseded",
  "cessation_of_operation", "certificate_hold", "privilege_withdrawn", "aa_compromise",
}

local subtrees = der.sequence_of(der.sequence {
  { "base", general_name },
  { "minimum", der.implicit(0, der.integer), default = 0 },
  { "maximum", der.implicit(1, der.integer), optional = true },
})

local relative_name = der.set_of(der.any)
local point_name = der.choice {
  { "full_name", der.implicit(0, general_names) },
  { "relative_name", der.implicit(1, relative_name) },
}

local distribution_points = der.sequence_of(der.sequence {
  { "name", der.explicit(0, point_name), optional = true },
  { "reasons", der.implicit(1, der.named_bits(reasons)), optional = true },
  { "crl_issuer", der.implicit(2, general_names), optional = true },
})

local access = der.sequence_of(der.sequence { { "method", der.oid }, { "location", general_name } })

-- RFC 6962 section 3.3: lists with lengths before them, as in TLS
local function timestamps_of(octets)
  local list, pos = {}, 3
  while pos + 1 <= #octets do
    local high, low = octets:byte(pos, pos + 1)
    local n = high * 256 + low
    local one = octets:sub(pos + 2, pos + 1 + n)
    if #one < n or n < 43 then
      error({ malformed = "bad certificate timestamp" }, 0)
    end
    local seconds = 0
    for i = 34, 41 do
      seconds = seconds * 256 + one:byte(i)
    end
    list[#list + 1] = { version = one:byte(1) + 1, log_id = core.bytes.hex(one:sub(2, 33)), time = seconds / 1000 }
    pos = pos + 2 + n
  end
  return list
end

local function read_only()
  error("this extension is only read; add it as DER", 0)
end

-- { oid, name, type }
local rows = {
  { "2.5.29.19", "basic_constraints", der.sequence {
    { "ca", der.boolean, default = false }, { "path_length", der.integer, optional = true },
  } },
  { "2.5.29.15", "key_usage", der.named_bits(usages) },
  { "2.5.29.37", "extended_key_usage", extended_key_usage },
  { "2.5.29.17", "subject_alt_names", general_names },
  { "2.5.29.18", "issuer_alt_names", general_names },
  { "2.5.29.14", "subject_key_id", der.hex_octets },
  { "2.5.29.35", "authority_key_id", der.sequence {
    { "key_id", der.implicit(0, der.hex_octets), optional = true },
    { "issuer", der.implicit(1, general_names), optional = true },
    { "serial", der.implicit(2, der.hex_integer), optional = true },
  } },
  { "2.5.29.30", "name_constraints", der.sequence {
    { "permitted", der.implicit(0, subtrees), optional = true },
    { "excluded", der.implicit(1, subtrees), optional = true },
  } },
  { "2.5.29.32", "certificate_policies", der.sequence_of(der.sequence {
    { "policy", der.oid }, { "qualifiers", der.sequence_of(der.any), optional = true },
  }) },
  { "2.5.29.33", "policy_mappings", der.sequence_of(der.sequence {
    { "issuer_policy", der.oid }, { "subject_policy", der.oid },
  }) },
  { "2.5.29.36", "policy_constraints", der.sequence {
    { "require_explicit_policy", der.implicit(0, der.integer), optional = true },
    { "inhibit_policy_mapping", der.implicit(1, der.integer), optional = true },
  } },
  { "2.5.29.54", "inhibit_any_policy", der.integer },
  { "2.5.29.31", "crl_distribution_points", distribution_points },
  { "2.5.29.46", "freshest_crl", distribution_points },
  { "2.5.29.9", "subject_directory_attributes", der.sequence_of(der.any) },
  { "1.3.6.1.5.5.7.1.1", "authority_info_access", access },
  { "1.3.6.1.5.5.7.1.11", "subject_info_access", access },
  { "1.3.6.1.5.5.7.1.24", "tls_feature", der.sequence_of(der.integer) },
  { "1.3.6.1.5.5.7.48.1.5", "ocsp_no_check", der.null },
  { "1.3.6.1.5.5.7.48.1.2", "ocsp_nonce", der.hex_octets },
  { "1.3.6.1.4.1.11129.2.4.2", "signed_certificate_timestamps", der.mapped(der.octets, timestamps_of, read_only) },
  { "1.3.6.1.4.1.11129.2.4.3", "ct_poison", der.null },
  { "2.5.29.20", "crl_number", der.hex_integer },
  { "2.5.29.27", "delta_crl_indicator", der.hex_integer },
  { "2.5.29.28", "issuing_distribution_point", der.sequence {
    { "name", der.explicit(0, point_name), optional = true },
    { "only_user_certs", der.implicit(1, der.boolean), default = false },
    { "only_ca_certs", der.implicit(2, der.boolean), default = false },
    { "only_reasons", der.implicit(3, der.named_bits(reasons)), optional = true },
    { "indirect", der.implicit(4, der.boolean), default = false },
    { "only_attribute_certs", der.implicit(5, der.boolean), default = false },
  } },
  { "2.5.29.21", "crl_reason", der.enumerated },
  { "2.5.29.24", "invalidity_date", der.generalized_time },
  { "2.5.29.29", "certificate_issuer", general_names },
}

local by_oid, by_name = {}, {}
for _, row in ipairs(rows) do
  by_oid[row[1]], by_name[row[2]] = row, row
end
by_name.subject_alt_name = by_name.subject_alt_names

--- The dotted identifier of an extension by its name here, OpenSSL's, or itself.
---@param known string
---@return string?
function extension.oid(known)
  if by_name[known] then
    return by_name[known][1]
  end
  local content = type(known) == "string" and not known:find "%z" and core.oid.content(known)
  return content and (core.oid.text(content)) or nil
end

local extension_type = der.sequence {
  { "oid", der.oid }, { "critical", der.boolean, default = false }, { "der", der.octets },
}

-- values that never change are encoded once
local constants = setmetatable({}, { __mode = "k" })

--- Promises that a value stays as it is, so that it is encoded once.
---@generic T
---@param value T
---@return T
function extension.constant(value)
  constants[value] = constants[value] or {}
  return value
end

--- One that is ready to be written.
---@param known string name or dotted identifier
---@param critical boolean
---@param value any as the reading side gives it
---@return { oid: string, critical: boolean, der: string }
function extension.make(known, critical, value)
  local kept = constants[value]
  local one = kept and kept[known]
  if one and one.critical == critical then
    return one
  end
  local row = by_name[known] or by_oid[known] or error("unknown extension: " .. tostring(known), 0)
  one = { oid = row[1], name = row[2], critical = critical, der = row[3].write(value) }
  if kept then
    kept[known] = one
  end
  return one
end

--- Adds `name` and `value` to an extension as the core gives it; no value where no row knows the
--- extension or its bytes are malformed (`malformed` says how).
---@param raw { oid: string, critical: boolean, der: string }
---@return table raw the same
function extension.understand(raw)
  local row = by_oid[raw.oid]
  if row then
    local value, err = der.decode(row[3], raw.der)
    raw.name, raw.value, raw.malformed = row[2], value, err and err.message
  end
  return raw
end

--- The list of extensions as certificates, requests and revocation lists hold it.
extension.list = der.sequence_of(extension_type)

--- An extension as the core gives it, understood and in words.
---@param raw { oid: string, critical: boolean, der: string }
---@return table raw the same, with `name`, `value` and `text`
function extension.explain(raw)
  local one = extension.understand(raw)
  one.text = extension_text.of(one)
  return one
end

return extension
