--- x509.filing: how the files of an identity are named, and how they are written: all of them or none, keys for
--- their owner alone, nothing old replaced unless that was said.

local file = require "lacre.file"
local host = require "lacre.host"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local reading = require "lacre.key.reading"

local fail = lacre_error.fail
local pkcs12 = later "lacre.pkcs12"

local filing = {}

--- The first name, as a file may be called: `*.x` becomes `_wildcard.x`.
---@param name string
---@return string
function filing.base_name(name)
  local parsed = host.parse(name)
  name = parsed and parsed.type == "dns" and parsed.value or name
  local base = name:gsub("^%*", "_wildcard"):gsub("[^%w._@-]", "_"):gsub("^%.+", "_")
  return base == "" and "unnamed" or base
end

--- The key that an option names: a kind of key ("p256") is made, a file is read, a token (pkcs11:) is opened.
---@param value string|lacre.key
---@param password? string|function of a file that is sealed
---@return lacre.key? key
---@return lacre.error|string? err_or_path the error, or the file it was read from
function filing.key(value, password)
  if type(value) ~= "string" then
    return value
  end
  local stat = not reading.is_token(value) and file.stat(value)
  -- a directory for keys may be called "rsa"
  if stat == nil or (stat and stat.kind == "directory" and not value:find "/") then
    return key.generate(value)
  end
  local private, err = key.load(value, { password = password })
  if private and not private:is_private() then
    return fail("load", "no_key", "%s contains a public key, but a private key is needed", value)
  end
  return private, err or reading.without_pin(value)
end

--- A password that is text or a function; false where there is none.
---@param password string|function|nil
---@param what string whose password it is
---@param encrypts? boolean there has to be one
---@return string|false|nil
---@return lacre.error? err password_required, and what the function says
function filing.password(password, what, encrypts)
  if encrypts and password == nil then
    return fail("config", "password_required", "encrypt needs a password")
  elseif type(password) ~= "function" then
    return password or false
  end
  local text, err = password(what)
  if type(text) == "string" and text ~= "" then
    return text
  end
  return nil, err or select(2, fail("load", "password_required", "no password for %s", what))
end

local function bundle_of(identity, password)
  if not password then
    local none, err = fail("config", "password_required", "a PKCS#12 file needs a password")
    err.hint = "use --encrypt to be asked for one, or --password-file or --password-env"
    return none, err
  end
  return pkcs12.create {
    cert = identity.cert, key = identity.key, chain = identity.chain, password = password,
    name = identity.cert:hosts()[1] or tostring(identity.cert:subject()),
  }
end

-- { which field gets the path, suffix, mode, what makes the bytes }
local function rows_of(identity, set, password)
  return {
    identity.key_file == nil and { "key_file", ".key", "0600", function()
      return identity.key:to_pem { password = password or nil }
    end } or false,
    identity.cert and { "cert_file", ".crt", "0644", function()
      return identity.cert:to_pem()
    end } or false,
    identity.csr and { "csr_file", ".csr", "0644", function()
      return identity.csr:to_pem()
    end } or false,
    set.p12 and { "p12_file", ".p12", "0600", function()
      return bundle_of(identity, password)
    end } or false,
  }
end

-- into `set.out`; `key_file`, `cert_file`, `csr_file` and `p12_file` are filled in, and a key that has a file already
-- is not written again
local function write(identity, set, name)
  local base = file.join(set.out, filing.base_name(name))
  local password, err = filing.password(set.password, base .. ".key")
  if password == nil then
    return nil, err
  end
  local plan = {}
  for _, row in ipairs(rows_of(identity, set, password)) do
    if row then
      local bytes
      bytes, err = row[4]()
      if not bytes then
        return nil, err
      end
      identity[row[1]] = base .. row[2]
      plan[#plan + 1] = { path = base .. row[2], bytes = bytes, mode = row[3] }
    end
  end
  local done
  done, err = file.write_together(plan, { overwrite = set.overwrite })
  identity.is_sealed = password ~= false
  return done and identity or nil, err
end

--- What `make` makes of some options, with its files in the directory that `out` names; with none nothing is written.
---@param set { hosts: string[], out?: string, overwrite?: boolean, encrypt?: boolean, password?: string|function,
---  p12?: boolean }
---@param make fun(set: table): table?, lacre.error? an identity
---@return table? identity
---@return lacre.error? err those of `make`; file_exists permission_denied password_required ...
function filing.made(set, make)
  if set.encrypt and not set.password then
    return fail("config", "password_required", "encrypt needs a password")
  end
  local identity, err = make(set)
  if not identity or not set.out then
    return identity or nil, err
  end
  return write(identity, set, set.hosts[1])
end

return filing
