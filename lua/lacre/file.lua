--- file: reading files, and writing them so that nothing is lost.
--
-- A file is written under a temporary name in its own directory, synced, and only then given its
-- name; an old one is never replaced unless that was said, and never half. Private keys go through
-- here with mode 0600 from the first moment.

local core = require "lacre.core"
local time = require "lacre.time"
local lacre_error = require "lacre.error"
local options = require "lacre.options"

local disk = core.disk
local fail = lacre_error.fail

local file = {}

--- Files larger than this are refused: no certificate, key or list of hosts is.
file.LIMIT = 64 * 1024 * 1024

local function with_path(path, result, err)
  if not result then
    return nil, lacre_error.annotate(err, { path = path })
  end
  return result
end

--- The whole content of a file.
---@param path string
---@return string? bytes
---@return lacre.error? err file_not_found, permission_denied, is_directory, io_error
function file.read(path)
  local pieces, err = with_path(path, disk.read(path, file.LIMIT))
  return pieces and table.concat(pieces), err
end

--- What a path is: `{ kind = "file"|"directory"|"other", mode =, size =, modified = }`.
---@param path string
---@return table? stat
---@return lacre.error? err file_not_found, permission_denied
function file.stat(path)
  return with_path(path, disk.stat(path))
end

--- The directory part of a path, "." where there is none.
---@param path string
---@return string
function file.directory(path)
  local directory = path:match "^(.*)/[^/]*$"
  return directory == "" and "/" or directory or "."
end

--- A path below a directory.
---@param directory string
---@param name string
---@return string
function file.join(directory, name)
  if directory == "." or directory == "" then
    return name
  end
  return directory:gsub("/*$", "") .. "/" .. name
end

local attempts = 0

local function temporary_name(path)
  attempts = attempts + 1
  return ("%s.%x%x.tmp"):format(path, math.floor(time.monotonic() * 1e6) % 2 ^ 31, attempts)
end

local function create_temporary(path, bytes, mode)
  local result, err, name
  repeat
    name = temporary_name(path)
    result, err = disk.create(name, bytes, mode)
  until result or err.code ~= "file_exists"
  return result and name, err
end

-- a link never replaces what is there; some file systems have none
local function publish_new(temporary, path)
  local done, err = disk.link(temporary, path)
  if done or err.code == "file_exists" then
    disk.remove(temporary)
    return done, err
  elseif disk.stat(path) then
    disk.remove(temporary)
    return fail("save", "file_exists", "%s: File exists", path)
  end
  return disk.rename(temporary, path)
end

local function publish(temporary, path, overwrite)
  local done, err
  if overwrite then
    done, err = disk.rename(temporary, path)
  else
    done, err = publish_new(temporary, path)
  end
  if not done then
    disk.remove(temporary)
    return nil, err
  end
  return disk.sync(file.directory(path))
end

-- a device or a pipe is written to, and never replaced by a file
local function write_through(path, bytes)
  local handle, why = io.open(path, "wb")
  if not handle then
    return fail("save", "io_error", "%s", why)
  end
  local done, message = handle:write(bytes)
  local closed = handle:close()
  if not done or not closed then
    return fail("save", "io_error", "%s: %s", path, message or "cannot be written")
  end
  return true
end

local schema = {
  mode = {
    type = function(value)
      local mode = type(value) == "string" and value:match "^0?[0-7][0-7][0-7]$" and tonumber(value, 8)
      return mode, not mode and "octal text such as \"0600\" expected" or nil
    end,
    default = tonumber("644", 8),
  },
  overwrite = { type = "boolean", default = false },
}

--- Writes a file so that it is there whole, durably, or not at all.
---@param path string
---@param bytes string
---@param given? { mode?: string, overwrite?: boolean } mode is octal text, "0644" by default
---@return true? done
---@return lacre.error? err file_exists, file_not_found, permission_denied, is_directory, io_error (disk full)
function file.write(path, bytes, given)
  local set = options.check(schema, given, "file.write")
  local old = disk.stat(path)
  if old and old.kind == "directory" then
    return fail("save", "is_directory", "%s: Is a directory", path)
  elseif old and not set.overwrite then
    return with_path(path, fail("save", "file_exists", "%s: File exists", path))
  elseif old and old.kind == "other" then
    return with_path(path, write_through(path, bytes))
  end
  local temporary, err = create_temporary(path, bytes, set.mode)
  if not temporary then
    err.message = err.message:gsub("^.-%.tmp: ", function() return path .. ": " end)
    return with_path(path, nil, err)
  end
  return with_path(path, publish(temporary, path, set.overwrite))
end

return file
