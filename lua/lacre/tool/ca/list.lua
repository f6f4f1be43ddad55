--- tool.ca.list: what the CA has issued: all of it (`list`) or one certificate (`show`).

local parts = require "lacre.tool.ca.parts"
local time = require "lacre.time"

local list = {
  name = "list",
  summary = "list the certificates the CA has issued",
  examples = {
    { "lacre ca list ca", "all certificates, oldest first" },
    { "lacre ca list ca --expiring 30d", "what needs renewal" },
    { "lacre ca list ca --revoked --json", "output for programs" },
  },
  argument = parts.row.dir,
  options = {
    { name = "expiring", type = "duration", value = "TIME", help = "only valid ones that expire within this time" },
    { name = "valid", type = "boolean", default = false, help = "only valid ones" },
    { name = "revoked", type = "boolean", default = false, help = "only revoked ones" },
    { name = "expired", type = "boolean", default = false, help = "only expired ones" },
    { name = "match", value = "TEXT", help = "only those whose subject contains this text" },
  },
}

local function wanted(set, one, now)
  if set.match and not one.subject:lower():find(set.match:lower(), 1, true) then
    return false
  elseif set.expiring then
    return one.status == "valid" and one.not_after <= now + set.expiring
  elseif set.valid or set.revoked or set.expired then
    return set[one.status]
  end
  return true
end

--- Lists.
---@param set table
---@return lacre.ca.record[]? records
---@return lacre.error? err ca_not_found index_corrupt
function list.run(set)
  local ca, err = parts.open(set, true)
  local each
  if ca then
    each, err = ca:list()
  end
  if not each then
    return nil, err
  end
  local now, found = time.now(), {}
  for one in each do
    if wanted(set, one, now) then
      found[#found + 1] = one
    end
  end
  return found
end

local colours = { valid = "good", revoked = "bad", expired = "dim" }

function list.text(records, style)
  if #records == 0 then
    return "none"
  end
  local lines = {}
  for i, one in ipairs(records) do
    local note = one.revoked_at and ("%s %s"):format(time.format(one.revoked_at, "date"), one.reason) or ""
    lines[i] = ("%s  %s  %s  %s  %s"):format(one.serial, style[colours[one.status]](("%-7s"):format(one.status)),
      time.format(one.not_after, "date"), one.subject, note):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local function plain(one)
  return {
    serial = one.serial, status = one.status, subject = one.subject, not_after = time.format(one.not_after),
    revoked_at = one.revoked_at and time.format(one.revoked_at) or nil, reason = one.reason,
  }
end

function list.to_table(records)
  local data = {}
  for i, one in ipairs(records) do
    data[i] = plain(one)
  end
  return { certificates = data }
end

local show = {
  name = "show",
  summary = "show one certificate of the CA and its status",
  examples = { { "lacre ca show ca 0a1b2c", "by serial number; a file works too" } },
  arguments = { parts.row.dir, parts.row.which },
  options = {},
}

--- Shows one.
---@param set table
---@return { record: lacre.ca.record, cert?: lacre.cert }? result without `cert` where it is not kept
---@return lacre.error? err unknown_serial
function show.run(set)
  local which, err = parts.which(set.which)
  local ca, one
  if which then
    ca, err = parts.open(set, true)
  end
  if ca then
    one, err = ca:find(which)
  end
  return one and { record = one, cert = ca:certificate_of(one.serial) }, err
end

function show.text(result, style)
  local one = result.record
  local lines = { ("%s  %s"):format(style[colours[one.status]](one.status), one.subject), "serial " .. one.serial }
  if one.revoked_at then
    lines[#lines + 1] = ("revoked %s: %s"):format(time.format(one.revoked_at), one.reason)
  end
  lines[#lines + 1] = "until " .. time.format(one.not_after)
  local cert = result.cert
  if cert then
    local names = {}
    for i, item in ipairs(cert:subject_alt_names()) do
      names[i] = item.type .. ":" .. tostring(item.value)
    end
    lines[#lines + 1] = "names " .. (#names > 0 and table.concat(names, ", ") or "none")
    lines[#lines + 1] = "fingerprint " .. cert:fingerprint("sha256", "colon")
    lines[#lines + 1] = "pin " .. cert:pin()
    lines[#lines + 1] = cert:to_pem()
  end
  return table.concat(lines, "\n")
end

function show.to_table(result)
  local data, cert = plain(result.record), result.cert
  if cert then
    data.pin, data.fingerprint, data.hosts, data.pem = cert:pin(), cert:fingerprint(), cert:hosts(), cert:to_pem()
  end
  return data
end

return { list = list, show = show }
