--- lint.requests: what is wrong with a certificate request, and which of its wishes are not granted.

local faults = require "lacre.lint.faults"

local ignored = {
  basic_constraints = true, name_constraints = true, policy_constraints = true, certificate_policies = true,
  authority_key_id = true, authority_info_access = true, crl_distribution_points = true, inhibit_any_policy = true,
}

return {
  {
    rule = "proof", level = "error", clause = "RFC 2986 section 3",
    check = function(csr)
      return not csr:verify() and "it is not signed with its own key" or nil
    end,
    fix = "make the request again, with its private key",
  },
  {
    rule = "weak_key", level = "error", clause = "CA/Browser Forum BR section 6.1.5",
    check = function(_, facts)
      return faults.of_key(facts)
    end,
    fix = "use P-256, or RSA of at least 2048 bits",
  },
  {
    rule = "weak_signature", level = "warning", clause = "CA/Browser Forum BR section 7.1.3.2",
    check = faults.of_signature,
    fix = "make the request again, with SHA-256",
  },
  {
    rule = "malformed_extension", level = "error", clause = "RFC 5280 section 4.2",
    check = function(_, facts)
      return faults.of_extensions(facts)
    end,
    fix = "make the request again",
  },
  {
    rule = "subject_alt_names", level = "warning", clause = "RFC 9525 section 2",
    check = function(csr, facts)
      return facts.profile == "server" and #csr:subject_alt_names() == 0 and "it asks for no subjectAltName" or nil
    end,
    fix = "ask for the names in subjectAltName, or have the CA add them",
  },
  {
    rule = "asks_for_ca", level = "warning", clause = "RFC 5280 section 4.2.1.9",
    check = function(csr)
      local usage = csr:key_usage()
      if csr:is_ca() then
        return "it asks to be a CA, which is never copied from a request"
      end
      return usage and usage.key_cert_sign and "it asks to sign certificates, which is never copied" or nil
    end,
    fix = "a CA is made with the profile intermediate, whatever its request says",
  },
  {
    rule = "not_copied", level = "note", clause = "RFC 2986 section 4.1",
    check = function(csr, facts)
      for _, one in ipairs(facts.list) do
        local is_plain = one.name == "basic_constraints" and not csr:is_ca()
        if (not one.name or ignored[one.name]) and not is_plain then
          return ("it asks for %s, which is not copied from requests"):format(one.name or one.oid)
        end
      end
    end,
    fix = "tell the CA operator what to add",
  },
}
