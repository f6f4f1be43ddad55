--- ca.books: what a CA has issued, on disk, so that `openssl ca` and `openssl ocsp` can read and write it.
--
-- Every change is made under one lock and in one order: what is about to be done goes into the log,
-- the certificate into its file, the index is replaced, the log says that it was done. Each step is
-- durable before the next begins, so whatever happens between two of them leaves either no trace or
-- a last line in the log that the next change completes or voids.

local certificate = require "lacre.cert.read"
local fail = require("lacre.error").fail
local file = require "lacre.file"
local index = require "lacre.ca.index"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local mutex = require "lacre.ca.mutex"
local record = require "lacre.ca.record"
local recovery = require "lacre.ca.recovery"
local time = require "lacre.time"

local books = {}

---@class lacre.ca.books
local Books = {}
Books.__index = Books

--- The books of a store.
---@param paths lacre.ca.layout
---@param given { lock_timeout: number, on_wait?: fun(path: string), cert?: lacre.cert, repair?: boolean } `cert`: the
--- CA's; `repair`: the index may be missing
---@return lacre.ca.books
function books.open(paths, given)
  return setmetatable({
    paths = paths, patience = given.lock_timeout, on_wait = given.on_wait, own = given.cert, mending = given.repair,
  }, Books)
end

--- The text of the index: read once in a transaction, where nobody else writes it.
---@return string? text
---@return lacre.error? err
function Books:text()
  if self.cached then
    return self.cached
  end
  local text, err = file.read(self.paths.index)
  if not text and self.mending and err.code == "file_not_found" then
    text, err = "", nil
  end
  self.cached = self.lock and text or nil
  return text, err
end

--- Replaces the index, behind other files; durable when it returns.
---@param text string
---@param others? { path: string, bytes: string }[]
---@return true? done
---@return lacre.error? err
function Books:replace(text, others)
  local list = others or {}
  list[#list + 1] = { path = self.paths.index, bytes = text, mode = "0644" }
  local done, err = file.replace_in_order(list)
  self.cached = done and text or nil
  return done, err
end

--- Appends to the log; durable when it returns.
---@param entry table
---@return true? done
---@return lacre.error? err
function Books:note(entry)
  return log.append(self.paths.log, self.head, entry)
end

--- Runs a function with the lock held; whatever it raises, the lock is given back.
---@param run fun(): any, any
---@return any? result
---@return lacre.error? err locked, log_corrupt, and what the function returns
function Books:transact(run)
  if self.lock then -- within another one
    return run()
  end
  local lock, err = mutex.take(self.paths.lock, self.patience, self.on_wait)
  if not lock then
    return nil, err
  end
  self.lock = lock
  local ok, result, why = pcall(function()
    local ready, problem = recovery.finish(self)
    if not ready then
      return nil, problem
    end
    return run()
  end)
  self.lock, self.cached, self.head = nil, nil, nil
  lock:close()
  if not ok then
    error(result, 0)
  end
  return result, why
end

--- Whether the clock is not before what was done last; a few minutes are forgiven. Within a transaction.
---@return true? right
---@return lacre.error? err clock_set_back
function Books:check_clock()
  local last = self.head.latest and time.parse(self.head.latest)
  local now = time.now()
  if last and now < last - 300 then
    return fail("sign", "clock_set_back", "this machine's clock says %s, but the log of the CA goes to %s",
      time.format(now), time.format(last))
  end
  return true
end

-- reading --

--- Every record, oldest first.
---@return lacre.ca.record[]? records
---@return lacre.error? err index_corrupt
function Books:records()
  local text, err = self:text()
  if not text then
    return nil, err
  end
  local records
  records, err = index.parse(text)
  if not records then
    err.path = self.paths.index
  end
  return records, err
end

--- Whether a serial was used.
---@return boolean? used
---@return lacre.error? err
function Books:is_used(serial)
  local text, err = self:text()
  if not text then
    return nil, err
  end
  return index.find(text, serial) ~= nil or file.stat(layout.certificates(self.paths, serial)[1]) ~= nil
end

--- The record of a serial.
---@return lacre.ca.record? record
---@return lacre.error? err unknown_serial index_corrupt
function Books:find(serial)
  local text, err = self:text()
  if not text then
    return nil, err
  end
  local one = index.find(text, serial)
  if not one then
    return fail("load", "unknown_serial", "this CA issued no certificate with the serial number %s", serial)
  end
  return one
end

--- The certificate with a serial number.
---@return lacre.cert? cert
---@return lacre.error? err unknown_serial file_not_found ...
function Books:certificate(serial)
  local one, err = self:find(serial)
  if not one then
    return nil, err
  end
  local cert, first
  for _, path in ipairs(layout.certificates(self.paths, serial, one.file)) do
    cert, err = certificate.load(path)
    if cert then
      return cert
    end
    first = first or err
  end
  return nil, first
end

--- The record, or the serial alone, of what was issued for a key.
---@param pin string
---@return { serial: string }?
---@return lacre.error? err where nobody can say
function Books:issued_for(pin)
  local text, err = file.read(self.paths.log)
  for _, serial in ipairs(text and log.serials_of(text, pin) or {}) do
    local used
    used, err = self:is_used(serial)
    if used then
      return { serial = serial }
    end
  end
  return nil, err
end

-- a test of serials: whether the log leaves it open that a certificate carries one of these names, so that few files
-- are read
local function may_carry_of(self, names)
  local logged, wanted = log.names(file.read(self.paths.log) or ""), {}
  for i, item in ipairs(names) do
    wanted[i] = "," .. item.type .. ":" .. tostring(item.value) .. ","
  end
  return function(serial)
    local list = logged[serial]
    if not list or list:find("\\", 1, true) then
      return true
    end
    for _, name in ipairs(wanted) do
      if ("," .. list .. ","):find(name, 1, true) then
        return true
      end
    end
    return false
  end
end

--- The record of a valid certificate that carries one of these names.
---@param names table[]
---@param now number
---@return lacre.ca.record?
function Books:holder(names, now)
  local is_wanted, may_carry = record.carries(names), may_carry_of(self, names)
  for _, one in ipairs(self:records() or {}) do
    local cert = record.status(one, now) == "valid" and may_carry(one.serial) and self:certificate(one.serial)
    if cert and is_wanted(cert) then
      return one
    end
  end
end

books.methods = Books

return books
