--- key.reading: keys from bytes, files and the providers of URIs, with the passwords they are sealed with.
--
-- OpenSSL never asks for a password: a function is asked here, and only for a key that is locked.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local warning = require "lacre.warning"

local annotate = lacre_error.annotate

local reading = {}

-- what `open` makes of a password, which a function is asked for where one is missed
local function unlocked(open, password, what)
  local found, err = open(type(password) == "string" and password or nil)
  if found or err.code ~= "password_required" or type(password) ~= "function" then
    return found, err
  end
  local given, why = password(what)
  if type(given) ~= "string" then
    return nil, lacre_error.is(why) and why or err
  end
  return open(given)
end

local hints = {
  unsupported = "encrypt it again: openssl pkcs8 -topk8 -provider legacy -provider default -in FILE -out NEW",
  too_large = "have it encrypted again with fewer rounds, where it comes from",
  openssh = "convert a copy of it (RSA or ECDSA) to PKCS#8: ssh-keygen -p -m PKCS8 -f COPY",
}

--- A key of PEM or DER.
---@param bytes string
---@param password? string|fun(what: string): string
---@param what string what the function is asked the password of
---@return lacre.key? key
---@return lacre.error? err
function reading.parse(bytes, password, what)
  local found, err = unlocked(function(given)
    return core.keyfile.parse(bytes, given)
  end, password, what)
  if not found and err.library == "lacre" then
    local is_ssh = err.code == "unsupported_key_type" and bytes:find("-BEGIN OPENSSH PRIVATE KEY-", 1, true)
    annotate(err, { hint = is_ssh and hints.openssh or hints[err.code] })
  end
  return found, err
end

-- a private key that others may read is one they may have; sealed ones ask for a password first
local function warn_of_readers(path, parsed, bytes)
  local is_open = parsed:is_private() and not bytes:find("ENCRYPTED", 1, true)
  local stat = is_open and file.stat(path)
  if stat and stat.kind == "file" and (stat.mode % 64 >= 32 or stat.mode % 8 >= 4) then
    warning.say("%s: this private key can be read by others (mode %04o); run chmod 600", path, stat.mode)
  end
end

--- A key of a file.
---@param path string
---@param password? string|fun(what: string): string
---@return lacre.key? key
---@return lacre.error? err
function reading.load(path, password)
  local bytes, err = file.read(path)
  if not bytes then
    return nil, err
  end
  local parsed
  parsed, err = reading.parse(bytes, password, path)
  if not parsed then
    return nil, annotate(err, { path = path })
  end
  warn_of_readers(path, parsed, bytes)
  return parsed
end

--- Whether a name is that of a key in a token, which no file is called like.
---@param name any
---@return boolean
function reading.is_token(name)
  return type(name) == "string" and name:find "^[Pp][Kk][Cc][Ss]11:" ~= nil
end

--- A text without the PIN that a URI in it may hold (RFC 7512 section 2.4), which nobody is shown.
---@param text string
---@return string
function reading.without_pin(text)
  return (text:gsub("([Pp][Ii][Nn]%-[Vv][Aa][Ll][Uu][Ee]=)[^&;%s]*", "%1***"))
end

local uri_hints = {
  unsupported = "load the provider for such URIs in openssl.cnf (pkcs11-provider for pkcs11:)",
  no_key = "run openssl storeutl URI to list the keys; with a wrong PIN it lists none",
}

--- A key behind a URI of OSSL_STORE.
---@param uri string
---@param password? string|fun(what: string): string
---@return lacre.key? key
---@return lacre.error? err
function reading.open(uri, password)
  local shown = reading.without_pin(uri)
  local found, err = unlocked(function(given)
    return core.keyuri.open(uri, given)
  end, password, shown)
  if not found then
    err.message = reading.without_pin(err.message)
    return nil, annotate(err, { path = shown, hint = not uri:find "^file:" and uri_hints[err.code] or nil })
  end
  return found
end

return reading
