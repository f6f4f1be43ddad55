--- lint.rules: the rules of RFC 5280 and of the public web that break real verifiers, for certificates.
--
-- A row is asked `check(cert, facts)` and answers why the rule is broken, or nil. `facts` says for which
-- profile, at what time, and what is known of its extensions.

local der = require "lacre.der"
local faults = require "lacre.lint.faults"
local oid = require "lacre.x509.oid"
local plain = require "lacre.plain"
local sign = require "lacre.x509.sign"
local time = require "lacre.time"

local DAY = 86400

-- the algorithm inside of what is signed: version, serial number, algorithm
local function inner_algorithm(cert)
  local list = der.decode(der.sequence_of(der.any), cert:tbs()) or {}
  local at = list[1] and list[1]:byte() == 0xa0 and 3 or 2
  return list[at]
end

local forms = { [0x17] = "^" .. ("%d"):rep(12) .. "Z$", [0x18] = "^" .. ("%d"):rep(14) .. "Z$" }

-- what `test` says of a date of the certificate: its tag and text
local function date_fault(cert, test)
  local list = der.decode(der.sequence_of(der.any), cert:tbs()) or {}
  local at = list[1] and list[1]:byte() == 0xa0 and 5 or 4
  for _, date in ipairs(list[at] and der.decode(der.sequence_of(der.any), list[at]) or {}) do
    local why = test(date:byte(), date:sub(3))
    if why then
      return why
    end
  end
end

local function curve_fault(key)
  local curve = key:curve()
  if not curve then
    return "the key has explicit curve parameters, which verifiers reject"
  elseif not curve:find "^P%-" then
    return ("the curve %s is supported by few verifiers"):format(curve)
  end
end

local function lasts_longer(cert, seconds)
  local first, last = cert:not_before(), cert:not_after()
  return first and last and last - first > seconds
end

-- CA/Browser Forum BR section 6.3.2: the day of issuance decides
local limits = {
  { "2029-03-15", 47 }, { "2027-03-15", 100 }, { "2026-03-15", 200 }, { "2020-09-01", 398 },
}

local function lifetime_limit(cert)
  for _, row in ipairs(limits) do
    if (cert:not_before() or 0) >= time.parse(row[1]) then
      return row[2]
    end
  end
end

local strict = "RFC 5280 section "

return {
  {
    rule = "version", level = "error", clause = strict .. "4.1.2.1",
    check = function(cert, facts)
      return cert:version() ~= 3 and (#facts.list > 0 and "it has extensions, but is not version 3"
        or ("it is version %s"):format(cert:version())) or nil
    end,
    fix = "reissue it as version 3",
  },
  {
    rule = "serial", level = "error", clause = strict .. "4.1.2.2",
    check = function(cert)
      local serial = cert:serial()
      local text = "the serial number %s is not positive, or longer than 20 octets"
      return not sign.is_serial(serial) and text:format(serial) or nil
    end,
    fix = "reissue it with a random positive serial number",
  },
  {
    rule = "signature_mismatch", level = "error", clause = strict .. "4.1.1.2",
    check = function(cert)
      local inner = inner_algorithm(cert)
      return inner and oid.algorithm(inner) ~= cert:signature_algorithm()
        and "the two places that name the signature algorithm disagree" or nil
    end,
    fix = "reissue it",
  },
  {
    rule = "weak_signature", level = "error", clause = "CA/Browser Forum BR section 7.1.3.2",
    check = function(cert)
      return not cert:is_self_issued() and faults.of_signature(cert) or nil
    end,
    fix = "reissue it with SHA-256 or better",
  },
  {
    rule = "weak_key", level = "error", clause = "CA/Browser Forum BR section 6.1.5",
    check = function(_, facts)
      return faults.of_key(facts) or facts.key:type() == "ec" and curve_fault(facts.key) or nil
    end,
    fix = "use P-256, or RSA of at least 2048 bits",
  },
  {
    rule = "validity", level = "error", clause = strict .. "4.1.2.5",
    check = function(cert)
      local first, last = cert:not_before(), cert:not_after()
      if not first or not last then
        return "its dates cannot be read"
      end
      return first > last and "it expires before it becomes valid" or nil
    end,
    fix = "reissue it",
  },
  {
    rule = "time_form", level = "error", clause = strict .. "4.1.2.5",
    check = function(cert)
      return date_fault(cert, function(tag, text)
        return not text:find(forms[tag] or "^$")
          and ("'%s' is not a valid date: it must end in seconds and Z"):format(plain.printable(text)) or nil
      end)
    end,
    fix = "reissue it with software that encodes it correctly",
  },
  {
    rule = "time_type", level = "warning", clause = strict .. "4.1.2.5",
    check = function(cert)
      return date_fault(cert, function(tag, text)
        return tag == 0x18 and (tonumber(text:sub(1, 4)) or 2050) < 2050
          and "a date before 2050 must have a two-digit year, and this one has four" or nil
      end)
    end,
    fix = "reissue it with software that encodes it correctly",
  },
  {
    rule = "expired", level = "warning", clause = strict .. "6.1.3",
    check = function(cert, facts)
      if cert:not_after() and cert:is_expired(facts.now) then
        return "it ended " .. time.format(cert:not_after())
      elseif cert:not_before() and cert:not_before() > facts.now then
        return "it begins " .. time.format(cert:not_before())
      end
    end,
    fix = "renew it, or check this machine's clock",
  },
  {
    rule = "issuer_name", level = "error", clause = strict .. "4.1.2.4",
    check = function(cert)
      return cert:issuer():is_empty() and "its issuer has no name" or nil
    end,
    fix = "reissue it from a CA with a subject",
  },
  {
    rule = "public_lifetime", level = "note", clause = "CA/Browser Forum BR section 6.3.2",
    check = function(cert, facts)
      local limit = facts.profile == "server" and not cert:is_self_issued() and lifetime_limit(cert)
      return limit and lasts_longer(cert, limit * DAY)
        and ("it is valid for longer than the %d days that browsers accept from public CAs"):format(limit) or nil
    end,
    fix = "fine for your own CA; a public CA must issue it for less",
  },
  {
    rule = "public_client_auth", level = "note", clause = "Chrome Root Program policy section 3.2",
    check = function(cert, facts)
      local purposes = cert:extended_key_usage()
      return facts.profile == "server" and purposes and purposes.client_auth and not cert:is_self_issued()
        and "it is also valid for clients, which public CAs no longer issue" or nil
    end,
    fix = "fine for your own CA",
  },
}
