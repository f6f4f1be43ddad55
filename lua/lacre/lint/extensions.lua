--- lint.extensions: the rules of RFC 5280 section 4.2 that strict verifiers hold certificates to.

local faults = require "lacre.lint.faults"

local strict = "RFC 5280 section "

local function of(which)
  return function(facts)
    return facts.by_name[which]
  end
end

local constraints_of, usage_of, purposes_of = of "basic_constraints", of "key_usage", of "extended_key_usage"
local subject_id, authority_id, names_of = of "subject_key_id", of "authority_key_id", of "subject_alt_names"

-- the purpose that a profile needs
local needed = { server = "server_auth", client = "client_auth", email = "email_protection",
  code_signing = "code_signing", ocsp = "ocsp_signing" }

-- a list of what is allowed that holds nothing
local function empty(which, clause, fix)
  return {
    rule = "empty_" .. which, level = "error", clause = strict .. clause,
    check = function(cert)
      local set = cert[which](cert)
      return set and next(set) == nil and which .. " is present but empty" or nil
    end,
    fix = fix,
  }
end

local function critical(which, wanted, rule, clause)
  return {
    rule = rule, level = "error", clause = strict .. clause,
    check = function(_, facts)
      local one = facts.by_name[which]
      return one and one.critical ~= wanted
        and ("%s is %s"):format(which, wanted and "not critical" or "critical") or nil
    end,
    fix = ("reissue it with %s %s"):format(which, wanted and "critical" or "not critical"),
  }
end

