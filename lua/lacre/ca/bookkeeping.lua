--- ca.bookkeeping: what is entered into the books of a CA on disk, in the order that survives a crash.

local disk = require("lacre.core").disk
local fail = require("lacre.error").fail
local books = require "lacre.ca.books"
local certificate = require "lacre.cert.read"
local file = require "lacre.file"
local index = require "lacre.ca.index"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local promises = require "lacre.ca.promises"
local record = require "lacre.ca.record"
local revocations = require "lacre.crl.read"
local time = require "lacre.time"

local methods = books.methods

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
function methods:add(cert)
  local one = record.of(cert)
  local text, err = self:text()
  if not text then
    return nil, err
  elseif text ~= "" and text:sub(-1) ~= "\n" then
    return fail("save", "index_corrupt", "%s: the last line is incomplete", self.paths.index)
  end
  local done
  done, err = self:note(record.issue(one, cert))
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
function methods:mark(serial, at, reason)
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
  elseif record.is_compromised(one) then
    self:compromised "" -- keeps the pin of its key
  end
  return self:note { event = log.answers[event], serial = serial }
end

--- Takes another certificate of the CA itself, with the certificates above it.
---@param cert lacre.cert
---@param chain string PEM of it and those above
---@return true? done
---@return lacre.error? err
function methods:replace_own(cert, chain)
  local done, err = file.replace_in_order {
    { path = self.paths.chain, bytes = chain }, { path = self.paths.cert, bytes = cert:to_pem() },
  }
  if not done then
    return nil, err
  end
  return self:note {
    event = "init", serial = cert:serial(), subject = tostring(cert:subject()), fingerprint = cert:fingerprint(),
  }
end

-- revocation lists --

-- a list of this CA; another's says nothing here
local function own_list(path, cert)
  local list = revocations.load(path)
  return list and list:verify(cert) and list or nil
end

-- when a certificate ends, from its file
local function ends_of(self)
  return function(serial)
    local cert = certificate.load(layout.certificates(self.paths, serial)[1])
    return cert and cert:not_after()
  end
end

--- What was said in the last lists and the log: what is revoked and the index forgot, and the last number.
---@param records lacre.ca.record[]
---@param cert lacre.cert the CA's
---@return { lost: table<string, { serial: string, time: number, reason: string }>, number?: string }? promised
---@return lacre.error? err
function methods:promised(records, cert)
  local text, err = file.read(self.paths.log)
  if not text and err.code ~= "file_not_found" then
    return nil, err
  end
  local fates, entries = promises.logged(text or "")
  local full, delta = own_list(self.paths.crl, cert), own_list(self.paths.delta, cert)
  local lists = { full or delta, full and delta }
  return {
    lost = promises.lost { records = records, crl = full, fates = fates, ends = ends_of(self) },
    number = promises.number(lists, entries),
  }
end

--- Draws the number of the next revocation list; the one after it is on disk when this returns.
---@param last? string the highest that was given, whatever the file says
---@return string? hex
---@return lacre.error? err index_corrupt (no number there), io_error ...
function methods:draw_number(last)
  local text, err = file.read(self.paths.crlnumber)
  if not text and err.code ~= "file_not_found" then
    return nil, err
  end
  local number = record.serial(text or "01")
  if not number then
    return fail("load", "index_corrupt", "%s contains no number", self.paths.crlnumber)
  end
  number = promises.later(number, last and record.successor(last))
  local done
  local next_number = record.successor(number):upper() .. "\n"
  done, err = file.replace_in_order { { path = self.paths.crlnumber, bytes = next_number } }
  return done and number, err
end

--- Keeps a revocation list that was made; a delta beside the full one.
---@param list lacre.crl
---@return true? done
---@return lacre.error? err
function methods:publish(list)
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
function methods:last_crl()
  return revocations.load(self.paths.crl)
end

return methods
