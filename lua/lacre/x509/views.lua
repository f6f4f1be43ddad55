--- x509.views: certificates, requests and revocation lists as plain data, and in words.
--
-- The tables have stable names and hold nothing but what JSON can; the words are for people, and every
-- value in them is made printable, as whoever made a certificate chose them.

local core = require "lacre.core"
local plain = require "lacre.plain"
local time = require "lacre.time"

local views = {}

-- tables --

local function key_table(object)
  local key, err = object:public_key()
  return key and key:to_table() or { error = err.code, pin = object:pin() }
end

local function extension_list(object)
  local list = {}
  for one in object:extensions() do
    list[#list + 1] = {
      oid = one.oid, name = one.name, critical = one.critical, der = core.bytes.hex(one.der),
      value = plain.value(one.value), text = plain.text(one.text), malformed = one.malformed,
    }
  end
  return list
end

local function alt_names(object)
  local list = {}
  for i, item in ipairs(object:subject_alt_names()) do
    list[i] = { type = item.type, oid = item.oid, value = plain.text(tostring(item.value)) }
  end
  return list
end

--- A certificate as data.
---@param cert lacre.cert
---@return table
function views.certificate(cert)
  return {
    kind = "cert",
    version = cert:version(), serial = cert:serial(),
    subject = plain.text(tostring(cert:subject())), subject_attributes = plain.value(cert:subject():to_table()),
    issuer = plain.text(tostring(cert:issuer())), issuer_attributes = plain.value(cert:issuer():to_table()),
    not_before = cert:not_before(), not_after = cert:not_after(),
    signature_algorithm = cert:signature_algorithm(), public_key = key_table(cert),
    pin = cert:pin(), fingerprint = cert:fingerprint(),
    subject_alt_names = alt_names(cert), hosts = plain.value(cert:hosts()),
    is_ca = cert:is_ca(), is_self_issued = cert:is_self_issued(), is_self_signed = cert:is_self_signed(),
    basic_constraints = cert:basic_constraints(), key_usage = cert:key_usage(),
    extended_key_usage = cert:extended_key_usage(),
    subject_key_id = cert:subject_key_id(), authority_key_id = cert:authority_key_id(),
    name_constraints = plain.value(cert:name_constraints()), policies = cert:policies(),
    ocsp_urls = plain.value(cert:ocsp_urls()), issuer_urls = plain.value(cert:issuer_urls()),
    crl_urls = plain.value(cert:crl_urls()), must_staple = cert:must_staple(), scts = cert:scts(),
    extensions = extension_list(cert),
  }
end

--- A request as data.
---@param csr lacre.csr
---@return table
function views.request(csr)
  return {
    kind = "csr",
    version = csr:version(),
    subject = plain.text(tostring(csr:subject())), subject_attributes = plain.value(csr:subject():to_table()),
    signature_algorithm = csr:signature_algorithm(), is_signed = csr:verify(),
    public_key = key_table(csr), pin = csr:pin(), fingerprint = csr:fingerprint(),
    subject_alt_names = alt_names(csr), hosts = plain.value(csr:hosts()),
    key_usage = csr:key_usage(), extended_key_usage = csr:extended_key_usage(),
    basic_constraints = csr:basic_constraints(), must_staple = csr:must_staple(),
    extensions = extension_list(csr),
  }
end

--- A revocation list as data.
---@param crl lacre.crl
---@return table
function views.revocations(crl)
  local revoked = {}
  for entry in crl:revoked() do
    revoked[#revoked + 1] = {
      serial = entry.serial, time = entry.time, reason = entry.reason, invalidity_date = entry.invalidity_date,
      certificate_issuer = plain.value(entry.certificate_issuer),
    }
  end
  return {
    kind = "crl",
    version = crl:version(), issuer = plain.text(tostring(crl:issuer())),
    issuer_attributes = plain.value(crl:issuer():to_table()),
    this_update = crl:this_update(), next_update = crl:next_update(),
    number = crl:number(), base_number = crl:base_number(), authority_key_id = crl:authority_key_id(),
    signature_algorithm = crl:signature_algorithm(), fingerprint = crl:fingerprint(),
    revoked = revoked, extensions = extension_list(crl),
  }
end

-- words --

local function line(lines, label, value)
  if value ~= nil and value ~= "" then
    lines[#lines + 1] = ("  %-12s %s"):format(label .. ":", plain.printable(tostring(value)))
  end
end

local function instant(value)
  return value and time.format(value) or "unreadable"
end

local function key_text(object)
  local key, err = object:public_key()
  if not key then
    return err.code
  end
  return ("%s %s"):format(key:type(), key:curve() or key:bits() .. " bits")
end

local function add_extensions(lines, object)
  local first = true
  for one in object:extensions() do
    if first then
      lines[#lines + 1], first = "  extensions:", false
    end
    local name = (one.name or one.oid) .. (one.critical and " (critical)" or "")
    lines[#lines + 1] = ("    %s: %s"):format(name, plain.printable(one.text))
  end
end

local function add_signature(lines, object, pin)
  line(lines, "signature", object:signature_algorithm())
  line(lines, "sha256", object:fingerprint("sha256", "colon"))
  line(lines, "pin", pin)
end

--- A certificate in words.
---@param cert lacre.cert
---@return string
function views.certificate_text(cert)
  local lines = { "certificate" }
  line(lines, "subject", tostring(cert:subject()))
  line(lines, "issuer", tostring(cert:issuer()) .. (cert:is_self_signed() and " (self-signed)" or ""))
  line(lines, "serial", cert:serial())
  line(lines, "valid", ("%s to %s"):format(instant(cert:not_before()), instant(cert:not_after())))
  line(lines, "key", key_text(cert))
  add_signature(lines, cert, cert:pin())
  add_extensions(lines, cert)
  return table.concat(lines, "\n") .. "\n"
end

--- A request in words.
---@param csr lacre.csr
---@return string
function views.request_text(csr)
  local lines = { "certificate request" }
  line(lines, "subject", tostring(csr:subject()))
  line(lines, "key", key_text(csr))
  line(lines, "proof", csr:verify() and "signed with its own key" or "NOT signed with its own key")
  add_signature(lines, csr, csr:pin())
  add_extensions(lines, csr)
  return table.concat(lines, "\n") .. "\n"
end

--- A revocation list in words.
---@param crl lacre.crl
---@return string
function views.revocations_text(crl)
  local lines = { "certificate revocation list" }
  line(lines, "issuer", tostring(crl:issuer()))
  line(lines, "number", crl:number())
  line(lines, "base", crl:base_number())
  line(lines, "updated", instant(crl:this_update()))
  line(lines, "next", crl:next_update() and instant(crl:next_update()))
  add_signature(lines, crl)
  add_extensions(lines, crl)
  line(lines, "revoked", crl:count())
  for entry in crl:revoked() do
    lines[#lines + 1] = ("    %s  %s  %s"):format(entry.serial, instant(entry.time), entry.reason or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

return views