return {
  {
    rule = "malformed_extension", level = "error", clause = strict .. "4.2",
    check = function(_, facts)
      return faults.of_extensions(facts)
    end,
    fix = "reissue it with software that encodes it correctly",
  },
  {
    rule = "duplicate_extension", level = "error", clause = strict .. "4.2",
    check = function(_, facts)
      return facts.duplicate and ("%s is present twice"):format(facts.duplicate) or nil
    end,
    fix = "reissue it with each extension only once",
  },
  {
    rule = "unknown_critical", level = "warning", clause = strict .. "4.2",
    check = function(_, facts)
      for _, one in ipairs(facts.list) do
        if one.critical and not one.name then
          return ("the extension %s is critical, but verifiers do not know it"):format(one.oid)
        end
      end
    end,
    fix = "reissue it without that extension, or with it not critical",
  },
  {
    rule = "basic_constraints_critical", level = "error", clause = strict .. "4.2.1.9",
    check = function(cert, facts)
      local one = constraints_of(facts)
      return one and cert:is_ca() and not one.critical and "a CA's basic_constraints are not critical" or nil
    end,
    fix = "reissue the CA with critical basic_constraints",
  },
  {
    rule = "path_length", level = "error", clause = strict .. "4.2.1.9",
    check = function(cert)
      local value, usage = cert:basic_constraints(), cert:key_usage()
      if not value or not value.path_length then
        return nil
      elseif not value.ca then
        return "it has a path length, but is not a CA"
      end
      return usage and not usage.key_cert_sign and "it has a path length, but may not sign certificates" or nil
    end,
    fix = "reissue it without a path length",
  },
  {
    rule = "ca_as_leaf", level = "error", clause = "CA/Browser Forum BR section 7.1.2.7",
    check = function(cert, facts)
      return facts.is_asked and needed[facts.profile] and cert:is_ca() and "a CA certificate is used as a leaf" or nil
    end,
    fix = "issue a certificate for the service from that CA",
  },
  {
    rule = "ca_key_usage", level = "error", clause = strict .. "4.2.1.3",
    check = function(cert, facts)
      local usage = cert:key_usage()
      if cert:is_ca() and not usage_of(facts) then
        return "a CA needs a key_usage, and this one has none"
      elseif cert:is_ca() and usage and not usage.key_cert_sign then
        return "the key of this CA may not sign certificates"
      end
    end,
    fix = "reissue the CA with key_usage key_cert_sign, crl_sign",
  },
  {
    rule = "leaf_key_usage", level = "error", clause = strict .. "4.2.1.3",
    check = function(cert)
      local usage = cert:key_usage()
      return usage and usage.key_cert_sign and not cert:is_ca() and "it may sign certificates, but is not a CA" or nil
    end,
    fix = "reissue it without key_cert_sign",
  },
  {
    rule = "key_usage_critical", level = "warning", clause = strict .. "4.2.1.3",
    check = function(_, facts)
      local one = usage_of(facts)
      return one and not one.critical and "key_usage is not critical" or nil
    end,
    fix = "reissue it with critical key_usage",
  },
  empty("key_usage", "4.2.1.3", "reissue it with the right key_usage, or without it"),
  empty("extended_key_usage", "4.2.1.12", "reissue it with the right extended_key_usage, or without it"),
  {
    rule = "subject_key_id", level = "error", clause = strict .. "4.2.1.2",
    check = function(cert, facts)
      return cert:is_ca() and not subject_id(facts) and "this CA has no subject key identifier" or nil
    end,
    fix = "reissue the CA with subject_key_id",
  },
  critical("subject_key_id", false, "subject_key_id_critical", "4.2.1.2"),
  {
    rule = "authority_key_id", level = "error", clause = strict .. "4.2.1.1",
    check = function(cert, facts)
      return not facts.is_self_signed and not cert:authority_key_id()
        and (authority_id(facts) and "its authority key identifier names no key"
          or "it has no authority key identifier") or nil
    end,
    fix = "reissue it with authority_key_id: Python 3.13 and strict OpenSSL reject it without",
  },
  critical("authority_key_id", false, "authority_key_id_critical", "4.2.1.1"),
  critical("authority_info_access", false, "authority_info_access_critical", "4.2.2.1"),
  critical("freshest_crl", false, "freshest_crl_critical", "4.2.1.15"),
  {
    rule = "subject_alt_names", level = "error", clause = "RFC 9525 section 2",
    check = function(cert, facts)
      local one = names_of(facts)
      if one and not one.malformed and #cert:subject_alt_names() == 0 then
        return "its list of alternative names is empty"
      end
      return facts.profile == "server" and not one and "a server needs its names in subjectAltName: it has none" or nil
    end,
    fix = "reissue it with its names in subject_alt_names: the common name is not used",
  },
  {
    rule = "empty_subject", level = "error", clause = strict .. "4.1.2.6",
    check = function(cert, facts)
      local one = names_of(facts)
      if not cert:subject():is_empty() then
        return nil
      elseif cert:is_ca() then
        return "a CA needs a subject, and this one has none"
      end
      return not (one and one.critical) and "its subject is empty, but its subjectAltName is not critical" or nil
    end,
    fix = "reissue it with a subject, or with critical subject_alt_names",
  },
  {
    rule = "extended_key_usage", level = "error", clause = strict .. "4.2.1.12",
    check = function(cert, facts)
      local purpose, purposes = needed[facts.profile], cert:extended_key_usage()
      if purpose and purposes and not purposes[purpose] and not purposes.any_extended_key_usage then
        return ("it is not for %s"):format(purpose)
      end
    end,
    fix = "reissue it with the purpose it is used for",
  },
  {
    rule = "no_extended_key_usage", level = "warning", clause = "CA/Browser Forum BR section 7.1.2.7.6",
    check = function(cert, facts)
      return needed[facts.profile] and not cert:is_ca() and not purposes_of(facts)
        and "it has no extended_key_usage, and Apple's verifier rejects that" or nil
    end,
    fix = "reissue it with extended_key_usage",
  },
  {
    rule = "name_constraints", level = "error", clause = strict .. "4.2.1.10",
    check = function(cert, facts)
      local one = facts.by_name.name_constraints
      if one and not cert:is_ca() then
        return "it has name constraints, but is not a CA"
      end
      return one and not one.critical and "its name constraints are not critical" or nil
    end,
    fix = "reissue the CA with critical name_constraints",
  },
  {
    rule = "must_staple", level = "warning", clause = "RFC 7633 section 4",
    check = function(cert)
      return cert:must_staple() and #cert:ocsp_urls() == 0 and "it requires stapling and names no responder" or nil
    end,
    fix = "reissue it with ocsp_urls, or without must_staple",
  },
}
