--- trust: where trust anchors come from. The one place that understands a trust spec.
--
-- `"system"`, a file name, PEM text, a certificate, a store, a CA, or a list of these becomes a store.
-- Directories of hashed links are handed to OpenSSL, which looks into them by name; everything else
-- is read here, and nothing found is an error that says where was looked, never an empty store.

local certificate = require "lacre.certificate"
local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local time = require "lacre.time"

local fail = lacre_error.fail
local unpack = table.unpack or unpack -- luacheck: ignore

local trust = {}

-- what each store was made of, so that it can be put into another
local sources = setmetatable({}, { __mode = "k" })
local shared = setmetatable({}, { __mode = "k" })
trust.sources = sources

--- Whether a store belongs to the process and must not change.
---@return boolean
function trust.is_shared(store)
  return shared[store] == true
end

local function is_store(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.store"
end

--- An empty store.
---@return lacre.store
function trust.empty()
  local store = core.store.new()
  sources[store] = { directories = {}, anchors = 0 }
  return store
end

local function add_cert(store, cert)
  local done, err = store:add_cert(cert)
  if done then
    sources[store].anchors = sources[store].anchors + 1
  end
  return done, err
end

local function add_certs(store, certs)
  for _, cert in ipairs(certs) do
    local done, err = add_cert(store, cert)
    if not done then
      return nil, err
    end
  end
  return true
end

local function add_all(store, certs, err)
  if not certs then
    return nil, err
  end
  return add_certs(store, certs)
end

-- directories --

local function is_hashed(names)
  for _, name in ipairs(names) do
    if name:match "^%x%x%x%x%x%x%x%x%.%d+$" then
      return true
    end
  end
  return false
end

-- OpenSSL looks for a name's hash when a chain needs it: nothing is read now
local function add_hashed(store, path)
  local done, err = store:add_directory(path)
  if done then
    local from = sources[store]
    from.directories[#from.directories + 1] = path
  end
  return done, err
end

local function add_directory(store, path)
  local names, err = core.disk.list(path)
  if not names then
    return nil, err
  elseif is_hashed(names) then
    return add_hashed(store, path)
  end
  local found = false
  for _, name in ipairs(names) do
    local certs = name:match "%.[cp][re][rtm]t?$" and certificate.load_all(file.join(path, name))
    if certs then
      found = add_certs(store, certs) or found
    end
  end
  if not found then
    return fail("load", "no_certificate", "no certificate in %s", path)
  end
  return true
end

local function add_path(store, path)
  local stat, err = file.stat(path)
  if not stat then
    return nil, err
  elseif stat.kind == "directory" then
    return add_directory(store, path)
  end
  return add_all(store, certificate.load_all(path))
end

-- the system's --

local directories = {
  "/etc/ssl/certs", -- Debian, Alpine, Arch, openSUSE
  "/etc/pki/ca-trust/extracted/pem/directory-hash", -- Fedora, RHEL 9
  "/etc/openssl/certs", -- NetBSD
  "/usr/local/etc/ssl/certs", -- FreeBSD ports
}

local files = {
  "/etc/ssl/certs/ca-certificates.crt", -- Debian, Arch, Gentoo
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", -- Fedora, RHEL
  "/etc/pki/tls/certs/ca-bundle.crt", -- older RHEL
  "/etc/ssl/ca-bundle.pem", -- openSUSE
  "/etc/ssl/cert.pem", -- Alpine, OpenBSD, FreeBSD, macOS
  "/usr/local/share/certs/ca-root-nss.crt", -- FreeBSD
  "/opt/homebrew/etc/openssl@3/cert.pem", -- Homebrew
  "/usr/local/etc/openssl@3/cert.pem",
  "/data/data/com.termux/files/usr/etc/tls/cert.pem", -- Termux
}

local function has_hashed(path)
  local names = core.disk.list(path)
  return names ~= nil and is_hashed(names)
end

-- the environment decides alone where it speaks, as in OpenSSL
local function add_from_environment(store)
  local _, _, directory_variable, file_variable = core.store.defaults()
  local path, directory = os.getenv(file_variable), os.getenv(directory_variable)
  if not path and not directory then
    return nil
  end
  local tried, found = {}, false
  for _, place in ipairs { path or false, directory or false } do
    if place then
      tried[#tried + 1] = place
      found = add_path(store, place) or found
    end
  end
  return found, tried
end

local function add_known_places(store)
  local directory, path = core.store.defaults()
  local tried = {}
  for _, place in ipairs { directory, unpack(directories) } do
    tried[#tried + 1] = place
    if has_hashed(place) and add_hashed(store, place) then
      return true
    end
  end
  for _, place in ipairs { path, unpack(files) } do
    tried[#tried + 1] = place
    if add_path(store, place) then
      return true
    end
  end
  return false, tried
end

local function add_system(store)
  local found, tried = add_from_environment(store)
  if found == nil then
    found, tried = add_known_places(store)
  end
  if not found then
    return fail("load", "trust_unavailable", "no trust store of the system found; looked in %s",
      table.concat(tried, ", "))
  end
  return true
end

-- a spec --

local add

local function add_store(store, other)
  local from = sources[other]
  for _, path in ipairs(from.directories) do
    local done, err = add_hashed(store, path)
    if not done then
      return nil, err
    end
  end
  return add_all(store, other:list())
end

local parts_schema = {
  system = { type = "boolean", default = false },
  file = { type = "string" },
  dir = { type = "string" },
  pem = { type = "string" },
  certs = { type = "table", default = {} },
}

local function add_parts(store, spec)
  local set = options.check(parts_schema, spec, "trust", 0)
  local steps = {
    set.system and { add_system } or false, set.file and { add_path, set.file } or false,
    set.dir and { add_path, set.dir } or false, set.pem and { add, set.pem } or false, { add, set.certs },
  }
  for _, step in ipairs(steps) do
    if step then
      local done, err = step[1](store, step[2])
      if not done then
        return nil, err
      end
    end
  end
  return true
end

local function add_list(store, list)
  for _, item in ipairs(list) do
    local done, err = add(store, item)
    if not done then
      return nil, err
    end
  end
  return true
end

local function add_text(store, text)
  if text == "system" then
    return add_system(store)
  elseif text:find("-----BEGIN ", 1, true) then
    return add_all(store, certificate.parse_all(text))
  end
  return add_path(store, text)
end

--- Adds what a spec names to a store.
---@return true?, lacre.error?
function add(store, spec)
  if type(spec) == "string" then
    return add_text(store, spec)
  elseif certificate.is(spec) then
    return add_cert(store, spec)
  elseif is_store(spec) then
    return add_store(store, spec)
  elseif type(spec) == "table" and type(spec.cert) == "function" then
    return add_cert(store, spec:cert()) -- a CA
  elseif type(spec) == "table" and (#spec > 0 or next(spec) == nil) then
    return add_list(store, spec)
  elseif type(spec) == "table" then
    return add_parts(store, spec)
  end
  options.misuse("bad option 'trust' (file, PEM, certificate, store or list expected, got %s)", type(spec))
end
trust.add = add

local system_key, system_store

--- The system's store, made once a process for each setting of the environment.
---@return lacre.store? store
---@return lacre.error? err trust_unavailable
function trust.system()
  local _, _, directory_variable, file_variable = core.store.defaults()
  local key = (os.getenv(directory_variable) or "") .. "\n" .. (os.getenv(file_variable) or "")
  if system_key ~= key then
    local store = trust.empty()
    local done, err = add_system(store)
    if not done then
      return nil, err
    end
    system_key, system_store, shared[store] = key, store, true
  end
  return system_store
end

-- what contexts trust: never changed, so that one store serves all that trust the same file
local kept, most_kept = {}, 8

local RACY = 2 -- seconds in which a file could change again and look the same

--- The store of a spec for a context, which shares it: a file is not read again while it is the same.
---@param spec any
---@return lacre.store? store
---@return lacre.error? err as `trust.store`
function trust.kept(spec)
  local stat = type(spec) == "string" and spec ~= "system" and not spec:find("\n", 1, true) and file.stat(spec)
  if not stat or stat.kind ~= "file" then
    return trust.store(spec)
  end
  local key = spec .. "\n" .. stat.version
  for _, one in ipairs(kept) do
    if one.key == key then
      return one.store
    end
  end
  local store, err = trust.store(spec)
  if store and math.abs(time.now() - stat.changed) > RACY then
    table.insert(kept, 1, { key = key, store = store })
    kept[most_kept + 1] = nil
  end
  return store, err
end

--- The store of a spec. Nothing in it is an error: nothing could ever be verified.
---@param spec any
---@return lacre.store? store
---@return lacre.error? err trust_empty trust_unavailable file_not_found no_certificate ...
function trust.store(spec)
  if spec == "system" then
    return trust.system()
  elseif is_store(spec) then
    return spec
  end
  local store = trust.empty()
  local done, err = add(store, spec)
  if not done then
    return nil, err
  elseif sources[store].anchors == 0 and #sources[store].directories == 0 then
    return fail("load", "trust_empty", "no trust anchor was given")
  end
  return store
end

return trust
