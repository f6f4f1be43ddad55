--- tool.ca.renew: the same certificate again, for the same key (`renew`) or for a new one (`rekey`).

local delivery = require "lacre.tool.ca.delivery"
local parts = require "lacre.tool.ca.parts"

local common = parts.rows(
  "valid_for",
  { name = "supersede", type = "boolean", default = false, help = "revoke the old certificate as superseded" },
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

local renew = {
  name = "renew",
  summary = "renew a certificate, keeping its key",
  description = "Issues the certificate again with new dates. The key stays the same, so pins still match; names, "
    .. "usages and all other extensions stay too. Writes NAME.crt.",
  examples = {
    { "lacre ca renew ca www.example.test.crt --overwrite", "valid for as long as before, replacing the file" },
    { "lacre ca renew ca 0a1b2c --valid-for 30d", "by serial number" },
  },
  arguments = { parts.row.dir, parts.row.which },
  options = rows(),
}

--- Renews, and with `out` writes the certificate.
---@param set table
---@return table? identity
---@return lacre.error? err unknown_serial policy_refused file_exists ...
function renew.run(set)
  local ca, old, base = again(set)
  if not ca then
    return nil, old
  end
  local function make()
    return ca:renew(old, { valid_for = set.valid_for, supersede = set.supersede })
  end
  if not set.out then
    return make()
  end
  return delivery.run(set, ca, base, { make = make })
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
  if not set.out then
    return make()
  end
  return delivery.run(set, ca, base, { key = private, pem = pem, make = make })
end

for _, tool in ipairs { renew, rekey } do
  tool.text, tool.to_table = parts.text, parts.to_table
end

return { renew = renew, rekey = rekey }
