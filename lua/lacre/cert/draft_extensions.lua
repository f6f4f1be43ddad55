--- cert.draft_extensions: what a certificate that is about to be signed says beside its names and dates,
--- following from its profile and options (RFC 5280 section 4.2).

local extension = require "lacre.x509.extension"
local extension_list = require "lacre.x509.extension.list"
local options = require "lacre.options"

local draft_extensions = {}

-- what a profile says alone, made once
local function kept(profile, what, make)
  profile[what] = profile[what] or extension.constant(make())
  return profile[what]
end

local function profile_usage(draft)
  local profile = draft.profile
  local enciphers = profile.enciphers and draft.key:type() == "rsa"
  return kept(profile, enciphers and "usage_enciphering" or "usage_alone", function()
    local usage = extension_list.set_of(profile.usage, "key_usage", extension.usages)
    usage.key_encipherment = enciphers or nil
    return usage
  end)
end

local function usage_of(draft, set)
  if not set.key_usage then
    return profile_usage(draft)
  end
  local usage = extension_list.set_of(set.key_usage, "key_usage", extension.usages)
  if usage.key_cert_sign and not draft.profile.ca then
    options.misuse("bad option 'key_usage' (a %s certificate signs no others)", set.profile)
  end
  return usage
end

local function purposes_of(draft, set)
  local profile, list = draft.profile, set.extended_key_usage
  if list then
    return #list > 0 and extension_list.set_of(list, "extended_key_usage", extension.purposes) or nil
  end
  return profile.purposes and kept(profile, "purposes_alone", function()
    return extension_list.set_of(profile.purposes, "extended_key_usage", extension.purposes)
  end)
end

local leaf_constraints = extension.constant { ca = false }

local function constraints_of(draft, set)
  local given = set.path_length
  if given and (given == true or given < 0 or not draft.profile.ca) then
    options.misuse("bad option 'path_length' (%s)", draft.profile.ca and "0 or more, or false, expected"
      or ("a %s certificate signs no others"):format(set.profile))
  elseif not draft.profile.ca then
    return leaf_constraints
  end
  local length = draft.path_length
  if length == nil then
    length = given
  end
  if length == nil then
    length = draft.profile.path_length
  end
  return { ca = true, path_length = length or nil }
end

local authorities = setmetatable({}, { __mode = "k" }) -- by certificate, or key of its own issuer

local function authority_of(draft)
  local issuer = draft.issuer
  local known = authorities[issuer or draft.key]
  if not known then
    local id = issuer and (issuer:subject_key_id() or issuer:public_key():key_id())
    known = extension.constant { key_id = id or draft.key:key_id() }
    authorities[issuer or draft.key] = known
  end
  return known
end

--- The extensions by default: values by name.
---@param draft table
---@param set table the options of cert.create
---@return table<string, any>
function draft_extensions.of(draft, set)
  return {
    basic_constraints = constraints_of(draft, set),
    key_usage = usage_of(draft, set),
    extended_key_usage = purposes_of(draft, set),
    subject_key_id = draft.key:key_id(),
    authority_key_id = authority_of(draft),
    subject_alt_names = #draft.names > 0 and draft.names or nil,
    name_constraints = draft.limits,
    certificate_policies = set.policies and extension_list.policies(set.policies),
    crl_distribution_points = set.crl_urls and extension_list.points(set.crl_urls, "crl_urls"),
    authority_info_access = (set.ocsp_urls or set.issuer_urls)
      and extension_list.access(set.ocsp_urls, set.issuer_urls),
    tls_feature = set.must_staple and { 5 } or nil,
    ocsp_no_check = draft.profile.no_check,
  }
end

return draft_extensions
