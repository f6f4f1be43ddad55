--- ca.layout: where the files of a CA are: ours, those of `openssl ca`, of easy-rsa and of the usual guides.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local file = require "lacre.file"

local layout = {}

---@class lacre.ca.layout
---@field kind string lacre openssl easy-rsa
---@field directory string
---@field cert string
---@field key string
---@field chain string
---@field certs string the directory of what was issued
---@field index string
---@field crl string
---@field delta string
---@field ocsp_cert string
---@field ocsp_key string
---@field serial string
---@field crlnumber string
---@field log string
---@field lock string
---@field policy string

local common = {
  index = "index.txt", attributes = "index.txt.attr", serial = "serial", crlnumber = "crlnumber",
  log = "log.jsonl", lock = "lock", policy = "policy.lua", chain = "chain.pem", request = "ca.csr",
  delta = "delta.crl", ocsp_cert = "ocsp.crt", ocsp_key = "ocsp.key",
  compromised = "compromised.txt",
}

-- the first whose certificate, index and directory are there
local kinds = {
  { kind = "lacre", cert = "ca.crt", key = "ca.key", certs = "newcerts", crl = "ca.crl" },
  { kind = "easy-rsa", cert = "ca.crt", key = "private/ca.key", certs = "certs_by_serial", crl = "crl.pem" },
  {
    kind = "easy-rsa", base = "pki", cert = "ca.crt", key = "private/ca.key", certs = "certs_by_serial",
    crl = "crl.pem",
  },
  { kind = "openssl", cert = "cacert.pem", key = "private/cakey.pem", certs = "newcerts", crl = "crl.pem" },
  {
    kind = "openssl", cert = "certs/ca.cert.pem", key = "private/ca.key.pem", certs = "newcerts",
    crl = "crl/ca.crl.pem",
  },
  {
    kind = "openssl", cert = "certs/intermediate.cert.pem", key = "private/intermediate.key.pem",
    certs = "newcerts", crl = "crl/intermediate.crl.pem", chain = "certs/ca-chain.cert.pem",
  },
}

-- of easy-rsa: by serial what it revoked or, until 3.0.9, renewed; by name what it renewed since
local moved = { "revoked/certs_by_serial", "renewed/certs_by_serial", "renewed/issued" }

local function paths_of(directory, row)
  local base = row.base and file.join(directory, row.base) or directory
  local paths = { kind = row.kind, directory = base }
  for _, names in ipairs { common, row } do
    for what, name in pairs(names) do
      if what ~= "kind" and what ~= "base" then
        paths[what] = file.join(base, name)
      end
    end
  end
  return paths
end

--- The paths of a new store, ours.
---@param directory string
---@return lacre.ca.layout
function layout.new(directory)
  return paths_of(directory, kinds[1])
end

-- one name for a file that may not be there yet: its directory without links, and its own name
local function real(path)
  local directory = core.disk.real(file.directory(path)) or file.directory(path)
  return directory .. "/" .. path:match "[^/]*$"
end

-- not even --overwrite replaces it
local function taken(path, what)
  local none, err = fail("save", "file_exists", "%s is %s", path, what)
  err.hint = "choose another name"
  return none, err
end

--- Refuses a path where a file of the store is: what is put out never replaces what the CA lives from.
---@param paths lacre.ca.layout
---@param path string where something is about to be written
---@return true? free
---@return lacre.error? err file_exists
function layout.spare(paths, path)
  local wanted = real(path)
  for what, own in pairs(paths) do
    if what ~= "kind" and what ~= "directory" and real(own) == wanted then
      return taken(path, "one of the CA's own files")
    end
  end
  if paths.certs and real(paths.certs .. "/x"):sub(1, -3) == wanted:match "^(.*)/" then
    return taken(path, "in the CA's certificate directory")
  end
  return true
end

-- what a store cannot be without
local parts = { "cert", "index", "certs" }

-- the first layout that is there whole, or lacks one of them alone, and which
local function nearest(directory)
  local near, lacking
  for _, row in ipairs(kinds) do
    local paths, missing = paths_of(directory, row), {}
    for _, what in ipairs(parts) do
      missing[#missing + 1] = not file.stat(paths[what]) and what or nil
    end
    if #missing == 0 then
      return paths
    elseif #missing == 1 and not near then
      near, lacking = paths, missing[1]
    end
  end
  return near, lacking
end

-- why there is no store, or none that can be worked with
local function nothing_there(directory)
  local ours = layout.new(directory)
  local stat, err = file.stat(ours.index)
  if not stat and err.code == "permission_denied" then
    return nil, err
  end
  if file.stat(ours.request) and file.stat(ours.key) then
    local none, waiting = fail("load", "ca_not_found", "%s is waiting for the certificate of its request", directory)
    waiting.hint = ("have its request signed, then: lacre ca intermediate %s --cert FILE"):format(directory)
    return none, waiting
  end
  return fail("load", "ca_not_found", "%s does not contain a CA: no ca.crt and no index.txt", directory)
end

--- The paths of a store that is there.
---@param directory string
---@param mending? boolean the index may be missing: it can be written anew
---@return lacre.ca.layout? paths
---@return lacre.error? err ca_not_found index_corrupt
function layout.find(directory, mending)
  local paths, missing = nearest(directory)
  if not paths then
    return nothing_there(directory)
  elseif not missing or missing == "index" and mending then
    return paths
  end
  local code = missing == "index" and "index_corrupt" or "ca_not_found"
  local none, err = fail("load", code, "%s is missing", paths[missing])
  err.hint = missing == "index" and ("rebuild it from the certificates and the log: lacre ca check %s --repair"):format(
    directory) or "restore it from a backup; the rest of the CA is there"
  return none, err
end

--- Where the certificate of a serial may be, the likeliest first.
---@param paths lacre.ca.layout
---@param serial string
---@param named? string as index.txt names it
---@return string[]
function layout.certificates(paths, serial, named)
  local list = { file.join(paths.certs, serial:upper() .. ".pem") }
  if named and named ~= "unknown" and named ~= "" then
    list[#list + 1] = named:sub(1, 1) == "/" and named or file.join(paths.directory, named)
  end
  list[#list + 1] = file.join(paths.certs, serial .. ".pem")
  for _, directory in ipairs(layout.aside(paths)) do
    list[#list + 1] = file.join(directory, serial:upper() .. ".crt")
  end
  return list
end

--- Where easy-rsa moves certificates that it revokes or renews.
---@param paths lacre.ca.layout
---@return string[] directories
function layout.aside(paths)
  local list = {}
  for i, name in ipairs(paths.kind == "easy-rsa" and moved or {}) do
    list[i] = file.join(paths.directory, name)
  end
  return list
end

return layout
