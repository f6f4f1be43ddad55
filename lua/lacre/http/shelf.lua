--- http.shelf: files below a directory, as they were found, and kept while they stay as they are.
--
-- What a path leads to is found once: every link and dot resolved, nothing outside of the root. As long as the system
-- shows the same file with the same times under that path it is not looked for again, and a small one not read again.

local core = require "lacre.core"
local file = require "lacre.file"
local time = require "lacre.time"
local webanswer = require "lacre.http.answer"
local webrequest = require "lacre.http.request"

local disk = core.disk

local shelf = {}

---@class lacre.shelf
local Shelf = {}
Shelf.__index = Shelf

local MOST_KEPT, MOST_BYTES = 512, 8 * 1024 * 1024
local SMALL = 15 * 1024 -- with its head still one record

--- Seconds: what was written just now may be written again before the system's clock ticks.
shelf.settled = 2

-- where a path leads once links are resolved; nil outside of the root
local function resolve(self, path)
  local real = disk.real(self.root .. path)
  if not real or (real ~= self.root and real:sub(1, #self.root + 1) ~= self.root .. "/") then
    return nil
  end
  return real
end

-- the fields of a whole file's head that are always the same
local function fields_of(entry)
  return ("\r\nContent-Type: %s\r\nContent-Length: %d\r\nETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes"
    .. "\r\nX-Content-Type-Options: nosniff\r\nConnection: "):format(
    webanswer.type_of(entry.real), entry.size, entry.now.tag, entry.now.date)
end

local function read_small(entry)
  local handle = entry.size <= SMALL and io.open(entry.real, "rb")
  local body = handle and (handle:read(SMALL + 1) or "")
  if handle then
    handle:close()
  end
  return body and #body == entry.size and body or nil
end

-- all is let go of when it is too much: what is asked for comes back by itself
local function keep(self, path, entry)
  local bytes = entry.body and #entry.body or 0
  if self.count >= MOST_KEPT or self.bytes + bytes > MOST_BYTES then
    self.kept, self.count, self.bytes = {}, 0, 0
  end
  self.kept[path] = entry
  self.count, self.bytes = self.count + 1, self.bytes + bytes
end

local function look(self, path)
  local real = resolve(self, path)
  local version = real and disk.version(real)
  local stat = version and file.stat(real)
  if not stat then
    return nil
  end
  local entry = { kind = stat.kind, real = real, size = stat.size, version = version }
  if stat.kind ~= "file" then
    return entry
  end
  entry.now = webanswer.validators(stat)
  entry.fields = fields_of(entry)
  if time.now() - stat.changed > shelf.settled then
    entry.body = read_small(entry)
    keep(self, path, entry)
  end
  return entry
end

--- The path of a target, as `http.request` has it; the last ones are remembered.
---@param target string
---@return string?
function Shelf:path(target)
  local path = self.paths[target]
  if path == nil then
    path = webrequest.path(target) or false
    self.count_of_paths = self.count_of_paths + 1
    if self.count_of_paths > MOST_KEPT then
      self.paths, self.count_of_paths = {}, 1
    end
    self.paths[target] = path
  end
  return path or nil
end

--- What a path leads to.
---@param path string begins with "/", decoded, without parts that are dots
---@return { kind: string, real: string, size: integer, now?: table, fields?: string, body?: string }? entry nil where
---  nothing is, or nothing that may be shown; of a file `now` are its validators and `body` what is in a small one
function Shelf:find(path)
  local entry = self.kept[path]
  if entry and disk.version(self.root .. path) == entry.version then
    return entry
  elseif entry then
    self.kept[path] = nil
    self.count, self.bytes = self.count - 1, self.bytes - (entry.body and #entry.body or 0)
  end
  return look(self, path)
end

--- A shelf of what is below a root, which has no links in it.
---@param root string
---@return lacre.shelf
function shelf.new(root)
  return setmetatable({ root = root, kept = {}, count = 0, bytes = 0, paths = {}, count_of_paths = 0 }, Shelf)
end

return shelf
