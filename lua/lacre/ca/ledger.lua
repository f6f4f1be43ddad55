--- ca.ledger: the books of a CA in memory. `lacre.ca.books` keeps the same ones on disk.
--
-- Whoever changes them does so inside `transact`, where nobody else works on them.

local fail = require("lacre.error").fail
local record = require "lacre.ca.record"

local ledger = {}

---@class lacre.ca.ledger
local Ledger = {}
Ledger.__index = Ledger

--- Empty books.
---@return lacre.ca.ledger
function ledger.new()
  return setmetatable({ list = {}, by_serial = {}, lost_keys = {}, next_number = 1 }, Ledger)
end

--- Runs a function while nobody else works on the books, and returns what it does.
---@param run fun(): any, any
function Ledger.transact(_, run)
  return run()
end

--- Books in memory are not older than the program.
---@return true
function Ledger.check_clock()
  return true
end

--- Whether a serial was used.
---@param serial string
---@return boolean
function Ledger:is_used(serial)
  return self.by_serial[serial] ~= nil
end

--- Enters what was issued.
---@param cert lacre.cert
---@return true? done
---@return lacre.error? err serial_conflict
function Ledger:add(cert)
  local one = record.of(cert)
  if self:is_used(one.serial) then
    return fail("sign", "serial_conflict", "the serial number %s is already in use", one.serial)
  end
  self.list[#self.list + 1], self.by_serial[one.serial] = one, one
  return true
end

--- The record of a serial.
---@param serial string
---@return lacre.ca.record? record
---@return lacre.error? err unknown_serial
function Ledger:find(serial)
  local one = self.by_serial[serial]
  if not one then
    return fail("load", "unknown_serial", "this CA issued no certificate with the serial number %s", serial)
  end
  return one
end

--- The certificate with a serial number.
---@param serial string
---@return lacre.cert? cert
---@return lacre.error? err unknown_serial
function Ledger:certificate(serial)
  local one, err = self:find(serial)
  return one and one.cert, err
end

--- The serial of a certificate that was revoked because others have its key.
---@param pin string of the key
---@return string? serial
function Ledger:compromised(pin)
  return self.lost_keys[pin]
end

--- Whether a valid certificate carries one of these names, and which.
---@param names table[]
---@param now number
---@return lacre.ca.record?
function Ledger:holder(names, now)
  local is_wanted = record.carries(names)
  for _, one in ipairs(self.list) do
    if record.status(one, now) == "valid" and is_wanted(one.cert) then
      return one
    end
  end
end

--- What was issued for a key.
---@param pin string
---@return lacre.ca.record?
function Ledger:issued_for(pin)
  for _, one in ipairs(self.list) do
    if one.cert:pin() == pin then
      return one
    end
  end
end

--- Enters a revocation, or takes one back.
---@param serial string
---@param at? number nil takes it back
---@param reason? string
---@return true? done
---@return lacre.error? err unknown_serial
function Ledger:mark(serial, at, reason)
  local one, err = self:find(serial)
  if one then
    one.revoked_at, one.reason = at, reason
    if record.is_compromised(one) then
      self.lost_keys[one.cert:pin()] = serial
    end
  end
  return one and true, err
end

--- Every record, oldest first.
---@return lacre.ca.record[]
function Ledger:records()
  return self.list
end

--- Takes another certificate of the CA itself; books in memory hold none.
---@return true
function Ledger.replace_own()
  return true
end

--- What the index forgot of what was said: books in memory forget nothing.
function Ledger.promised()
  return { lost = {} }
end

--- Draws the number of the next revocation list.
---@return string hex
function Ledger:draw_number()
  self.next_number = self.next_number + 1
  return ("%02x"):format(self.next_number - 1)
end

--- Keeps a revocation list that was made.
---@param list lacre.crl
---@return true
function Ledger:publish(list)
  if not list:is_delta() then
    self.last_full = list
  end
  return true
end

--- The last full revocation list.
---@return lacre.crl?
function Ledger:last_crl()
  return self.last_full
end

return ledger
