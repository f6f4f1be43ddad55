--- ca.recovery: what a process that died left unfinished is finished by the next one that changes the books.
--
-- Everything happens under one lock, so at most the last line of the log announces something that
-- was not done. An issuance whose certificate is on disk is entered; one without is void. A revocation
-- is carried out; taking one back is not.

local certificate = require "lacre.cert.read"
local index = require "lacre.ca.index"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local record = require "lacre.ca.record"

local recovery = {}

local finish = {}

function finish.issue(books, entry)
  local text, err = books:text()
  if not text then
    return nil, err
  elseif index.find(text, entry.serial) then
    return books:note { event = "issued", serial = entry.serial, note = "completed" }
  end
  local cert = certificate.load(layout.certificates(books.paths, entry.serial)[1])
  if not cert or cert:fingerprint() ~= entry.fingerprint then
    return books:note { event = "void", serial = entry.serial }
  end
  local done
  done, err = books:replace(text .. index.line(record.of(cert)))
  if not done then
    return nil, err
  end
  return books:note { event = "issued", serial = entry.serial, note = "completed" }
end

function finish.revoke(books, entry)
  local text, err = books:text()
  if not text then
    return nil, err
  end
  local one = index.find(text, entry.serial)
  if one and not one.revoked_at then
    one.revoked_at, one.reason = index.instant(entry.at), entry.reason
    local done
    done, err = books:replace(index.replace(text, one))
    if not done then
      return nil, err
    end
  end
  return books:note { event = "revoked", serial = entry.serial, note = "completed" }
end

function finish.release(books, entry)
  return books:note { event = "void", serial = entry.serial }
end

-- a last line without its end: a power failure, or a disk that was full
local function mend(books, entry)
  local cut, err = log.mend(books.paths.log)
  if not cut then
    return nil, err
  end
  books.head, err = log.head(books.paths.log)
  if not books.head then
    return nil, err
  end
  local done
  done, err = recovery.pending(books, entry)
  if not done then
    return nil, err
  end
  return books:note { event = "repair", note = ("%d bytes of an unfinished line removed"):format(cut) }
end

--- Finishes what a last entry announces.
---@param books table
---@param entry? lacre.ca.entry
---@return true? done
---@return lacre.error? err
function recovery.pending(books, entry)
  local step = entry and finish[entry.event]
  if not step then
    return true
  end
  return step(books, entry)
end

--- Reads where the log ends and finishes what somebody began. Called with the lock held.
---@param books table
---@return true? done
---@return lacre.error? err log_corrupt, or the system's
function recovery.finish(books)
  local err
  books.head, err = log.head(books.paths.log)
  if not books.head then
    return nil, err
  end
  local entry = books.head.entry
  if books.head.torn then
    return mend(books, entry)
  elseif not entry then
    return books:note { event = "open", note = "the log begins here" }
  end
  return recovery.pending(books, entry)
end

return recovery
