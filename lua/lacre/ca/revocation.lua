--- ca.revocation: what a CA takes back, and the lists that say so.

local authority = require "lacre.ca.authority"
local fail = require("lacre.error").fail
local later = require "lacre.later"
local options = require "lacre.options"
local record = require "lacre.ca.record"
local time = require "lacre.time"

local crl = later "lacre.crl"

local methods = authority.methods

local revoke_schema = {
  reason = { type = "string", values = record.REASONS, default = "unspecified" },
  time = { type = "instant" },
}

-- the record of a serial that is not revoked for good
local function changeable(self, serial)
  local one, err = self.books:find(serial)
  if one and one.revoked_at and one.reason ~= "certificate_hold" then
    return fail("sign", "already_revoked", "%s, serial %s, was revoked %s", one.subject, serial,
      time.format(one.revoked_at))
  end
  return one, err
end

local function change(self, serial, at, reason)
  return self.books:transact(function()
    local one, err = changeable(self, serial)
    local done
    if one then
      done, err = self.books:mark(serial, at, reason)
    end
    if not done then
      return nil, err
    end
    return self:find(serial)
  end)
end

--- Revokes a certificate; `ca:crl()` then publishes it. A `certificate_hold` can be undone.
---@param which string|lacre.cert serial number or certificate
---@param reason? string|{ reason?: string, time?: number|string } "unspecified" "key_compromise" "superseded" ...
---@return lacre.ca.record? record
---@return lacre.error? err unknown_serial already_revoked revocation_in_future
function methods:revoke(which, reason)
  local given = type(reason) == "table" and reason or { reason = reason }
  local set, now = options.check(revoke_schema, given, "ca:revoke"), time.now()
  local serial = record.which(which, "ca:revoke")
  if set.time and set.time > now then
    return fail("sign", "revocation_in_future", "%s is in the future: revoke as of now or earlier",
      time.format(set.time))
  end
  return change(self, serial, math.floor(set.time or now), set.reason)
end

--- Undoes a `certificate_hold`.
---@param which string|lacre.cert
---@return lacre.ca.record? record
---@return lacre.error? err unknown_serial, already_revoked for good
function methods:release(which)
  return change(self, record.which(which, "ca:release"), nil, nil)
end

local crl_schema = {
  next_update = { type = "any", default = "7d" },
  this_update = { type = "instant" },
  delta = { type = "boolean", default = false },
  drop_expired = { type = "boolean", default = false },
  delta_crl_urls = { type = "list" },
  hash = { type = "string" },
}

-- what the index forgot stays on the lists until it has expired
local function entries_of(records, lost, now, drop_expired)
  local entries = {}
  for _, one in pairs(lost) do
    entries[#entries + 1] = one
  end
  table.sort(entries, function(a, b)
    return a.serial < b.serial
  end)
  for _, one in ipairs(records) do
    if one.revoked_at and not (drop_expired and one.not_after < now) then
      entries[#entries + 1] = {
        serial = one.serial, time = one.revoked_at, reason = one.reason, invalidity_date = one.invalidity_date,
      }
    end
  end
  return entries
end

-- what changed since a full list: new ones, and those it holds that are revoked no longer
local function changes_since(base, entries, now)
  local changed, listed = {}, {}
  for _, entry in ipairs(entries) do
    local old = base:find(entry.serial)
    if not old or (old.reason or "unspecified") ~= entry.reason then
      changed[#changed + 1] = entry
    end
    listed[entry.serial] = true
  end
  for old in base:revoked() do
    local serial = record.serial(old.serial)
    if not listed[serial] then
      changed[#changed + 1] = { serial = serial, time = now, reason = "remove_from_crl" }
    end
  end
  return changed
end

local function base_of(self)
  local base, err = self.books:last_crl()
  if not base and (not err or err.code == "file_not_found") then
    return fail("sign", "crl_missing", "there is no full CRL yet for a delta to build on")
  elseif base and base:is_delta() then
    return fail("sign", "crl_invalid", "the last CRL is a delta itself")
  elseif base and not base:number() then
    return fail("sign", "crl_invalid", "the last CRL has no number: make a full CRL before a delta")
  end
  return base, err
end

local function make(self, set, private)
  local records, err = self.books:records()
  local base, promised
  if records then
    promised, err = self.books:promised(records, self:cert())
  end
  if promised and set.delta then
    base, err = base_of(self)
  end
  if not promised or set.delta and not base then
    return nil, err
  end
  local now = math.floor(set.this_update or time.now())
  local entries = entries_of(records, promised.lost, now, set.drop_expired)
  local number
  number, err = self.books:draw_number(promised.number)
  if not number then
    return nil, err
  end
  return crl.create {
    issuer = self:cert(), issuer_key = private, number = number, base_number = base and base:number(),
    this_update = now, next_update = set.next_update, delta_crl_urls = set.delta_crl_urls, hash = set.hash,
    revoked = base and changes_since(base, entries, now) or entries,
  }
end

--- Makes the next CRL, and saves it if the CA is on disk.
---@param given? { next_update?: string|number, this_update?: number|string, delta?: boolean, drop_expired?: boolean,
--- delta_crl_urls?: string[], hash?: string } `next_update` is "7d" by default; `delta` lists only what changed since
--- the last full list; `drop_expired` leaves out what has expired by itself
---@return lacre.crl? crl
---@return lacre.error? err crl_missing (no full list for a delta), clock_set_back, index_corrupt ...
function methods:crl(given)
  local set = options.check(crl_schema, given, "ca:crl")
  local private, err = self:key()
  if not private then
    return nil, err
  end
  return self.books:transact(function()
    local right, why = set.this_update ~= nil, nil
    if not right then
      right, why = self.books:check_clock()
    end
    local list, kept
    if right then
      list, why = make(self, set, private)
    end
    if list then
      kept, why = self.books:publish(list)
    end
    return kept and list, why
  end)
end

return methods
