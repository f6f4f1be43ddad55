--- ca.register: what the books of a CA say.

local authority = require "lacre.ca.authority"
local record = require "lacre.ca.record"
local time = require "lacre.time"

local methods = authority.methods

--- Its records, oldest first: `for r in assert(ca:list()) do print(r.serial, r.status, r.subject) end`.
---@return (fun(): lacre.ca.record?)? iterator
---@return lacre.error? err index_corrupt, and the system's
function methods:list()
  local records, err = self.books:records()
  if not records then
    return nil, err
  end
  local now, i = time.now(), 0
  return function()
    i = i + 1
    local one = records[i]
    if one then
      one.status = record.status(one, now)
    end
    return one
  end
end

--- The record of a serial number or certificate.
---@param which string|lacre.cert
---@return lacre.ca.record? record
---@return lacre.error? err unknown_serial index_corrupt
function methods:find(which)
  local one, err = self.books:find(record.which(which, "ca:find"))
  if one then
    one.status = record.status(one)
  end
  return one, err
end

--- The certificate with a serial number; of a certificate the one that is on record.
---@param which string|lacre.cert
---@return lacre.cert? cert
---@return lacre.error? err unknown_serial file_not_found
function methods:certificate_of(which)
  return self.books:certificate(record.which(which, "ca:certificate_of"))
end

return methods
