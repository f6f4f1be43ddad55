--- x509.extension.types: the extensions of RFC 5280 and its kin, each with its identifier, the name programs use, and
--- its ASN.1 type. Data only.

local core = require "lacre.core"
local der = require "lacre.der"
local general = require "lacre.x509.general_name"

local types = {}

local general_name, general_names = general.name, general.names

--- The purposes of extended key usage, and their identifiers.
types.purposes = {
  server_auth = "1.3.6.1.5.5.7.3.1",
  client_auth = "1.3.6.1.5.5.7.3.2",
  code_signing = "1.3.6.1.5.5.7.3.3",
  email_protection = "1.3.6.1.5.5.7.3.4",
  time_stamping = "1.3.6.1.5.5.7.3.8",
  ocsp_signing = "1.3.6.1.5.5.7.3.9",
  any_extended_key_usage = "2.5.29.37.0",
}
local purpose_names = {}
for short, oid in pairs(types.purposes) do
  purpose_names[oid] = short
end

local extended_key_usage = der.mapped(der.sequence_of(der.oid), function(list)
  local set = {}
  for _, oid in ipairs(list) do
    set[purpose_names[oid] or oid] = true
  end
  return set
end, function(set)
  local list = {}
  for name, is_wanted in pairs(set) do
    if is_wanted and type(name) == "string" then
      list[#list + 1] = types.purposes[name] or name
    end
  end
  table.sort(list) -- so that the same request gives the same bytes
  return list
end)

local usages = {
  "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
  "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
}

--- The names of key usages, as keys.
types.usages = {}
for i, usage in ipairs(usages) do
  types.usages[usage] = i
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

--- `{ oid, name, type }` of each.
types.rows = {
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

return types
