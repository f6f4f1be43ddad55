--- x509.der_kind: what bytes of DER are, by their first elements.

local der = require "lacre.der"

local der_kind = {}

local tags = der.sequence_of({ read = function(bytes, pos, stop)
  local raw, behind = der.any.read(bytes, pos, stop)
  return { tag = raw:byte(), raw = raw }, behind
end })

local INTEGER, BITS, OCTETS, OID, ENUMERATED, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x0a, 0x30

local function first_of(element)
  local inner = der.decode(tags, element.raw)
  return inner and inner[1]
end

-- certificate, request and list have one shape: what is signed tells them apart
local function signed_kind(tbs)
  local inner = der.decode(tags, tbs.raw) or {}
  if #inner >= 6 and (inner[1].tag == 0xa0 or inner[5].tag == SEQUENCE) and inner[1].tag ~= SEQUENCE then
    local is_list = inner[1].tag == INTEGER and inner[4] and (inner[4].tag == 0x17 or inner[4].tag == 0x18)
    return is_list and "crl" or "cert"
  elseif inner[1] and inner[1].tag == INTEGER and #inner <= 4 and inner[4] and inner[4].tag == 0xa0 then
    return "csr"
  end
  return inner[1] and inner[1].tag == INTEGER and #inner == 3 and "csr" or "crl"
end

--- What an encoding is.
---@param bytes string
---@return "cert"|"csr"|"crl"|"key"|"ocsp"|"pkcs7"|"pkcs12"|nil
function der_kind.of(bytes)
  local list = der.decode(tags, bytes)
  local a, b = list and list[1], list and list[2]
  if not a or not b then
    return a and a.tag == ENUMERATED and "ocsp" or nil
  elseif a.tag == ENUMERATED then
    return "ocsp"
  elseif a.tag == OID then
    return "pkcs7"
  elseif a.tag == INTEGER then
    local inside = b.tag == SEQUENCE and first_of(b)
    return a.raw == "\2\1\3" and inside and inside.tag == OID and inside.raw:find("\42\134\72\134\247\13\1\7", 1, true)
      and "pkcs12" or "key"
  elseif a.tag == SEQUENCE and (b.tag == BITS or b.tag == OCTETS) then
    return "key"
  end
  return a.tag == SEQUENCE and #list == 3 and signed_kind(a) or nil
end

return der_kind
