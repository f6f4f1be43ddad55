--- ca.keys_lost: the pins of keys that others have, in compromised.txt: no such key is certified again, and
--- no certificate is loaded for it.
--
-- A line is a serial and the pin of its key. What is there stays there, whoever takes a line out of
-- index.txt; and the file is made anew from the index, the log and the last list where it is missing.

local books = require "lacre.ca.books"
local certificate = require "lacre.cert.read"
local file = require "lacre.file"
local index = require "lacre.ca.index"
local layout = require "lacre.ca.layout"
local log = require "lacre.ca.log"
local promises = require "lacre.ca.promises"
local record = require "lacre.ca.record"
local revocations = require "lacre.crl.read"

local methods = books.methods

-- how the revocation of such a key ends in the index, and the serial behind it
local written = { { "Compromise\t", "^(%x+)\t" }, { "eyTime,", "^[^\t\n]*\t(%x+)\t" } }

-- what the index calls compromised and was not noted; lines are only read of those
local function in_index(text, noted, serials)
  for _, row in ipairs(written) do
    local from, last = 1
    repeat
      from, last = text:find(row[1], from, true)
      local serial = from and text:match(row[2], last + 1)
      if serial and not noted[serial] then
        local one = index.find(text, serial:lower())
        serials[serial:lower()] = one and record.is_compromised(one) and one or nil
      end
      from = last
    until not from
  end
end

-- what the log and the last list of this CA call so
local function as_said(self, serials)
  local list = revocations.load(self.paths.crl)
  list = list and self.own and list:verify(self.own) and list
  for serial, one in pairs(promises.compromised(promises.logged(self.log_text or ""), list)) do
    serials[serial] = serials[serial] or one
  end
end

-- the pin of a serial's key: from its certificate, or as the log told when it was issued
local function pin_of(self, one)
  for _, path in ipairs(layout.certificates(self.paths, one.serial, one.file)) do
    local cert = certificate.load(path)
    if cert then
      return cert:pin()
    end
  end
  self.log_text = self.log_text or file.read(self.paths.log) or ""
  return log.pin_of(self.log_text, one.serial)
end

-- serials and pins that are known by now; what is new among them is kept
local function known(self)
  local old, noted, serials, lines = file.read(self.paths.compromised), {}, {}, {}
  for serial in (old or ""):gmatch "(%x+) sha256//[^\n]*\n" do
    noted[serial:upper()] = true
  end
  in_index(self:text() or "", noted, serials)
  if not old then
    self.log_text = file.read(self.paths.log)
    as_said(self, serials)
  end
  for serial, one in pairs(serials) do
    local pin = pin_of(self, one)
    lines[#lines + 1] = pin and serial .. " " .. pin .. "\n" or nil
  end
  self.log_text = nil
  local text = (old or "") .. table.concat(lines)
  if #lines > 0 or not old then
    file.write(self.paths.compromised, text, { overwrite = true })
  end
  return text
end

--- The serial of a certificate that was revoked because others have its key.
---@param pin string of the key
---@return string? serial
function methods:compromised(pin)
  local text = known(self)
  local at = text:find(" " .. pin .. "\n", 1, true)
  return at and text:sub(1, at - 1):match "%x+$"
end

return methods
