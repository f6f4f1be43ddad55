--- repair: mends the directory of a CA from what it holds: the log and the certificates themselves.
--
-- Nothing is guessed and nothing thrown away: an index that is written anew is kept aside, and a
-- certificate without record is entered as the log says.

local disk = require("lacre.core").disk
local file = require "lacre.file"
local index = require "lacre.ca.index"
local record = require "lacre.ca.record"

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

-- the record of a certificate, revoked if the log says so
local function record_of(found, cert)
  local one = record.of(cert)
  local fate = found.fates[one.serial]
  if fate and fate.revoked then
    one.revoked_at, one.reason = fate.at and index.instant(fate.at) or cert:not_before(), fate.reason
  end
  return one
end

local function whole_lines(found)
  local lines = {}
  for _, one in ipairs(found.records) do
    local fate = found.fates[one.serial]
    if fate and fate.revoked and not one.revoked_at then
      one.revoked_at, one.reason = fate.at and index.instant(fate.at) or one.not_after, fate.reason
    end
    lines[#lines + 1] = index.line(one)
  end
  local missing = {}
  for serial, cert in pairs(found.certs) do
    if not found.by_serial[serial] and cert:is_issued_by(found.cert) then
      missing[#missing + 1] = index.line(record_of(found, cert))
    end
  end
  table.sort(missing)
  return table.concat(lines) .. table.concat(missing)
end

function fixes.index(books, found)
  local aside = ("%s.damaged"):format(books.paths.index)
  local done, err = file.write(aside, found.text, { overwrite = true })
  if done then
    done, err = books:replace(whole_lines(found))
  end
  if not done then
    return nil, err
  end
  return books:note { event = "repair", note = "the index was written anew; the old one is " .. aside }
end

function fixes.adopt(books, found)
  for _, one in ipairs(found.records) do
    local fate, cert = found.fates[one.serial], found.certs[one.serial]
    if not (fate and fate.issued) then
      local done, err = books:note {
        event = "adopt", serial = one.serial, subject = one.subject, not_after = one.not_after,
        fingerprint = cert and cert:fingerprint() or nil,
      }
      if not done then
        return nil, err
      end
    end
  end
  return true
end

function fixes.number(books, found)
  local number = record.successor(record.serial(found.crl:number())):upper() .. "\n"
  return file.replace_in_order { { path = books.paths.crlnumber, bytes = number } }
end

function fixes.leftovers(_, found)
  for _, path in ipairs(found.leftovers) do
    local done, err = disk.remove(path)
    if not done then
      return nil, err
    end
  end
  return true
end

local order = { "mode", "index", "adopt", "number", "leftovers" }

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
  for _, name in ipairs(order) do
    if wanted[name] then
      local done, err = fixes[name](books, found)
      if not done then
        return nil, err
      end
    end
  end
  return true
end

return repair
