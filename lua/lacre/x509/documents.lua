--- x509.documents: what is in bytes of any kind: certificates, requests, revocation lists, keys, PKCS#12 files,
--- PKCS#7 bundles and OCSP responses, as PEM, mixed, or DER.
--
-- What cannot be read is told as an item of its own, beside what can, so that one broken block hides
-- nothing behind it.

local certificate = require "lacre.cert"
local core = require "lacre.core"
local file = require "lacre.file"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local pem = require "lacre.pem"

local crl = later "lacre.crl"
local csr = later "lacre.csr"
local der = later "lacre.der"
local der_kind = later "lacre.x509.der_kind"
local ocsp = later "lacre.ocsp"
local parameters = later "lacre.x509.parameters"
local pkcs12 = later "lacre.pkcs12"
local pkcs7 = later "lacre.x509.pkcs7"

local annotate, fail = lacre_error.annotate, lacre_error.fail

local documents = {}

---@class lacre.document
---@field kind "cert"|"csr"|"crl"|"key"|"ocsp"|"parameters"|"unknown"
---@field value? any the object
---@field error? lacre.error why there is none
---@field label? string of PEM
---@field path? string
---@field inside? "pkcs12"|"pkcs7" what held it

local function item(kind, value, err)
  return { kind = value and kind or "unknown", value = value or nil, error = not value and err or nil, meant = kind }
end

local function one(kind, noun)
  return function(bytes)
    return { item(kind, noun.parse(bytes)) }
  end
end

local function read_key(bytes, set)
  return { item("key", key.parse(bytes, { password = set.password })) }
end

local function read_pkcs7(bytes)
  local content, err = pkcs7.parse(bytes)
  if not content then
    return { item("pkcs7", nil, err) }
  end
  local list = {}
  for _, row in ipairs { { "cert", certificate.parse, "certs" }, { "crl", crl.parse, "crls" } } do
    for _, encoded in ipairs(content[row[3]] or {}) do
      list[#list + 1] = item(row[1], row[2](encoded))
      list[#list].inside = "pkcs7"
    end
  end
  return list
end

local function read_pkcs12(bytes, set)
  local found, err = pkcs12.parse(bytes, { password = set.password, legacy = set.legacy })
  if not found then
    return { item("pkcs12", nil, err) }
  end
  local list = {}
  list[1] = found.key and item("key", found.key)
  list[#list + 1] = found.cert and item("cert", found.cert)
  for _, cert in ipairs(found.chain) do
    list[#list + 1] = item("cert", cert)
  end
  for _, each in ipairs(list) do
    each.inside, each.name = "pkcs12", found.name
  end
  return list
end

local readers = {
  cert = one("cert", certificate),
  csr = one("csr", csr),
  crl = one("crl", crl),
  key = read_key,
  ocsp = one("ocsp", ocsp),
  pkcs7 = read_pkcs7,
  pkcs12 = read_pkcs12,
}

local function read_der(bytes, set)
  local length = der.length(bytes)
  local kind = length and der_kind.of(bytes:sub(1, length))
  if not kind then
    local _, err = fail("parse", "bad_der", "neither PEM nor a known kind of DER")
    return { item("unknown", nil, err) }
  end
  return readers[kind](bytes, set)
end

-- PEM --

local labels = {
  CERTIFICATE = "cert", ["X509 CERTIFICATE"] = "cert", ["TRUSTED CERTIFICATE"] = "cert",
  ["CERTIFICATE REQUEST"] = "csr", ["NEW CERTIFICATE REQUEST"] = "csr", ["X509 CRL"] = "crl",
  PKCS7 = "pkcs7", CMS = "pkcs7", PKCS12 = "pkcs12", ["OCSP RESPONSE"] = "ocsp",
}

-- keys and certificates are read with their headers and settings
local whole = { key = true, cert = true, csr = true, crl = true }

local function read_block(label, bytes, block, set)
  local kind = labels[label] or (label:find "KEY$" and "key")
  if label:find "PARAMETERS$" then
    return { item("parameters", parameters.parse(label, bytes)) }
  elseif not kind then
    local _, err = fail("parse", "unsupported", "a PEM block '%s'", label)
    return { item("unknown", nil, err) }
  end
  return readers[kind](whole[kind] and block or bytes, set)
end

local function read_pem(text, set)
  local list, from = {}, 1
  while from do
    local behind, label, bytes, _, block = core.pem.next(text, from)
    if behind == false then
      break
    elseif behind == nil then
      list[#list + 1] = item("unknown", nil, label)
      from = bytes -- a block that is broken may be followed by another
    else
      for _, found in ipairs(read_block(label, bytes, block, set)) do
        found.label = label
        list[#list + 1] = found
      end
      from = behind
    end
  end
  return list
end

--- Everything in some bytes. What follows from a password is asked for when it is needed.
---@param bytes string
---@param set? { password?: string|fun(what: string): string, legacy?: boolean }
---@return lacre.document[]? list never empty
---@return lacre.error? err no_certificate, where nothing is there
function documents.parse(bytes, set)
  local list = pem.is(bytes) and read_pem(bytes, set or {})
    or bytes ~= "" and read_der(bytes, set or {}) or {}
  if #list == 0 then
    return fail("parse", "no_certificate", bytes == "" and "it is empty" or "no line in it begins a PEM block")
  end
  return list
end

local function read(path)
  if pem.is(path) then
    return path, nil, "text"
  end
  local bytes, err = file.read(path == "-" and "/dev/stdin" or path)
  return bytes, err, path
end

-- a function is asked for the password of the file by its name
local function asking_of(shown, set)
  local password = set.password
  return type(password) ~= "function" and set or { legacy = set.legacy, password = function()
    return password(shown)
  end }
end

--- The same of a file; "-" is standard input, and PEM text is what it is.
---@param path string
---@param set? table as documents.parse
---@return lacre.document[]? list
---@return lacre.error? err of reading
function documents.load(path, set)
  local list
  local bytes, err, shown = read(path)
  if bytes then
    list, err = documents.parse(bytes, asking_of(shown, set or {}))
  end
  if not list then
    return nil, annotate(err, { path = shown })
  end
  for _, found in ipairs(list) do
    found.path = shown
    if found.error then
      annotate(found.error, { path = shown })
    end
  end
  return list
end

-- a PEM block that this knows is no certificate is no reason to refuse the certificates beside it
local silent = { unsupported = true, password_required = true }

--- The objects of one kind among documents; the first error where there are none, or where one of them
--- is broken.
---@param list lacre.document[]
---@param kind string
---@return any[]? objects
---@return lacre.error? err
function documents.only(list, kind)
  local objects, broken, first = {}, nil, nil
  for _, found in ipairs(list) do
    if found.kind == kind then
      objects[#objects + 1] = found.value
    elseif found.error and (found.meant == kind or not silent[found.error.code]) then
      broken = broken or found.error
    end
    first = first or found.error
  end
  if #objects == 0 or broken then
    local code, what = kind == "key" and "no_key" or "no_certificate", kind == "cert" and "certificate" or kind
    local _, none = fail("parse", code, "no %s found", what)
    return nil, broken or first or annotate(none, { path = list[1] and list[1].path })
  end
  return objects
end

return documents
