--- books: what a CA has issued, on disk, so that `openssl ca` and `openssl ocsp` can read and write it.
--
-- Every change is made under one lock and in one order: what is about to be done goes into the log,
-- the certificate into its file, the index is replaced, the log says that it was done. Each step is
-- durable before the next begins, so whatever happens between two of them leaves either no trace or
-- a last line in the log that the next change completes or voids.

local certificate = require "lacre.certificate"
local disk = require("lacre.core").disk
local fail = require("lacre.error").fail
local file = require "lacre.file"
local index = require "lacre.ca.index"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local mutex = require "lacre.ca.mutex"
local record = require "lacre.ca.record"
local recovery = require "lacre.ca.recovery"
local revocations = require "lacre.revocations"
local time = require "lacre.time"

local books = {}

---@class lacre.ca.books
local Books = {}
Books.__index = Books

--- The books of a store.
---@param paths lacre.ca.layout
---@param given { lock_timeout: number, on_wait?: fun(path: string) }
---@return lacre.ca.books
function books.open(paths, given)
  return setmetatable({ paths = paths, patience = given.lock_timeout, on_wait = given.on_wait }, Books)
end

--- The text of the index: read once in a transaction, where nobody else writes it.
---@return string? text
---@return lacre.error? err
function Books:text()
  if self.cached then
    return self.cached
  end
  local text, err = file.read(self.paths.index)
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
    return fail("load", "unknown_serial", "no certificate with the serial %s was issued here", serial)
  end
  return one
end

--- The certificate of a serial.
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

--- The record of a valid certificate that carries one of these names.
---@param names table[]
---@param now number
---@return lacre.ca.record?
function Books:holder(names, now)
  local wanted = {}
  for _, item in ipairs(names) do
    wanted[item.type .. ":" .. tostring(item.value)] = true
  end
  for _, one in ipairs(self:records() or {}) do
    local cert = record.status(one, now) == "valid" and self:certificate(one.serial)
    for _, item in ipairs(cert and cert:subject_alt_names() or {}) do
      if wanted[item.type .. ":" .. tostring(item.value)] then
        return one
      end
    end
  end
end

-- writing --

local function names_of(cert)
  local names = {}
  for i, item in ipairs(cert:subject_alt_names()) do
    names[i] = item.type .. ":" .. tostring(item.value)
  end
  return #names > 0 and table.concat(names, ",") or nil
end

-- what could not be finished is taken back where it left no trace in the index
local function take_back(self, serial, path)
  self.cached = nil
  local text = self:text()
  if text and not index.find(text, serial) then
    disk.remove(path)
    self:note { event = "void", serial = serial }
  end
end

local function enter(self, one, cert, path)
  local text, err = self:text()
  if not text then
    return nil, err
  end
  local done
  done, err = file.write(path, cert:to_pem(), { mode = "0644" })
  if not done then
    return nil, err
  end
  local serial = { path = self.paths.serial, bytes = record.successor(one.serial):upper() .. "\n", mode = "0644" }
  return self:replace(text .. index.line(one), { serial })
end

--- Enters what was issued: durable when it returns.
---@param cert lacre.cert
---@return true? done
---@return lacre.error? err io_error (disk full), permission_denied, index_corrupt ...
function Books:add(cert)
  local one = record.of(cert)
  local text, err = self:text()
  if not text then
    return nil, err
  elseif text ~= "" and text:sub(-1) ~= "\n" then
    return fail("save", "index_corrupt", "%s: the last line has no end", self.paths.index)
  end
  local done
  done, err = self:note {
    event = "issue", serial = one.serial, subject = one.subject, names = names_of(cert),
    not_after = cert:not_after(), fingerprint = cert:fingerprint(),
  }
  if not done then
    return nil, err
  end
  local path = layout.certificates(self.paths, one.serial)[1]
  done, err = enter(self, one, cert, path)
  if not done then
    take_back(self, one.serial, path)
    return nil, err
  end
  return self:note { event = "issued", serial = one.serial }
end

--- Enters a revocation, or takes one back.
---@param serial string
---@param at? number nil takes it back
---@param reason? string
---@return true? done
---@return lacre.error? err
function Books:mark(serial, at, reason)
  local one, err = self:find(serial)
  if not one then
    return nil, err
  end
  local event = at and "revoke" or "release"
  one.revoked_at, one.reason, one.revocation = at, reason, nil
  local done
  done, err = self:note { event = event, serial = serial, reason = reason, at = at and time.format(at, "asn1") }
  if done then
    done, err = self:replace(index.replace(self:text(), one))
  end
  if not done then
    return nil, err
  end
  return self:note { event = log.answers[event], serial = serial }
end

-- revocation lists --

--- Draws the number of the next revocation list; the one after it is on disk when this returns.
---@return string? hex
---@return lacre.error? err index_corrupt (no number there), io_error ...
function Books:draw_number()
  local text, err = file.read(self.paths.crlnumber)
  if not text and err.code ~= "file_not_found" then
    return nil, err
  end
  local number = record.serial(text or "01")
  if not number then
    return fail("load", "index_corrupt", "%s holds no number", self.paths.crlnumber)
  end
  local done
  done, err = file.replace_in_order { { path = self.paths.crlnumber, bytes = record.successor(number):upper() .. "\n" } }
  return done and number, err
end

--- Keeps a revocation list that was made; a delta beside the full one.
---@param list lacre.crl
---@return true? done
---@return lacre.error? err
function Books:publish(list)
  local path = list:is_delta() and self.paths.delta or self.paths.crl
  local done, err = file.replace_in_order { { path = path, bytes = list:to_pem() } }
  if not done then
    return nil, err
  end
  return self:note { event = "crl", number = list:number(), note = list:is_delta() and "delta" or nil }
end

--- The last full revocation list.
---@return lacre.crl? crl
---@return lacre.error? err file_not_found ...
function Books:last_crl()
  return revocations.load(self.paths.crl)
end

return books
