--- store.trust: where trust anchors come from. The one place that understands a trust spec.
--
-- `"system"`, a file name, PEM text, a certificate, a store, a CA, or a list of these becomes a store.
-- Directories of hashed links are handed to OpenSSL, which looks into them by name; everything else
-- is read here, and nothing found is an error that says where was looked, never an empty store.

local anchors = require "lacre.store.anchors"
local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local every = require "lacre.every"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local pem = require "lacre.pem"
local time = require "lacre.time"

local fail = lacre_error.fail

local trust = { empty = anchors.empty }

local sources = anchors.sources
local shared = setmetatable({}, { __mode = "k" })
trust.sources = sources

--- Whether a store belongs to the process and must not change.
---@return boolean
function trust.is_shared(store)
  return shared[store] == true
end

--- Whether a value is a store.
---@param value any
---@return boolean
function trust.is(value)
  return type(value) == "userdata" and getmetatable(value) == "lacre.store"
end

-- a spec --

local add

local function add_store(store, other)
  local from = sources[other]
  local done, err = every(from.directories, function(path)
    return anchors.add_hashed(store, path)
  end)
  if not done then
    return nil, err
  end
  return anchors.add_all(store, other:list())
end

local parts_schema = {
  system = { type = "boolean", default = false },
  file = { type = "string" },
  dir = { type = "string" },
  pem = { type = "string" },
  certs = { type = "table", default = {} },
}

local function add_parts(store, spec)
  local set = options.check(parts_schema, spec, "trust")
  local steps = {
    set.system and { anchors.add_system } or false, set.file and { anchors.add_path, set.file } or false,
    set.dir and { anchors.add_path, set.dir } or false, set.pem and { add, set.pem } or false, { add, set.certs },
  }
  return every(steps, function(step)
    if not step then
      return true
    end
    return step[1](store, step[2])
  end)
end

local function add_list(store, list)
  return every(list, function(item)
    return add(store, item)
  end)
end

local function add_text(store, text)
  if text == "system" then
    return anchors.add_system(store)
  elseif pem.is(text) then
    return anchors.add_all(store, certificate.parse_all(text))
  end
  return anchors.add_path(store, text)
end

--- Adds what a spec names to a store.
---@return true?, lacre.error?
function add(store, spec)
  if type(spec) == "string" then
    return add_text(store, spec)
  elseif certificate.is(spec) then
    return anchors.add_cert(store, spec)
  elseif trust.is(spec) then
    return add_store(store, spec)
  elseif type(spec) == "table" and type(spec.cert) == "function" then
    return anchors.add_cert(store, spec:cert()) -- a CA
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
  local _, _, file_variable, directory_variable = core.openssl.trust_places()
  local key = (os.getenv(directory_variable) or "") .. "\n" .. (os.getenv(file_variable) or "")
  if system_key ~= key then
    local store = trust.empty()
    local done, err = anchors.add_system(store)
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
  if type(spec) == "string" and spec:find("\0", 1, true) then
    options.misuse "bad option 'trust' (a file name or PEM, without a NUL byte, expected)"
  end
  local is_path = type(spec) == "string" and spec ~= "system" and not spec:find("\n", 1, true)
  local version = is_path and core.disk.version(spec)
  for _, one in ipairs(version and kept or {}) do
    if one.path == spec and one.version == version then
      return one.store
    end
  end
  local stat = version and file.stat(spec)
  local store, err = trust.store(spec)
  if store and stat and stat.kind == "file" and math.abs(time.now() - stat.changed) > RACY then
    table.insert(kept, 1, { path = spec, version = version, store = store })
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
  elseif trust.is(spec) then
    return spec
  end
  local store = trust.empty()
  local done, err = add(store, spec)
  if not done then
    return nil, err
  elseif sources[store].anchors == 0 and #sources[store].directories == 0 then
    return fail("load", "trust_empty", "no trusted certificate was given")
  end
  return store
end

return trust
