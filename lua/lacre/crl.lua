--- crl: certificate revocation lists, RFC 5280 section 5: read and made.
--
-- Reading stands in lua/lacre/crl/read.lua; here is what makes one.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local extension = require "lacre.x509.extension"
local extension_list = require "lacre.x509.extension.list"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local options = require "lacre.options"
local reasons = require "lacre.crl.reasons"
local revocations = require "lacre.crl.read"
local sign = require "lacre.x509.sign"
local time = require "lacre.time"

local views = later "lacre.x509.views"

local fail, misuse = lacre_error.fail, options.misuse

local crl = {
  is = revocations.is,
  parse = revocations.parse,
  parse_all = revocations.parse_all,
  load = revocations.load,
  load_all = revocations.load_all,
  --- The reasons of a revocation, and their numbers.
  REASONS = reasons.numbers,
}

--- Everything in it, as plain data ready for JSON; the field names are stable.
---@return table
function core.crl.methods:to_table()
  return views.revocations(self)
end

--- The same for people.
---@return string
function core.crl.methods:to_text()
  return views.revocations_text(self)
end

-- a duration after this_update, or an instant; of a number this_update tells which it is
local function moment(value)
  local seconds = time.duration(value)
  if seconds then
    return { after = seconds, number = type(value) == "number" and value or nil }
  end
  local instant, err = time.parse(value)
  return instant and { at = instant }, err and err.message
end

local function serial_text(value)
  if type(value) == "number" then
    value = value > 0 and ("%x"):format(value) or "0"
  end
  if type(value) ~= "string" or not value:find "^%x+$" or #value > 40 then
    return nil, "a number or hexadecimal text of at most 20 octets expected"
  end
  return value
end

local schema = {
  issuer = { type = options.object("certificate", certificate.is), required = true },
  issuer_key = { type = options.object("key", key.is), required = true },
  revoked = { type = "list", default = {} },
  number = { type = serial_text },
  base_number = { type = serial_text },
  this_update = { type = "instant" },
  next_update = { type = moment, default = { after = 7 * 86400 } },
  delta_crl_urls = { type = "list" },
  hash = { type = "string", values = { "sha256", "sha384", "sha512" } },
  extensions = { type = "table", default = {} },
}

local entry_schema = {
  serial = { type = { "string", "integer" } },
  cert = { type = options.object("certificate", certificate.is) },
  time = { type = "instant" },
  reason = { type = "string" },
  invalidity_date = { type = "instant" },
  -- what reading gives, so that the entries of one list go into the next
  extensions = { type = "table" },
  certificate_issuer = { type = "table" },
}

local function reason_of(set, is_delta)
  local number = set.reason and reasons.numbers[set.reason]
  if set.reason and not number then
    local nearest = options.nearest(set.reason, reasons.numbers)
    misuse("bad option 'reason' (unknown reason '%s'%s)", set.reason,
      nearest and ("; did you mean '%s'?"):format(nearest) or "")
  elseif set.reason == "remove_from_crl" and not is_delta then
    misuse "bad option 'reason' (only a delta CRL removes certificates: give base_number)"
  end
  -- "unspecified" is better left out: RFC 5280 section 5.3.1
  return number ~= 0 and number or nil
end

local bare = {} -- the extensions of entries with nothing but a reason, encoded

local function entry_extensions(reason, invalid)
  if not invalid and (not reason or bare[reason]) then
    return bare[reason or false]
  end
  local encoded = extension.list.write(extension_list.make({
    crl_reason = reason, invalidity_date = invalid and math.floor(invalid),
  }))
  if not invalid then
    bare[reason] = encoded
  end
  return encoded
end

local function revoke_one(draft, given, now, is_delta)
  local set = options.check(entry_schema, given, "crl.create")
  local serial, why = serial_text(set.cert and set.cert:serial() or set.serial)
  if not serial then
    misuse("bad option 'revoked' to 'crl.create' (serial: %s)", why)
  end
  local extensions = entry_extensions(reason_of(set, is_delta), set.invalidity_date)
  draft:revoke(serial, math.floor(set.time or now), extensions)
  return serial
end

local function revoke(draft, set, now)
  local seen = {}
  for _, given in ipairs(set.revoked) do
    local serial = revoke_one(draft, given, now, set.base_number ~= nil)
    local id = serial:lower():gsub("^0+", "")
    if seen[id] then
      misuse("bad option 'revoked' to 'crl.create' (serial number %s is given twice)", serial)
    end
    seen[id] = true
  end
end

-- the issuer's right to make lists, RFC 5280 section 4.2.1.3
local function check_issuer(set)
  local issuer, usage = set.issuer, set.issuer:key_usage()
  if not set.issuer_key:is_private() then
    misuse "bad option 'issuer_key' to 'crl.create' (a private key is needed to sign)"
  elseif not set.issuer_key:matches(issuer) then
    return fail("sign", "key_mismatch", "the issuer's key does not belong to %s", tostring(issuer:subject()))
  elseif usage and not usage.crl_sign then
    return fail("sign", "issuer_not_ca", "the key of %s may not sign revocation lists", tostring(issuer:subject()))
  end
  return true
end

local function extensions_of(set, now)
  return extension_list.make({
    authority_key_id = { key_id = set.issuer:subject_key_id() or set.issuer:public_key():key_id() },
    crl_number = set.number or ("%x"):format(now),
    delta_crl_indicator = set.base_number,
    freshest_crl = extension_list.points(set.delta_crl_urls, "delta_crl_urls"),
  }, set.extensions)
end

local function next_after(now, given)
  local at = given.at or given.number
  local instant = math.floor(at and (given.at or at > now) and at or now + given.after)
  if instant < now then
    misuse("bad option 'next_update' to 'crl.create' (%s is before this_update)", time.format(instant))
  end
  return instant
end

local function create(set)
  local good, err = check_issuer(set)
  local scheme
  if good then
    scheme, err = sign.scheme(set.issuer_key, set.hash)
  end
  if not scheme then
    return nil, err
  end
  local now = math.floor(set.this_update or time.now())
  local next_update = next_after(now, set.next_update)
  local draft = core.builder.crl(scheme.algorithm, set.issuer:subject_der(), now, next_update)
  revoke(draft, set, now)
  return sign.finish(draft, extensions_of(set, now), set.issuer_key, scheme)
end

--- Makes and signs a CRL. `number` defaults to the time of this update; `base_number` makes
--- a delta CRL, with the changes since the full CRL of that number (RFC 5280 section 5.2.4).
---@param given { issuer: lacre.cert, issuer_key: lacre.key, revoked?: table[], number?: string|integer,
---  base_number?: string|integer, this_update?: number|string, next_update?: number|string, extensions?: table,
---  delta_crl_urls?: string[], hash?: string }
---  revoked: `{ { serial = hex | cert =, time?, reason?, invalidity_date? }, ... }`;
---  next_update: a duration after this_update ("7d", the default) or an instant
---@return lacre.crl? crl
---@return lacre.error? err key_mismatch issuer_not_ca weak_key
function crl.create(given)
  return options.blame(create, options.check(schema, given, "crl.create"))
end

return crl
