--- ca.record: one certificate in the books of a CA, whether the books are in memory or on disk.
--
-- A record is plain data: `serial` (lower-case hexadecimal, whole octets), `not_after`, `subject` (as
-- `/O=x/CN=y`, which is how index.txt writes it) and, once revoked, `revoked_at` and `reason`.

local certificate = require "lacre.cert.read"
local options = require "lacre.options"
local time = require "lacre.time"

local record = {}

---@class lacre.ca.record
---@field serial string
---@field subject string
---@field not_after number
---@field revoked_at? number
---@field reason? string
---@field invalidity_date? number since when the key was in other hands, where index.txt tells
---@field cert? lacre.cert where the books hold it

--- Reasons for a revocation, RFC 5280 section 5.3.1, by what index.txt calls them.
record.index_reasons = {
  unspecified = "unspecified",
  keyCompromise = "key_compromise",
  CACompromise = "ca_compromise",
  affiliationChanged = "affiliation_changed",
  superseded = "superseded",
  cessationOfOperation = "cessation_of_operation",
  certificateHold = "certificate_hold",
  removeFromCRL = "remove_from_crl",
  holdInstruction = "certificate_hold",
  keyTime = "key_compromise",
  CAkeyTime = "ca_compromise",
}

--- Those that can be given.
record.REASONS = {
  "unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded",
  "cessation_of_operation", "certificate_hold",
}

--- What index.txt calls a reason.
record.names = {}
for written, reason in pairs(record.index_reasons) do
  if not written:find "Time$" and written ~= "holdInstruction" then
    record.names[reason] = written
  end
end

--- A serial number in one form: lower-case hexadecimal of whole octets.
---@param text string with or without colons, `0x` and leading zeros
---@return string? serial nil where it is none
function record.serial(text)
  if text:find "^[1-9A-Fa-f]%x+$" and #text % 2 == 0 then
    return text:lower()
  end
  local digits = text:lower():gsub("^0x", ""):gsub("[:%s]", ""):gsub("^0+", "")
  if digits:find "%X" then
    return nil
  end
  return #digits == 0 and "00" or #digits % 2 == 1 and "0" .. digits or digits
end

--- The number after one; serial numbers are longer than Lua's integers.
---@param hex string
---@return string
function record.successor(hex)
  local digits = hex:gsub("f*$", function(run)
    return ("0"):rep(#run)
  end)
  local carried = #hex - #hex:match "f*$"
  if carried == 0 then
    return record.serial("1" .. digits)
  end
  local up = ("%x"):format(tonumber(digits:sub(carried, carried), 16) + 1)
  return digits:sub(1, carried - 1) .. up .. digits:sub(carried + 1)
end

--- The serial number that a serial, a certificate or a record means.
---@param which string|lacre.cert|table
---@param what string the function that was asked, for its message
---@return string serial
function record.which(which, what)
  local serial
  if certificate.is(which) then
    serial = record.serial(which:serial())
  elseif type(which) == "string" then
    serial = record.serial(which)
  elseif type(which) == "table" and type(which.serial) == "string" then
    serial = record.serial(which.serial)
  end
  if not serial then
    options.misuse("bad argument #1 to '%s' (serial number or certificate expected)", what)
  end
  return serial
end

-- what OpenSSL's X509_NAME_oneline writes
local function one_line(subject)
  local parts = {}
  for kind, value in subject:each() do
    parts[#parts + 1] = "/" .. kind .. "=" .. value:gsub("[^ -~]", function(byte)
      return ("\\x%02X"):format(byte:byte())
    end)
  end
  return table.concat(parts)
end

--- The record of a certificate that was just issued.
---@param cert lacre.cert
---@return lacre.ca.record
function record.of(cert)
  return {
    serial = record.serial(cert:serial()),
    subject = one_line(cert:subject()),
    not_after = cert:not_after(),
    cert = cert,
  }
end

local function names_of(cert)
  local names = {}
  for i, item in ipairs(cert:subject_alt_names()) do
    names[i] = item.type .. ":" .. tostring(item.value)
  end
  return #names > 0 and table.concat(names, ",") or nil
end

--- The entry of the log that announces a certificate.
---@param one lacre.ca.record
---@param cert lacre.cert
---@return table
function record.issue(one, cert)
  return {
    event = "issue", serial = one.serial, subject = one.subject, names = names_of(cert), not_after = cert:not_after(),
    fingerprint = cert:fingerprint(), pin = cert:pin(),
  }
end

--- Whether it was revoked because others have its key.
---@param one lacre.ca.record
---@return boolean
function record.is_compromised(one)
  return one.revoked_at ~= nil and (one.reason == "key_compromise" or one.reason == "ca_compromise")
end

--- What became of it: "valid", "revoked" or "expired".
---@param one lacre.ca.record
---@param now? number
---@return string
function record.status(one, now)
  if one.revoked_at then
    return "revoked"
  end
  return one.not_after < (now or time.now()) and "expired" or "valid"
end

--- A test for certificates: whether one carries any of these names.
---@param names table[]
---@return fun(cert: lacre.cert): boolean
function record.carries(names)
  local wanted = {}
  for _, item in ipairs(names) do
    wanted[item.type .. ":" .. tostring(item.value)] = true
  end
  return function(cert)
    for _, item in ipairs(cert:subject_alt_names()) do
      if wanted[item.type .. ":" .. tostring(item.value)] then
        return true
      end
    end
    return false
  end
end

return record
