--- ca.history: what the log of a CA says of each certificate, event by event.

local log = require "lacre.ca.log"

local history = {}

---@class lacre.ca.fate what became of one serial
---@field issued boolean
---@field revoked boolean
---@field reason? string
---@field at? string as index.txt writes times
---@field fingerprint? string
---@field subject? string
---@field not_after? number
---@field released? boolean a revocation was taken back

local apply = {}

function apply.issue(fate, entry)
  fate.fingerprint, fate.open = entry.fingerprint, "issue"
  fate.subject, fate.not_after = entry.subject, entry.not_after
end

function apply.issued(fate)
  fate.issued, fate.open = true, nil
end

function apply.adopt(fate, entry)
  fate.issued, fate.fingerprint = true, entry.fingerprint
  fate.subject, fate.not_after = entry.subject, entry.not_after
end

function apply.void(fate)
  fate.open = nil
end

function apply.revoke(fate, entry)
  fate.asked, fate.open = entry, "revoke"
end

function apply.revoked(fate, entry)
  local asked = fate.asked or entry
  fate.revoked, fate.reason, fate.at, fate.open = true, asked.reason, asked.at, nil
  fate.released, fate.asked = nil, nil
end

function apply.release(fate)
  fate.open = "release"
end

function apply.released(fate)
  fate.revoked, fate.reason, fate.at, fate.open = false, nil, nil, nil
  fate.released = true
end

--- The fate of every serial.
---@param entries lacre.ca.entry[]
---@return table<string, lacre.ca.fate>
function history.of(entries)
  local fates = {}
  for _, entry in ipairs(entries) do
    local step = entry.serial and apply[entry.event]
    if step then
      fates[entry.serial] = fates[entry.serial] or { issued = false, revoked = false }
      step(fates[entry.serial], entry)
    end
  end
  return fates
end

--- The serial, if any, whose last line announces what was not done.
---@param entries lacre.ca.entry[]
---@return string? serial
---@return string? event
function history.pending(entries)
  local last = entries[#entries]
  if last and log.answers[last.event] then
    return last.serial, last.event
  end
end

return history
