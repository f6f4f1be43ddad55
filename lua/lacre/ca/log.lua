--- ca.log: what a CA did, in a file that is only appended to.
--
-- One JSON object a line. Each holds the SHA-256 of the line before, so that no line can be changed,
-- taken out or put in without all that follow being written anew; whoever keeps the last hash
-- elsewhere (`check` tells it) can prove that too. An issuance is two lines: what is about to be
-- done, before anything else is written, and that it was done. A power failure between them leaves
-- one, which the next who takes the lock completes or voids.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local file = require "lacre.file"
local time = require "lacre.time"

local disk = core.disk

local log = {}

---@class lacre.ca.entry
---@field seq integer
---@field time string RFC 3339
---@field event string init issue issued void revoke revoked release released crl open repair adopt clock
---@field previous string SHA-256 of the line before, in hexadecimal
---@field serial? string

--- What each event that announces something is answered by.
log.answers = { issue = "issued", revoke = "revoked", release = "released" }

local NOTHING = ("0"):rep(64)

local order = {
  "seq", "time", "event", "serial", "subject", "names", "not_after", "reason", "at", "number", "fingerprint", "pin",
  "note",
}

-- our own lines are flat: texts and whole numbers --

local function quote(text)
  return '"' .. text:gsub('[%c"\\\127]', function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function encode(entry)
  local parts = {}
  for _, name in ipairs(order) do
    local value = entry[name]
    if value ~= nil then
      parts[#parts + 1] = ('"%s":%s'):format(name, type(value) == "number" and ("%d"):format(value) or quote(value))
    end
  end
  parts[#parts + 1] = ('"previous":"%s"'):format(entry.previous)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function decode(line)
  local entry, rest = {}, line:match "^{(.*)}$"
  while rest and rest ~= "" do
    local name, value, after = rest:match '^"([%l_]+)":"([^"]*)",?(.*)$'
    if name then
      entry[name] = value:gsub("\\u00(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
      end)
    else
      name, value, after = rest:match '^"([%l_]+)":(%d+),?(.*)$'
      if not name then
        return nil
      end
      entry[name] = tonumber(value)
    end
    rest = after
  end
  return rest and entry.seq and entry.event and entry.previous and entry or nil
end

local function hash(line)
  local raw = core.bytes.digest("sha256", line)
  return raw and core.bytes.hex(raw)
end

-- the latest time in some lines, which is not that of the last where the clock was set back; a repair says from
-- where on that counts
local function latest(lines)
  local last
  for at, event in lines:gmatch '"time":"([^"]*)","event":"(%l+)"' do
    last = event ~= "clock" and last and last > at and last or at
  end
  return last
end

--- The last line of a log and what it says; nothing where there is no log yet.
---@param path string
---@return { seq: integer, hash: string, entry?: lacre.ca.entry, torn?: boolean, latest?: string }? head `latest` is the
--- latest time of the last lines
---@return lacre.error? err log_corrupt, or the system's
function log.head(path)
  local size = 4096
  repeat
    local tail, err = disk.tail(path, size)
    if not tail then
      return err.code == "file_not_found" and { seq = 0, hash = NOTHING } or nil, err
    end
    local torn = tail ~= "" and tail:sub(-1) ~= "\n"
    local whole = torn and tail:match "^(.*\n)" or torn and "" or tail
    local line = whole:match "\n([^\n]+)\n$" or #tail < size and whole:match "^([^\n]+)\n$"
    if line or #tail < size then
      local entry = line and decode(line)
      if line and not entry then
        return fail("load", "log_corrupt", "%s: the last line was not written by lacre", path)
      end
      return {
        seq = entry and entry.seq or 0, hash = line and hash(line) or NOTHING, entry = entry or nil, torn = torn,
        latest = latest(whole),
      }
    end
    size = size * 8
  until size > 16 * 1024 * 1024
  return fail("load", "log_corrupt", "%s: the last line is too long", path)
end

--- Appends entries behind a head that was just read; durable when it returns.
---@param path string
---@param head table from log.head, moved on
---@param entry table without seq, time and previous
---@return true? done
---@return lacre.error? err the system's; nothing was appended then
function log.append(path, head, entry)
  entry.seq, entry.previous = head.seq + 1, head.hash
  entry.time = time.format(time.now())
  local line = encode(entry)
  local done, err = disk.append(path, line .. "\n", true)
  if not done then
    return nil, err
  end
  head.seq, head.hash, head.entry = entry.seq, hash(line), entry
  head.latest = entry.event ~= "clock" and head.latest and head.latest > entry.time and head.latest or entry.time
  return true
end

--- Takes off a last line that a power failure cut short.
---@param path string
---@return integer? bytes how many were taken off
---@return lacre.error? err
function log.mend(path)
  local text, err = file.read(path)
  if not text then
    return nil, err
  end
  local whole = text:match "^(.*\n)" or ""
  local done
  done, err = file.write(path, whole, { mode = "0600", overwrite = true })
  return done and #text - #whole, err
end

--- The entries about revocations and their lists, the chain of hashes unseen: what a list must not forget.
---@param text string
---@return lacre.ca.entry[]
function log.revocations(text)
  local entries = {}
  for line in text:gmatch "[^\n]+" do
    if line:find('"event":"re', 1, true) or line:find('"event":"crl"', 1, true) then
      entries[#entries + 1] = decode(line)
    end
  end
  return entries
end

--- The names that certificates were issued for, by serial, as `dns:a.test,ip:10.0.0.1`; of those alone whose line
--- tells them.
---@param text string
---@return table<string, string>
function log.names(text)
  local names = {}
  for serial, list in text:gmatch '"event":"issue","serial":"(%x+)"[^\n]-"names":"([^"\n]*)"' do
    names[serial] = list
  end
  return names
end

--- The serials that were to be issued for a key.
---@param text string
---@param pin string
---@return string[]
function log.serials_of(text, pin)
  local serials, from = {}, 1
  repeat
    local at, last = text:find('"pin":"' .. pin .. '"', from, true)
    if at then
      local line = text:sub(1, at):match ".*\n()" or 1
      serials[#serials + 1], from = text:match('^[^\n]-"serial":"(%x+)"', line), last
    end
  until not at
  return serials
end

--- The pin of the key that a serial was issued for.
---@param text string
---@param serial string
---@return string?
function log.pin_of(text, serial)
  for line in text:gmatch '[^\n]*"event":"issue"[^\n]*' do
    if line:find('"serial":"' .. serial .. '"', 1, true) then
      return (decode(line) or {}).pin
    end
  end
end

--- Every entry of a log's text, the chain of hashes verified on the way.
---@param text string
---@return lacre.ca.entry[] entries those before the first that is wrong
---@return { hash: string, problem?: string, line?: integer, torn?: boolean, seen: table<string, boolean> } state
function log.verify(text)
  local entries, state = {}, { hash = NOTHING, seen = {} }
  local number = 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    local entry = decode(line)
    if not entry then
      state.problem, state.line = "it was not written by lacre", number
    elseif entry.previous ~= state.hash or entry.seq ~= number then
      state.problem, state.line = "the lines before it were changed", number
    end
    if state.problem then
      return entries, state
    end
    entries[number], state.hash = entry, hash(line)
    state.seen[state.hash] = true
  end
  state.torn = text ~= "" and text:sub(-1) ~= "\n"
  return entries, state
end

return log
