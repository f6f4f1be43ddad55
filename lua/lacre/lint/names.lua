--- lint.names: what is wrong with the names in a certificate or request; rows of rules.

local host = require "lacre.host"
local plain = require "lacre.plain"

local function quoted(text)
  return "'" .. plain.printable(text) .. "'"
end

-- why a DNS name of a certificate is none, or nil
local function fault_of(name)
  if name == "" then
    return "is empty"
  elseif name:find "%z" then
    return "holds a NUL"
  elseif name:find "[\128-\255]" then
    return "is not ASCII: it has to be an A-label"
  elseif name:find "%.$" then
    return "ends in a dot"
  elseif name:find("*", 2, true) or (name:find "^%*" and not name:find "^%*%.") then
    return "has a wildcard that is not the whole leftmost label"
  end
  local parsed = host.parse(name)
  if not parsed then
    return "is not a host name"
  elseif parsed.type == "ip" then
    return "is an IP address: it has to be an iPAddress"
  elseif name:find "_" then
    return "has an underscore, which host names may not have"
  end
end

local MOST = 5 -- faults of one kind that are written out

local function faults(object, kind, test)
  local list, more = {}, 0
  for _, item in ipairs(object:subject_alt_names()) do
    local why = item.type == kind and test(item.value)
    if why and #list < MOST then
      list[#list + 1] = quoted(item.value) .. " " .. why
    elseif why then
      more = more + 1
    end
  end
  local rest = more > 0 and ("; and %d more"):format(more) or ""
  return #list > 0 and table.concat(list, "; ") .. rest or nil
end

-- IP addresses are in the list as text; what is no address was kept as hexadecimal
local function bad_address(value)
  return value:sub(1, 1) == "#" and "is not an IP address" or nil
end

local function is_among(common, object)
  for _, item in ipairs(object:subject_alt_names()) do
    if type(item.value) == "string" and item.value:lower() == common:lower() then
      return true
    end
  end
  return false
end

return {
  {
    rule = "dns_name", level = "error", clause = "RFC 5280 section 4.2.1.6, RFC 9525 section 4.1",
    check = function(object)
      return faults(object, "dns", fault_of)
    end,
    fix = "write DNS names in ASCII (IDN as A-labels), without a dot at the end; a wildcard as '*.example.org'",
  },
  {
    rule = "ip_address", level = "error", clause = "RFC 5280 section 4.2.1.6",
    check = function(object)
      return faults(object, "ip", bad_address)
    end,
    fix = "an IP address has 4 or 16 octets",
  },
  {
    rule = "wildcard_depth", level = "warning", clause = "CA/Browser Forum BR section 3.2.2.6",
    check = function(object)
      return faults(object, "dns", function(name)
        return name:find "^%*%.[^.]+$" and "is a wildcard for a top-level domain, which some clients reject" or nil
      end)
    end,
    fix = "name the hosts, or use a wildcard below a domain (*.example.org)",
  },
  {
    rule = "common_name", level = "warning", clause = "RFC 9525 section 2, CA/Browser Forum BR section 7.1.4.3",
    check = function(object, facts)
      local common = facts.profile == "server" and object:subject():get "CN"
      if common and not is_among(common, object) then
        return "the common name " .. quoted(common) .. " is not among the alternative names"
      end
    end,
    fix = "put every name into subjectAltName; the common name may repeat one of them",
  },
  {
    rule = "attribute_length", level = "warning", clause = "RFC 5280 appendix A.1",
    check = function(object)
      local common = object:subject():get "CN"
      return common and #common > 64 and "the common name is longer than 64 characters" or nil
    end,
    fix = "leave the common name out: only subjectAltName counts",
  },
  {
    rule = "hidden_character", level = "error", clause = "RFC 5280 section 4.1.2.4",
    check = function(object)
      for _, value in object:subject():each() do
        if value:find "[%z\1-\31\127]" then
          return "an attribute of the subject contains a control character: " .. quoted(value)
        end
      end
    end,
    fix = "reissue it with a subject without control characters",
  },
}
