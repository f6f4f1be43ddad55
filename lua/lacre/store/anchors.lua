--- store.anchors: trust anchors as they come into a store: certificates, files, directories, and the places where
--- systems keep theirs.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local every = require "lacre.every"
local file = require "lacre.file"
local lacre_error = require "lacre.error"

local fail = lacre_error.fail
local unpack = table.unpack or unpack -- luacheck: ignore

local anchors = {}

--- What each store was made of, so that it can be put into another.
local sources = setmetatable({}, { __mode = "k" })
anchors.sources = sources

--- An empty store.
---@return lacre.store
function anchors.empty()
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
  return every(certs, function(cert)
    return add_cert(store, cert)
  end)
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
  local _, _, file_variable, directory_variable = core.openssl.trust_places()
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
  local path, directory = core.openssl.trust_places()
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
    return fail("load", "trust_unavailable", "the system's trust store was not found; looked in %s",
      table.concat(tried, ", "))
  end
  return true
end

-- each is `add(store, what)`, and answers true or nil, err
anchors.add_cert, anchors.add_all, anchors.add_hashed = add_cert, add_all, add_hashed
anchors.add_path, anchors.add_system = add_path, add_system

return anchors
