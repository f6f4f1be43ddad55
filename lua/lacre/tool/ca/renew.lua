--- tool.ca.renew: the same certificate again, for the same key (`renew`) or for a new one (`rekey`).

local delivery = require "lacre.tool.ca.delivery"
local parts = require "lacre.tool.ca.parts"
local time = require "lacre.time"

local common = parts.rows(
  "valid_for",
  { name = "expiring", type = "duration", value = "TIME", help = "only if it expires within this time, as for cron" },
  { name = "supersede", type = "boolean", default = false,
    help = "revoke the old certificate as superseded, and make a new CRL" },
  "out", "overwrite", "password", "lock_timeout", "on_event"
)

local function rows(...)
  local list = { ... }
  for _, row in ipairs(common) do
    list[#list + 1] = row
  end
  return list
end

-- the CA, the old certificate and the name of its files
local function again(set)
  local which, err = parts.which(set.which)
  local ca
  if which then
    ca, err = parts.open(set)
  end
  local old
  if ca then
    old, err = ca:certificate_of(which)
  end
  if not old then
    return nil, err
  end
  return ca, old, parts.base_name(parts.name_of(old))
end

-- one that is valid for long enough is left alone
local function not_due(set, old)
  local is_due = not set.expiring or old:expires_in() <= set.expiring
  return not is_due and { cert = old, chain = {}, pin = old:pin(), not_due = true }
end

-- issues, writes the files where they are wanted and, where the old one was revoked, says so in a list
local function deliver(set, ca, base, given)
  local identity, err
  if set.out then
    identity, err = delivery.run(set, ca, base, given)
  else
    identity, err = given.make()
  end
  if identity and set.supersede then
    local list, why = ca:crl()
    identity.crl, identity.crl_file = list, list and ca.books.paths.crl
    if not list then
      parts.event(set, "the old certificate is on no CRL yet, run lacre ca crl %s: %s", set.dir, tostring(why))
    end
  end
  return identity, err
end

local renew = {
  name = "renew",
  summary = "renew a certificate, keeping its key",
  description = "Issues the certificate again with new dates. The key stays the same, so pins still match; names, "
    .. "usages and all other extensions stay too. Writes NAME.crt.",
  examples = {
    { "lacre ca renew ca www.example.test.crt --overwrite", "valid for as long as before, replacing the file" },
    { "lacre ca renew ca 0a1b2c --valid-for 30d", "by serial number" },
    { "lacre ca renew ca www.example.test.crt --overwrite --expiring 30d", "every night, from cron" },
  },
  arguments = { parts.row.dir, parts.row.which },
  options = rows(),
}

--- Renews, and with `out` writes the certificate.
---@param set table
---@return table? identity with `not_due = true` where `expiring` was given and the old one is valid for longer
---@return lacre.error? err unknown_serial policy_refused file_exists ...
function renew.run(set)
  local ca, old, base = again(set)
  if not ca then
    return nil, old
  elseif not_due(set, old) then
    return not_due(set, old)
  end
  local function make()
    return ca:renew(old, { valid_for = set.valid_for, supersede = set.supersede })
  end
  return deliver(set, ca, base, { make = make })
end

local rekey = {
  name = "rekey",
  summary = "renew a certificate, with a new key",
  description = "Issues the certificate again with new dates and a new key, so its pin changes. Names, usages and all "
    .. "other extensions stay. Writes NAME.crt and NAME.key.",
  examples = {
    { "lacre ca rekey ca www.example.test.crt --overwrite --supersede", "and revoke the old one" },
  },
  arguments = { parts.row.dir, parts.row.which },
  options = rows(parts.row.key),
}

--- Issues for a new key, and with `out` writes both files.
---@param set table
---@return table? identity
---@return lacre.error? err as renew
function rekey.run(set)
  local ca, old, base = again(set)
  if not ca then
    return nil, old
  elseif not_due(set, old) then
    return not_due(set, old)
  end
  local private, err = ca:key_like(old, set.key)
  local pem
  if private then
    pem, err = private:to_pem()
  end
  if not pem then
    return nil, err
  end
  local function make()
    return ca:rekey(old, { key = private, valid_for = set.valid_for, supersede = set.supersede })
  end
  return deliver(set, ca, base, { key = private, pem = pem, make = make })
end

local function text(identity, style)
  local told = parts.text(identity, style)
  if identity.not_due then
    local cert = identity.cert
    return ("not due  %s, serial %s, is valid until %s (%s)"):format(parts.name_of(cert), cert:serial(),
      time.format(cert:not_after(), "date"), time.humanize(cert:expires_in()))
  elseif not identity.crl then
    return told
  end
  return ("%s\n%s  CRL %s, until %s: publish it where verifiers get it"):format(told, identity.crl_file,
    identity.crl:number(), time.format(identity.crl:next_update()))
end

local function to_table(identity)
  local data = parts.to_table(identity)
  data.renewed = not identity.not_due
  data.crl_number, data.crl_file = identity.crl and identity.crl:number(), identity.crl_file
  return data
end

for _, tool in ipairs { renew, rekey } do
  tool.text, tool.to_table = text, to_table
end

return { renew = renew, rekey = rekey }
