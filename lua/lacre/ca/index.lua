--- ca.index: the index.txt of `openssl ca`, read and written.
--
-- Six fields a line, separated by TABs: status (V R E), when it ends, when it was revoked and why,
-- serial, file, subject. A TAB within a field has a backslash before it; nothing else is escaped.
-- What others write there and we do not know (hold instructions, compromise times) is kept.

local fail = require("lacre.error").fail
local record = require "lacre.ca.record"
local time = require "lacre.time"

local index = {}

-- midnights by their text: what was issued on one day ends on few
local midnights = setmetatable({}, { __mode = "kv" })

local function midnight_of(date)
  local known = midnights[date]
  if not known then
    local year, rest = date:match "^(.-)(%d%d%d%d)$"
    if #year == 2 then
      year = (tonumber(year) >= 50 and "19" or "20") .. year
    end
    known = { time.parse((year .. rest):gsub("^(%d%d%d%d)(%d%d)(%d%d)$", "%1-%2-%3")) }
    midnights[date] = known
  end
  return known[1]
end

--- YYMMDDHHMMSSZ, or YYYYMMDDHHMMSSZ from 2050 on (RFC 5280 section 4.1.2.5).
---@param text string
---@return number? instant
function index.instant(text)
  local date, hour, minute, second = text:match "^(%d%d?%d?%d?%d%d%d%d)(%d%d)(%d%d)(%d%d)Z$"
  if not date or #date % 2 == 1 or hour > "23" or minute > "59" or second > "60" then
    return nil
  end
  local midnight = midnight_of(date)
  return midnight and midnight + hour * 3600 + minute * 60 + second
end

local function instant_text(instant)
  return time.format(instant, "asn1")
end

-- `TIME[,reason[,extra]]`, put into a record; or why not
local function read_revocation(one, text)
  local at, reason, extra = text:match "^([^,]*),?([^,]*),?(.*)$"
  one.revocation, one.revoked_at, one.reason = text, index.instant(at), "unspecified"
  if not one.revoked_at then
    return ("the revocation time '%s' is not a time"):format(at)
  elseif reason ~= "" and not record.index_reasons[reason] then
    return ("the reason '%s' is unknown"):format(reason)
  elseif reason ~= "" then
    one.reason = record.index_reasons[reason]
  end
  -- keyTime and CAkeyTime tell since when a key was in other hands
  one.invalidity_date = reason:find "Time$" and index.instant(extra) or nil
end

-- fields of a line; a TAB with a backslash before it belongs to its field
local function split(line)
  local fields = { line:match "^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$" }
  if fields[1] and not line:find("\\\t", 1, true) then
    return fields
  end
  fields = {}
  for field in (line:gsub("\\\t", "\0") .. "\t"):gmatch "([^\t]*)\t" do
    fields[#fields + 1] = field:find("%z") and field:gsub("%z", "\t") or field
  end
  return fields
end

--- One line, without its end.
---@param line string
---@return lacre.ca.record? record
---@return string? why
function index.read_line(line)
  local fields = split(line)
  if #fields ~= 6 then
    return nil, ("%d fields instead of 6"):format(#fields)
  end
  local status, ends, revocation, serial = fields[1], index.instant(fields[2]), fields[3], fields[4]
  if status ~= "V" and status ~= "R" and status ~= "E" then
    return nil, ("the status '%s' is not V, R or E"):format(status:gsub("%c", "?"))
  elseif not ends then
    return nil, ("'%s' is not a time"):format(fields[2]:gsub("%c", "?"))
  elseif serial == "" or not record.serial(serial) then
    return nil, ("'%s' is not a serial number"):format(serial:gsub("%c", "?"))
  end
  local one = { serial = record.serial(serial), not_after = ends, file = fields[5], subject = fields[6] }
  local why = status == "R" and read_revocation(one, revocation) or nil
  return not why and one or nil, why
end

local function revocation_text(one)
  if not one.revoked_at then
    return ""
  elseif one.revocation then
    return one.revocation
  end
  local name = one.reason and one.reason ~= "unspecified" and record.names[one.reason]
  return instant_text(one.revoked_at) .. (name and "," .. name or "")
end

--- The line of a record, with its end.
---@param one lacre.ca.record
---@return string
function index.line(one)
  local fields = {
    one.revoked_at and "R" or "V", instant_text(one.not_after), revocation_text(one),
    one.serial:upper(), one.file or "unknown", one.subject,
  }
  for i, field in ipairs(fields) do
    fields[i] = field:gsub("\t", "\\\t")
  end
  return table.concat(fields, "\t") .. "\n"
end

--- Every record that can be read, and the lines that cannot.
---@param text string
---@return lacre.ca.record[] records
---@return { line: integer, why: string }[] faults
function index.survey(text)
  local records, faults, number = {}, {}, 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    if line ~= "" and line:sub(1, 1) ~= "#" then
      local one, why = index.read_line(line)
      records[#records + 1] = one
      faults[#faults + 1] = not one and { line = number, why = why } or nil
    end
  end
  if text ~= "" and text:sub(-1) ~= "\n" then
    faults[#faults + 1] = { line = number + 1, why = "it has no end" }
  end
  return records, faults
end

--- Every record of an index; the first line that is wrong is an error with `detail.line`.
---@param text string
---@return lacre.ca.record[]? records
---@return lacre.error? err index_corrupt
function index.parse(text)
  local records, faults = index.survey(text)
  local first = faults[1]
  if first then
    local none, err = fail("load", "index_corrupt", "line %d: %s", first.line, first.why)
    err.detail = { line = first.line }
    return none, err
  end
  return records
end

-- where the line of a serial begins and ends, with its newline
local function place(text, serial)
  local from, wanted = 1, "\t" .. serial:upper() .. "\t"
  repeat
    local at = text:find(wanted, from, true)
    if not at then
      return nil
    end
    local first = at
    while first > 1 and text:byte(first - 1) ~= 10 do
      first = first - 1
    end
    local last = text:find("\n", at, true) or #text + 1
    local one = index.read_line(text:sub(first, last - 1))
    if one and one.serial == serial then
      return first, last, one
    end
    from = last
  until from > #text
end

--- The record of a serial, looked for without reading every line.
---@param text string
---@param serial string
---@return lacre.ca.record?
function index.find(text, serial)
  local _, _, one = place(text, serial)
  return one
end

--- The text with the line of a serial replaced.
---@param text string
---@param one lacre.ca.record
---@return string
function index.replace(text, one)
  local first, last = place(text, one.serial)
  return text:sub(1, first - 1) .. index.line(one) .. text:sub(last + 1)
end

return index
