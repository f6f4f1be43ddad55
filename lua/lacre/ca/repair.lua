--- ca.repair: mends the directory of a CA from what it holds: the log and the certificates themselves.
--
-- Nothing is guessed and nothing thrown away: an index that is written anew is kept aside, and a
-- certificate without record is entered as the log says.

local disk = require("lacre.core").disk
local every = require "lacre.every"
local file = require "lacre.file"
local index = require "lacre.ca.index"
local layout = require "lacre.ca.layout"
local record = require "lacre.ca.record"
local time = require "lacre.time"

local repair = {}

local fixes = {}

local private = { key = true, log = true, lock = true, ocsp_key = true }

function fixes.mode(books)
  for what, path in pairs(books.paths) do
    local stat = what ~= "kind" and file.stat(path)
    local wanted = stat and (stat.kind == "directory" and "700" or (private[what])
      and "600" or "644")
    if stat and stat.mode % 512 ~= tonumber(wanted, 8) then
      local done, err = disk.set_mode(path, tonumber(wanted, 8))
      if not done then
        return nil, err
      end
    end
  end
  return true
end

-- a record as the log and the last list say that it was revoked
local function as_said(found, one, begun)
  local fate, lost = found.fates[one.serial], found.lost[one.serial]
  local at = fate and fate.at and index.instant(fate.at)
  if fate and fate.revoked and not (one.revoked_at == at and one.reason == fate.reason) then
    at = at or one.revoked_at or lost and lost.time or begun
    one.revoked_at, one.reason, one.revocation = at, fate.reason or "unspecified", nil
  elseif lost and not one.revoked_at then
    one.revoked_at, one.reason, one.revocation = lost.time, lost.reason, nil
  end
  return one
end

-- what the index misses: from its certificate, or from the log alone
local function missing_lines(found)
  local lines, seen = {}, {}
  for serial, cert in pairs(found.certs) do
    seen[serial] = true
    if not found.by_serial[serial] and cert:is_issued_by(found.cert) then
      lines[#lines + 1] = index.line(as_said(found, record.of(cert), cert:not_before()))
    end
  end
  for serial, fate in pairs(found.fates) do
    if fate.issued and fate.not_after and not found.by_serial[serial] and not seen[serial] then
      local one = { serial = serial, subject = fate.subject or "", not_after = fate.not_after }
      lines[#lines + 1] = index.line(as_said(found, one, fate.not_after))
    end
  end
  table.sort(lines)
  return table.concat(lines)
end

local function whole_lines(found)
  local lines = {}
  for _, one in ipairs(found.records) do
    lines[#lines + 1] = index.line(as_said(found, one, one.not_after))
  end
  return table.concat(lines) .. missing_lines(found)
end

-- a certificate under a wrong name goes where its own is free
function fixes.names(books, found)
  for path, serial in pairs(found.misnamed) do
    local own = layout.certificates(books.paths, serial)[1]
    if not found.certs[serial] and not file.stat(own) then
      local done, err = disk.rename(path, own)
      if not done then
        return nil, err
      end
    end
  end
  return true
end

function fixes.index(books, found)
  local aside = ("%s.damaged"):format(books.paths.index)
  local done, err = found.no_index, nil
  if not done then
    done, err = file.write(aside, found.text, { overwrite = true })
  end
  if done then
    done, err = books:replace(whole_lines(found))
  end
  if not done then
    return nil, err
  end
  local kept = found.no_index and "there was none" or "the old one is " .. aside
  return books:note { event = "repair", note = "the index was rebuilt; " .. kept }
end

-- what another program issued or revoked, into the log
function fixes.adopt(books, found)
  return every(found.records, function(one)
    local fate, cert = found.fates[one.serial] or {}, found.certs[one.serial]
    local done, err = true, nil
    if not fate.issued then
      done, err = books:note {
        event = "adopt", serial = one.serial, subject = one.subject, not_after = one.not_after,
        fingerprint = cert and cert:fingerprint() or nil,
      }
    end
    if done and one.revoked_at and not fate.revoked then
      done, err = books:note {
        event = "revoked", serial = one.serial, reason = one.reason, at = time.format(one.revoked_at, "asn1"),
        note = "adopted",
      }
    end
    return done, err
  end)
end

function fixes.number(books, found)
  local number = record.successor(found.last_number or "00"):upper() .. "\n"
  return file.replace_in_order { { path = books.paths.crlnumber, bytes = number } }
end

-- the next issuance makes it anew
function fixes.lost_keys(books)
  return disk.remove(books.paths.compromised)
end

-- whoever asks for it says that the log is ahead and not the clock behind
function fixes.clock(books)
  return books:note { event = "clock", note = "the line above is in the future; it goes on from here" }
end

function fixes.leftovers(_, found)
  return every(found.leftovers, disk.remove)
end

local order = { "mode", "names", "index", "adopt", "number", "lost_keys", "clock", "leftovers" }

--- Mends what a list of findings names. Called with the lock held, after recovery.
---@param books lacre.ca.books
---@param found lacre.ca.survey
---@param list lacre.ca.finding[]
---@return true? done
---@return lacre.error? err
function repair.run(books, found, list)
  local wanted = {}
  for _, finding in ipairs(list) do
    wanted[finding.fix or ""] = true
  end
  return every(order, function(name)
    if not wanted[name] then
      return true
    end
    return fixes[name](books, found)
  end)
end

return repair
