--- csr.parts: what a request is made of, RFC 2986 section 4, read from its encoding in one walk.

local core = require "lacre.core"
local der = require "lacre.der"
local extension = require "lacre.x509.extension"
local fail = require("lacre.error").fail
local sign = require "lacre.x509.sign"

local parts = {}

local attribute = der.sequence { { "oid", der.oid }, { "values", der.set_of(der.any) } }

local info_type = der.sequence {
  { "version", der.integer },
  { "subject", der.any },
  { "spki", der.any },
  { "attributes", der.implicit(0, der.set_of(attribute)), optional = true },
}

local function malformed(why)
  return fail("parse", "bad_der", "not a certificate request: %s", why)
end

local asks = { ["1.2.840.113549.1.9.14"] = true, ["1.3.6.1.4.1.311.2.1.14"] = true } -- RFC 2985, and Microsoft's

-- the extensions that attributes ask for
local function wishes_of(attributes)
  local list = {}
  for _, one in ipairs(attributes) do
    for _, value in ipairs(asks[one.oid] and one.values or {}) do
      local some, err = der.decode(extension.list, value)
      if not some then
        return malformed(err.message)
      end
      for _, wish in ipairs(some) do
        list[#list + 1] = wish
      end
    end
  end
  return list
end

--- The parts: `version`, `subject`, `spki` and `attributes`; `wishes`, the extensions among them; and
--- `signed`, which is the `tbs`, the `algorithm` and the `signature`.
---@param bytes string DER
---@return table? parts
---@return lacre.error? err bad_der
function parts.read(bytes)
  local signed, err = der.decode(sign.type, bytes)
  local info
  if signed then
    info, err = der.decode(info_type, signed.tbs)
  end
  if not info then
    return malformed(err.message)
  elseif not core.name.attributes(info.subject) then
    return malformed "its subject is malformed"
  end
  info.signed = signed
  info.wishes, err = wishes_of(info.attributes or {})
  if not info.wishes then
    return nil, err
  end
  return info
end

return parts
