--- tool.ca.revoke: what the CA takes back (`revoke`, `release`), and the list that says so.

local later = require "lacre.later"
local parts = require "lacre.tool.ca.parts"
local time = require "lacre.time"

local record = later "lacre.ca.record"

local list_rows = {
  { name = "next_update", type = "duration", value = "TIME", default = "7d", help = "how soon the next CRL is due" },
  { name = "no_crl", type = "boolean", default = false, help = "do not make a new CRL" },
}

-- the CA; where only its key cannot be had, the error says that a revocation does not wait for it
local function open(set)
  local ca, err = parts.open(set, set.no_crl)
  if not ca and not set.no_crl and parts.open(set, true) then
    err.hint = ("%sto do it now, and make the CRL later: --no-crl"):format(err.hint and err.hint .. "; " or "")
  end
  return ca, err
end

local function changed(set, change)
  local which, err = parts.which(set.which)
  local ca, one
  if which then
    ca, err = open(set)
  end
  if ca then
    one, err = change(ca, which)
  end
  local list
  if one and not set.no_crl then
    list, err = ca:crl { next_update = parts.lasting(set.next_update) }
  end
  if one and not list and not set.no_crl then
    err.hint = ("it is in the records, but on no CRL yet: run lacre ca crl %s%s"):format(set.dir,
      err.hint and " once this is mended: " .. err.hint or "")
  end
  if not one or not list and not set.no_crl then
    return nil, err
  end
  return { record = one, crl = list, crl_file = list and ca.books.paths.crl }
end

local function tail(result)
  return result.crl_file and ("%s  CRL %s, until %s: publish it where verifiers get it"):format(
    result.crl_file, result.crl:number(), time.format(result.crl:next_update())) or "no CRL was made: run lacre ca crl"
end

local revoke = {
  name = "revoke",
  summary = "revoke a certificate, and make a new CRL",
  examples = {
    { "lacre ca revoke ca www.example.test.crt --reason key_compromise", "by file" },
    { "lacre ca revoke ca 0a1b2c --reason superseded", "by serial number" },
    { "lacre ca revoke ca alice.crt --reason certificate_hold", "on hold, until lacre ca release" },
  },
  arguments = { parts.row.dir, parts.row.which },
  options = parts.rows(
    { name = "reason", default = "unspecified", values = record.REASONS, help = "reason" },
    { name = "time", type = "instant", value = "TIME",
      help = "revoked since, such as 2026-01-31T12:00:00Z (default: now)" },
    list_rows[1], list_rows[2], "password", "lock_timeout", "on_event"
  ),
}

--- Revokes.
---@param set table
---@return { record: lacre.ca.record, crl?: lacre.crl, crl_file?: string }? result
---@return lacre.error? err unknown_serial already_revoked ...
function revoke.run(set)
  return changed(set, function(ca, which)
    return ca:revoke(which, { reason = set.reason, time = set.time })
  end)
end

function revoke.text(result, style)
  local one = result.record
  return table.concat({
    ("%s  %s, serial %s: %s"):format(style.bad "revoked", one.subject, one.serial, one.reason), tail(result),
  }, "\n")
end

local release = {
  name = "release",
  summary = "undo a certificate_hold, and make a new CRL",
  examples = {
    { "lacre ca release ca alice.crt", "the certificate, revoked with --reason certificate_hold, is valid again" },
  },
  arguments = { parts.row.dir, parts.row.which },
  options = parts.rows(list_rows[1], list_rows[2], "password", "lock_timeout", "on_event"),
}

--- Releases.
---@param set table
---@return table? result as revoke
---@return lacre.error? err unknown_serial already_revoked
function release.run(set)
  return changed(set, function(ca, which)
    return ca:release(which)
  end)
end

function release.text(result, style)
  local one = result.record
  return table.concat({ ("%s  %s, serial %s"):format(style.good "valid", one.subject, one.serial), tail(result) }, "\n")
end

local function to_table(result)
  local one = result.record
  return {
    serial = one.serial, subject = one.subject, status = one.status, reason = one.reason,
    revoked_at = one.revoked_at and time.format(one.revoked_at) or nil,
    crl_number = result.crl and result.crl:number() or nil, crl_file = result.crl_file,
  }
end

revoke.to_table, release.to_table = to_table, to_table

return { revoke = revoke, release = release }
