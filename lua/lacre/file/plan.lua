--- file.plan: files that are being written: each under a temporary name in its own directory, synced, and only then
--- given its name; an old one keeps a second name until all the new ones are in place.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local path = require "lacre.file.path"
local time = require "lacre.time"

local disk = core.disk
local fail = lacre_error.fail

local plan = {}

local attempts = 0

local function temporary_name(place)
  attempts = attempts + 1
  return ("%s.%x%x.tmp"):format(place, math.floor(time.monotonic() * 1e6) % 2 ^ 31, attempts)
end

local function create_temporary(place, bytes, mode)
  local result, err, name
  repeat
    name = temporary_name(place)
    result, err = disk.create(name, bytes, mode)
  until result or err.code ~= "file_exists"
  return result and name, err
end

--- Gives a file its name; a link never replaces what is there, and some file systems have none.
---@param temporary string
---@param place string
---@return true?
---@return lacre.error? err file_exists
function plan.publish_new(temporary, place)
  local done, err = disk.link(temporary, place)
  if done then
    done, err = disk.remove(temporary)
    if not done then
      disk.remove(place) -- what cannot be finished is taken back
    end
    return done, err
  elseif err.code == "file_exists" then
    return nil, err
  elseif disk.stat(place) then
    return fail("save", "file_exists", "%s: File exists", place)
  end
  return disk.rename(temporary, place)
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
local function write_through(place, bytes)
  local handle, why = io.open(place, "wb")
  if not handle then
    return fail("save", "io_error", "%s", why)
  end
  local done, message = handle:write(bytes)
  local closed = handle:close()
  if not done or not closed then
    return fail("save", "io_error", "%s: %s", place, message or "cannot be written")
  end
  return true
end

local function publish(one, overwrite)
  local done, err
  if one.device then
    done, err = write_through(one.path, one.bytes)
  elseif not one.replaces then
    done, err = plan.publish_new(one.temporary, one.path)
    one.replaces = not done and err.code == "file_exists" and overwrite -- somebody else was faster
  end
  if one.replaces and not one.device then
    done, err = publish_over(one)
  end
  one.published = done
  return done, err
end

local function undo(list)
  for _, one in ipairs(list) do
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
local function sync_directories(list)
  local done = {}
  for _, one in ipairs(list) do
    local directory = path.directory(one.path)
    local synced, err = done[directory], nil
    if not synced then
      synced, err = disk.sync(directory)
    end
    if not synced then
      return path.told(one.path, nil, err)
    end
    done[directory] = true
  end
  return true
end

local function finish(list)
  for _, one in ipairs(list) do
    if one.aside then
      disk.remove(one.aside)
    end
  end
  return sync_directories(list)
end

--- What is to be done for some files.
---@param files { path: string, bytes: string, mode?: string }[] mode is octal text
---@return table[] list
function plan.of(files)
  local list = {}
  for i, one in ipairs(files) do
    list[i] = { path = one.path, bytes = one.bytes, mode = tonumber(one.mode or "644", 8) }
  end
  return list
end

local function each(list, step, overwrite)
  for _, one in ipairs(list) do
    local done, err = step(one, overwrite)
    if not done then
      undo(list)
      return path.told(one.path, nil, err)
    end
  end
  return true
end

--- Writes them: all are there afterwards, or none is.
---@param list table[]
---@param overwrite boolean
---@return true?
---@return lacre.error?
function plan.write(list, overwrite)
  for _, step in ipairs { examine, prepare, publish } do
    local done, err = each(list, step, overwrite)
    if not done then
      return nil, err
    end
  end
  return finish(list)
end

local function rename(one)
  local done, err = disk.rename(one.temporary, one.path)
  if done then
    one.temporary = nil
  end
  return done, err
end

local function prepare_over(one)
  local old = disk.stat(one.path)
  one.mode = old and old.mode % 512 or one.mode
  return prepare(one)
end

--- Writes them one after the other over what is there.
---@param list table[]
---@return true?
---@return lacre.error?
function plan.replace(list)
  for _, step in ipairs { prepare_over, rename } do
    local done, err = each(list, step)
    if not done then
      return nil, err
    end
  end
  return sync_directories(list)
end

return plan
