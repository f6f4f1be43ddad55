--- tls.identity: a certificate with its key and chain, from whatever form it comes in.
--
-- Where an option takes a certificate or key it takes an object, PEM text, or the name of a file,
-- told apart by what they are: an object, text with "-----BEGIN ", any other text.

local cert = require "lacre.cert"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local pem = require "lacre.pem"
local several = require "lacre.x509.several"

local fail = lacre_error.fail

local identity = {}

--- The certificates of an object, a list, PEM text or a file.
---@param value any
---@return lacre.cert[]? certs
---@return lacre.error? err no_certificate, bad_pem, file_not_found ...
function identity.certs(value)
  return several.of(value, cert, "certificate", "cert")
end

--- The private key of an object, PEM text or a file.
---@param value any
---@param password? string|fun(what: string): string
---@return lacre.key? key
---@return lacre.error? err no_key, password_required, bad_password, file_not_found ...
function identity.key(value, password)
  if type(value) ~= "string" then
    if not key.is(value) then
      options.misuse("bad option 'key' (key, PEM or file expected, got %s)", type(value))
    end
    return value
  end
  local read = pem.is(value) and key.parse or key.load
  return read(value, { password = password })
end

local function chain_of(given, certs)
  if not given.chain then
    table.remove(certs, 1)
    return certs
  end
  return identity.certs(given.chain)
end

local absent = { cert = { "no_certificate", "certificate" }, key = { "no_key", "key" } }

local function incomplete(option)
  local code, what = absent[option][1], absent[option][2]
  local _, err = fail("config", code, "the identity has no %s", what)
  err.hint = ("a certificate and its key are needed together: give %s too"):format(option)
  return nil, err
end

--- One identity, complete: the first certificate is the leaf, the others its chain, and the key is
--- its own.
---@param given { cert: any, key: any, chain?: any, password?: any }
---@return { cert: lacre.cert, key: lacre.key, chain: lacre.cert[] }?
---@return lacre.error? err no_certificate, no_key, key_mismatch ...
function identity.load(given)
  if type(given) ~= "table" then
    options.misuse("bad option 'identity' (table with cert and key expected, got %s)", type(given))
  elseif given.cert == nil or given.key == nil then
    return incomplete(given.cert == nil and "cert" or "key")
  end
  local certs, err = identity.certs(given.cert)
  local private, chain
  if certs then
    private, err = identity.key(given.key, given.password)
  end
  local leaf = certs and certs[1]
  if private then
    chain, err = chain_of(given, certs)
  end
  if not chain then
    return nil, err
  elseif not private:is_private() then
    return fail("config", "no_key", "a private key is needed, but this key is public")
  elseif not private:matches(leaf) then
    return fail("config", "key_mismatch", "the key does not belong to the certificate %s", tostring(leaf:subject()))
  end
  return { cert = leaf, key = private, chain = chain }
end

local function identities(set)
  local given = set.identity
  if set.cert ~= nil or set.key ~= nil then
    if given then
      options.misuse("contradictory options to '%s' (identity, and cert or key)", set.role)
    end
    given = { cert = set.cert, key = set.key, password = set.password }
  end
  if given == nil then
    return {}
  end
  return (given.cert ~= nil or given.key ~= nil) and { given } or given
end

-- the first identity is the default, and with it those of its names that have another kind of key
local function is_default(list, i)
  local one, first = list[i], list[1]
  for j = 1, i - 1 do
    if list[j].key:type() == one.key:type() then
      return false
    end
  end
  local name = first.cert:hosts()[1]
  return i == 1 or (name ~= nil and one.cert:matches_host(name) == true)
end

local function use_identities(set, ctx, list)
  for i, one in ipairs(list) do
    local default = is_default(list, i)
    if default then
      local done, err = ctx:identity(one.cert, one.key, one.chain)
      if not done then
        return nil, err
      end
    end
    if set.role == "server" then
      ctx:named(one.cert, one.key, one.chain, default)
    end
  end
  return true
end

--- Gives a context its identities.
---@param set table checked options of a context; `identities` is filled in
---@param ctx any core context
---@return true?
---@return lacre.error?
function identity.apply(set, ctx)
  local list = identities(set)
  if set.role == "server" and #list == 0 then
    options.misuse("missing option 'identity' (or 'cert' and 'key') to 'server'")
  end
  local loaded = {}
  for i, given in ipairs(list) do
    local one, err = identity.load(given)
    if not one then
      return nil, err
    end
    loaded[i] = one
  end
  set.identities = loaded
  return use_identities(set, ctx, loaded)
end

return identity
