--- x509.shown: the names of certificates in messages. Whoever made a certificate chose what is in it, so what is shown
-- of it is short, and harmless to terminals and logs.

local core = require "lacre.core"
local plain = require "lacre.plain"

local shown = {}

local MOST = 10 -- names, of the thousands that there may be

-- a DNS name that reads like something else says what it is
local function name_of(item)
  local text = plain.printable(item.value)
  if item.type ~= "dns" then
    return text
  elseif core.bytes.address(item.value) then
    return ("'%s' (as a DNS name)"):format(text)
  end
  return item.value:find "[^%w._*-]" and "'" .. text .. "'" or text
end

--- The hosts of a certificate: "a.example, b.example and 12 more"; nil where it names none.
---@param cert lacre.cert
---@return string?
function shown.hosts(cert)
  local names, count = {}, 0
  for _, item in ipairs(cert:subject_alt_names() or {}) do
    if item.type == "dns" or item.type == "ip" then
      count = count + 1
      names[#names + 1] = count <= MOST and name_of(item) or nil
    end
  end
  local more = count > MOST and (" and %d more"):format(count - MOST) or ""
  return count > 0 and table.concat(names, ", ") .. more or nil
end

--- The subject of a certificate, or its hosts where that is empty; nil where it has neither.
---@param cert lacre.cert
---@return string?
function shown.subject(cert)
  local text = tostring(cert:subject())
  return text ~= "" and text or shown.hosts(cert)
end

return shown
