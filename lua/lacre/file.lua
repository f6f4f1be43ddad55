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
  options.path("load", path)
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
  if done then
    return disk.remove(temporary)
  elseif err.code == "file_exists" then
    return nil, err
  elseif disk.stat(path) then
    return fail("save", "file_exists", "%s: File exists", path)
  end
  return disk.rename(temporary, path)
end

-- the old file keeps a second name until all the new ones are in place
local function publish_over(one)
  local aside = temporary_name(one.path)
  if disk.link(one.path, aside) then
    one.aside = aside
  end
  return disk.rename(one.temporary, one.path)
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

local function publish(one)
  local done, err
  if one.device then
    done, err = write_through(one.path, one.bytes)
  elseif one.replaces then
    done, err = publish_over(one)
  else
    done, err = publish_new(one.temporary, one.path)
  end
  one.published = done
  return done, err
end

local function undo(plan)
  for _, one in ipairs(plan) do
    if one.published and one.aside then
      disk.rename(one.aside, one.path)
    elseif one.published and not one.replaces then
      disk.remove(one.path)
    end
    if one.temporary then
      disk.remove(one.temporary)
    end
  end
end

local function examine(one, overwrite)
  local old = disk.stat(one.path)
  if old and old.kind == "directory" then
    return fail("save", "is_directory", "%s: Is a directory", one.path)
  elseif old and not overwrite then
    return fail("save", "file_exists", "%s: File exists", one.path)
  end
  one.replaces = old ~= nil
  one.device = old ~= nil and old.kind == "other"
  return true
end

local function prepare(one)
  if one.device then
    return true
  end
  local temporary, err = create_temporary(one.path, one.bytes, one.mode)
  if not temporary then
    err.message = err.message:gsub("^.-%.tmp: ", function()
      return one.path .. ": "
    end)
  end
  one.temporary = temporary
  return temporary, err
end

-- each directory once
local function sync_directories(plan)
  local done = {}
  for _, one in ipairs(plan) do
    local directory = file.directory(one.path)
    local synced, err = done[directory], nil
    if not synced then
      synced, err = disk.sync(directory)
    end
    if not synced then
      return with_path(one.path, nil, err)
    end
    done[directory] = true
  end
  return true
end

local function finish(plan)
  for _, one in ipairs(plan) do
    if one.aside then
      disk.remove(one.aside)
    end
  end
  return sync_directories(plan)
end

local function octal_text(value)
  if type(value) == "string" and value:match "^0?[0-7][0-7][0-7]$" then
    return value
  end
  return nil, 'octal text such as "0600" expected'
end

local function plan_of(files)
  local plan = {}
  for i, one in ipairs(files) do
    plan[i] = { path = one.path, bytes = one.bytes, mode = tonumber(one.mode or "644", 8) }
  end
  return plan
end

local function each(plan, step, overwrite)
  for _, one in ipairs(plan) do
    local done, err = step(one, overwrite)
    if not done then
      undo(plan)
      return with_path(one.path, nil, err)
    end
  end
  return true
end

--- Writes several files: all of them are there afterwards, or none is, and nothing old is lost.
---@param files { path: string, bytes: string, mode?: string }[] mode is octal text, "0644" by default
---@param given? { overwrite?: boolean } an old file is replaced only when told
---@return true? done
---@return lacre.error? err file_exists, file_not_found, permission_denied, is_directory, io_error (disk full)
function file.write_together(files, given)
  local set = options.check({ overwrite = { type = "boolean", default = false } }, given, "file.write_together")
  local plan = plan_of(files)
  for _, step in ipairs { examine, prepare, publish } do
    local done, err = each(plan, step, set.overwrite)
    if not done then
      return nil, err
    end
  end
  return finish(plan)
end

--- Writes a file so that it is there whole, durably, or not at all.
---@param path string
---@param bytes string
---@param given? { mode?: string, overwrite?: boolean } mode is octal text, "0644" by default
---@return true? done
---@return lacre.error? err as `file.write_together`
function file.write(path, bytes, given)
  options.path("save", path)
  local set = options.check({ mode = { type = octal_text }, overwrite = { type = "boolean" } }, given, "file.write")
  return file.write_together({ { path = path, bytes = bytes, mode = set.mode } }, { overwrite = set.overwrite })
end

--- Gives a file that was written under another name the name it is to have, durably.
---@param temporary string in the same directory
---@param path string
---@param given? { overwrite?: boolean }
---@return true?
---@return lacre.error? err file_exists, permission_denied
function file.publish(temporary, path, given)
  local done, err = disk.sync(temporary)
  if done and given and given.overwrite then
    done, err = disk.rename(temporary, path)
  elseif done then
    done, err = publish_new(temporary, path)
  end
  if done then
    done, err = disk.sync(file.directory(path))
  end
  return with_path(path, done, err)
end

--- Replaces files one after the other, each of them whole or not at all: a crash leaves the first few
--- new and the others old, so their order matters. Modes are kept where a file was there.
---@param files { path: string, bytes: string, mode?: string }[]
---@return true? done
---@return lacre.error? err permission_denied, io_error (disk full); those before it are new then
function file.replace_in_order(files)
  local plan = plan_of(files)
  for _, one in ipairs(plan) do
    local old = disk.stat(one.path)
    one.mode = old and old.mode % 512 or one.mode
    local done, err = prepare(one)
    if not done then
      undo(plan)
      return with_path(one.path, nil, err)
    end
  end
  for _, one in ipairs(plan) do
    local done, err = disk.rename(one.temporary, one.path)
    if not done then
      undo(plan)
      return with_path(one.path, nil, err)
    end
    one.temporary = nil
  end
  return sync_directories(plan)
end

return file
