--- tls.old_suites: cipher suites nobody should offer any more, by number, and what is wrong with them. Data only.
--
-- RFC 7465 (RC4), RFC 8996 (TLS 1.0 and 1.1), RFC 9325 section 4.1 (NULL, export, anonymous, 64-bit blocks).

local broken = {
  { 0x0001, "TLS_RSA_WITH_NULL_MD5", "NULL" },
  { 0x0002, "TLS_RSA_WITH_NULL_SHA", "NULL" },
  { 0x003b, "TLS_RSA_WITH_NULL_SHA256", "NULL" },
  { 0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", "EXPORT" },
  { 0x0006, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", "EXPORT" },
  { 0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "EXPORT" },
  { 0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", "EXPORT" },
  { 0x0018, "TLS_DH_anon_WITH_RC4_128_MD5", "ANON" },
  { 0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", "ANON" },
  { 0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA", "ANON" },
  { 0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "ANON" },
  { 0x0004, "TLS_RSA_WITH_RC4_128_MD5", "RC4" },
  { 0x0005, "TLS_RSA_WITH_RC4_128_SHA", "RC4" },
  { 0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "RC4" },
  { 0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", "RC4" },
  { 0x0007, "TLS_RSA_WITH_IDEA_CBC_SHA", "IDEA" },
  { 0x0009, "TLS_RSA_WITH_DES_CBC_SHA", "DES" },
  { 0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA", "DES" },
  { 0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "3DES" },
  { 0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "3DES" },
  { 0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", "3DES" },
  { 0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "3DES" },
}

local old_suites = {
  by_number = {}, --- number -> { name =, weakness = }
  numbers = {}, --- the broken ones
  ordinary = { -- what TLS 1.0 to 1.2 servers that are merely old speak
    0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0x003c, 0x009c, 0x009d, 0xc02b, 0xc02c, 0xc02f,
    0xc030,
  },
}

for i, row in ipairs(broken) do
  old_suites.numbers[i] = row[1]
  old_suites.by_number[row[1]] = { name = row[2], weakness = row[3] }
end

local function weakness(name)
  local cipher = name:match "_WITH_(.*)$" or ""
  if name:find "EXPORT" then
    return "EXPORT"
  elseif name:find "_anon_" then
    return "ANON"
  elseif name:find "^TLS_SHA%d+_SHA%d+$" then -- of TLS 1.3 (RFC 9150)
    return "NULL"
  end
  for _, word in ipairs { "NULL", "RC4", "3DES", "IDEA" } do
    if cipher:find("^" .. word) then
      return word
    end
  end
  return cipher:find "^DES_" and "DES" or nil
end

local known = {} -- name -> its weakness, or false; there are few

--- What is wrong with a suite by its IANA name: "NULL" "EXPORT" "ANON" "RC4" "DES" "IDEA" "3DES", or nil.
---@param name string
---@return string?
function old_suites.weakness_of(name)
  if known[name] == nil then
    known[name] = weakness(name) or false
  end
  return known[name] or nil
end

return old_suites
