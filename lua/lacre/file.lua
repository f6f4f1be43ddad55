--- file: reading files, and writing them so that nothing is lost.
--
-- A file is written under a temporary name in its own directory, synced, and only then given its
-- name; an old one is never replaced unless that was said, and never half. Private keys go through
-- here with mode 0600 from the first moment.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local options = require "lacre.options"
local path = require "lacre.file.path"
local plan = require "lacre.file.plan"

local disk = core.disk

local file = {}

--- Files larger than this are refused: no certificate, key or list of hosts is.
file.LIMIT = 64 * 1024 * 1024

--- The whole content of a file.
---@param place string
---@return string? bytes
---@return lacre.error? err file_not_found, permission_denied, is_directory, io_error
function file.read(place)
  options.path("load", place)
  return path.told(place, disk.read(place, file.LIMIT))
end

--- What a parser makes of a file; its errors name the file.
---@generic T
---@param place string
---@param parse fun(bytes: string): T?, lacre.error?
---@return T? parsed
---@return lacre.error? err as file.read and the parser
function file.parsed(place, parse)
  local bytes, err = file.read(place)
  if not bytes then
    return nil, err
  end
  return path.told(place, parse(bytes))
end

local reasons = { [2] = "file_not_found", [13] = "permission_denied", [21] = "is_directory" } -- errno

--- Opens a file to write to, as `io.open` does, with an error that has a code.
---@param place string
---@param mode string
---@return file*?
---@return lacre.error? err file_not_found, permission_denied, is_directory, io_error
function file.open(place, mode)
  local handle, why, number = io.open(place, mode)
  if not handle then
    return path.told(place, fail("save", reasons[number] or "io_error", "%s", why))
  end
  return handle
end

--- What a path is: `{ kind = "file"|"directory"|"other", mode =, size =, modified = }`.
---@param place string
---@return table? stat
---@return lacre.error? err file_not_found, permission_denied
function file.stat(place)
  options.path("file.stat", place)
  return path.told(place, disk.stat(place))
end

--- The directory part of a path, "." where there is none.
---@type fun(path: string): string
file.directory = path.directory

--- A path below a directory.
---@type fun(directory: string, name: string): string
file.join = path.join

local function octal_text(value)
  if type(value) == "string" and value:match "^0?[0-7][0-7][0-7]$" then
    return value
  end
  return nil, 'octal text such as "0600" expected'
end

--- Writes several files: all of them are there afterwards, or none is, and nothing old is lost.
---@param files { path: string, bytes: string, mode?: string }[] mode is octal text, "0644" by default
---@param given? { overwrite?: boolean } an old file is replaced only when told
---@return true? done
---@return lacre.error? err file_exists, file_not_found, permission_denied, is_directory, io_error (disk full)
function file.write_together(files, given)
  local set = options.check({ overwrite = { type = "boolean", default = false } }, given, "file.write_together")
  return plan.write(plan.of(files), set.overwrite)
end

--- Writes a file so that it is there whole, durably, or not at all.
---@param place string
---@param bytes string
---@param given? { mode?: string, overwrite?: boolean } mode is octal text, "0644" by default
---@return true? done
---@return lacre.error? err as `file.write_together`
function file.write(place, bytes, given)
  options.path("save", place)
  local set = options.check({ mode = { type = octal_text }, overwrite = { type = "boolean" } }, given, "file.write")
  return file.write_together({ { path = place, bytes = bytes, mode = set.mode } }, { overwrite = set.overwrite })
end

--- Gives a file that was written under another name the name it is to have, durably.
---@param temporary string in the same directory
---@param place string
---@param given? { overwrite?: boolean }
---@return true?
---@return lacre.error? err file_exists, permission_denied
function file.publish(temporary, place, given)
  local done, err = disk.sync(temporary)
  if done and given and given.overwrite then
    done, err = disk.rename(temporary, place)
  elseif done then
    done, err = plan.publish_new(temporary, place)
  end
  if done then
    done, err = disk.sync(path.directory(place))
  end
  return path.told(place, done, err)
end

--- Replaces files one after the other, each of them whole or not at all: a crash leaves the first few
--- new and the others old, so their order matters. Modes are kept where a file was there.
---@param files { path: string, bytes: string, mode?: string }[]
---@return true? done
---@return lacre.error? err permission_denied, io_error (disk full); those before it are new then
function file.replace_in_order(files)
  return plan.replace(plan.of(files))
end

return file
