--- ca.survey: everything that is in the directory of a CA, read once, for whoever checks it.

local certificate = require "lacre.cert.read"
local disk = require("lacre.core").disk
local file = require "lacre.file"
local history = require "lacre.ca.history"
local index = require "lacre.ca.index"
local key = require "lacre.key"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local promises = require "lacre.ca.promises"
local record = require "lacre.ca.record"
local revocations = require "lacre.crl.read"

local survey = {}

---@class lacre.ca.survey
---@field paths lacre.ca.layout
---@field cert lacre.cert
---@field text string of the index
---@field no_index boolean it is missing
---@field records lacre.ca.record[] those that can be read
---@field faults { line: integer, why: string }[] those that cannot
---@field by_serial table<string, lacre.ca.record>
---@field twice string[] serials with more than one line
---@field certs table<string, lacre.cert> on disk, by serial
---@field misnamed table<string, string> files that are not named by their serial, and that serial
---@field lost table<string, table> what was said to be revoked, and the index forgot
---@field last_number? string of the revocation lists
---@field key_state "sealed"|"good"|"missing"|"foreign"|"unreadable"
---@field alien table<string, string> files that are no certificate, and why
---@field log_text? string
---@field entries lacre.ca.entry[]
---@field chain table what log.verify tells
---@field fates table<string, lacre.ca.fate>
---@field leftovers string[] temporary files
---@field crl? lacre.crl
---@field delta? lacre.crl of this CA

local function add_index(found)
  found.records, found.faults = index.survey(found.text)
  found.by_serial, found.twice = {}, {}
  for _, one in ipairs(found.records) do
    if found.by_serial[one.serial] then
      found.twice[#found.twice + 1] = one.serial
    end
    found.by_serial[one.serial] = one
  end
end

-- the files of what was issued are named by their serials
local function add_certificates(found)
  found.certs, found.alien, found.misnamed = {}, {}, {}
  local names, err = disk.list(found.paths.certs)
  for _, name in ipairs(names or {}) do
    local serial = name:match "^(%x+)%.pem$"
    if serial then
      local path = file.join(found.paths.certs, name)
      local cert, why = certificate.load(path)
      local own = cert and record.serial(cert:serial())
      if own == record.serial(serial) then
        found.certs[own] = cert
      elseif cert then
        found.misnamed[path] = own
      else
        found.alien[path] = tostring(why)
      end
    end
  end
  return names ~= nil, err
end

-- those that easy-rsa moved; what else is in there is of no concern
local function add_moved(found)
  for _, directory in ipairs(layout.aside(found.paths)) do
    for _, name in ipairs(disk.list(directory) or {}) do
      local cert = name:match "%.crt$" and certificate.load(file.join(directory, name))
      local serial = cert and record.serial(cert:serial())
      if serial and found.by_serial[serial] and not found.certs[serial] then
        found.certs[serial] = cert
      end
    end
  end
end

local function add_log(found)
  found.log_text = file.read(found.paths.log)
  found.entries, found.chain = log.verify(found.log_text or "")
  found.fates = history.of(found.entries)
end

local function add_leftovers(found)
  found.leftovers = {}
  for _, directory in ipairs { found.paths.directory, found.paths.certs } do
    for _, name in ipairs(disk.list(directory) or {}) do
      if name:match "%.%x+%.tmp$" then
        found.leftovers[#found.leftovers + 1] = file.join(directory, name)
      end
    end
  end
end

local function add_lists(found)
  found.crl, found.crl_error = revocations.load(found.paths.crl)
  local delta = revocations.load(found.paths.delta)
  local ours = {}
  for _, list in ipairs { found.crl or false, delta or false } do
    ours[#ours + 1] = list and list:verify(found.cert) and list or nil
  end
  found.delta = delta and delta:verify(found.cert) and delta or nil
  found.last_number = promises.number(ours, found.entries)
  found.lost = promises.lost {
    records = found.records, fates = found.fates, crl = ours[1] == found.crl and found.crl or nil,
    ends = function(serial)
      return found.certs[serial] and found.certs[serial]:not_after()
    end,
  }
end

-- the key itself, unless it is sealed and its password was not given
local function add_key(found)
  local private, err = found.key, nil
  if not private then
    local pem
    pem, err = file.read(found.paths.key) -- its mode is a finding of its own
    if pem then
      private, err = key.parse(pem)
    end
  end
  local states = { password_required = "sealed", file_not_found = "missing" }
  if private then
    found.key_state = private:matches(found.cert) and "good" or "foreign"
  else
    found.key_state, found.key_error = states[err.code] or "unreadable", err
  end
end

--- Reads it all.
---@param parts { paths: lacre.ca.layout, cert: lacre.cert, above: lacre.cert[], key?: lacre.key }
---@return lacre.ca.survey? found
---@return lacre.error? err only where the directory cannot be read at all
function survey.of(parts)
  local text, err = file.read(parts.paths.index)
  if not text and err.code ~= "file_not_found" then
    return nil, err
  end
  local found = { paths = parts.paths, cert = parts.cert, above = parts.above, key = parts.key, text = text or "" }
  found.policy, found.no_index = parts.policy, not text
  add_index(found)
  local listed
  listed, err = add_certificates(found)
  if not listed then
    return nil, err
  end
  add_moved(found)
  add_log(found)
  add_leftovers(found)
  add_lists(found)
  add_key(found)
  return found
end

return survey
