--- http.part: a file that is being fetched, and can be gone on with.
--
-- Bytes go to `NAME.part`; the file gets its name when it is whole, and replaces no other unless told.
-- What is left after a failure is gone on with only if the server says that it is still the same
-- thing: its entity tag stands beside it, in `NAME.part.tag` (RFC 9110 section 13.1.5).

local core = require "lacre.core"
local file = require "lacre.file"
local fail = require("lacre.error").fail

local part = {}

---@class lacre.http_part
---@field path string
---@field offset integer bytes that are there already
---@field received integer bytes of this answer
local Part = {}
Part.__index = Part
Part.__name = "lacre.http_part"

local function io_failed(path, why)
  return fail("save", "io_error", "%s: %s", path, tostring(why):gsub("^.-: ", ""))
end

-- what may be gone on with: bytes, and the tag of what they belong to
local function left_over(path)
  local stat, tag = file.stat(path), file.read(path .. ".tag")
  if stat and stat.kind == "file" and stat.size > 0 and tag and tag:find '^"[^"%c]*"$' then
    return stat.size, tag
  end
  return 0
end

-- a device or a pipe is written to as it comes, and never replaced by a file
local function is_device(path, old)
  return old and (old.kind == "other" or path:find "^/dev/std" or path:find "^/dev/fd/")
end

--- Begins; nothing is written yet.
---@param path string
---@param given { overwrite?: boolean, resume?: boolean }
---@return lacre.http_part?
---@return lacre.error? err file_exists, is_directory, file_not_found, permission_denied
function part.new(path, given)
  local old = file.stat(path)
  if is_device(path, old) then
    return setmetatable({ path = path, part = path, is_device = true, offset = 0, received = 0 }, Part)
  elseif old and old.kind == "directory" then
    return fail("save", "is_directory", "%s: Is a directory", path)
  elseif old and not given.overwrite then
    return fail("save", "file_exists", "%s: File exists", path)
  end
  local writable, err = file.stat(file.directory(path))
  if not writable then
    return nil, err
  end
  local self = { path = path, part = path .. ".part", overwrite = given.overwrite, offset = 0, received = 0 }
  if given.resume then
    self.offset, self.tag = left_over(self.part)
  end
  return setmetatable(self, Part)
end

--- The header fields that ask for the rest.
---@return table<string, string>
function Part:headers()
  if self.offset == 0 then
    return {}
  end
  return { Range = ("bytes=%d-"):format(self.offset), ["If-Range"] = self.tag }
end

local function remember_tag(self, response)
  if self.is_device then
    return
  end
  local tag = response.headers.etag or ""
  os.remove(self.part .. ".tag")
  if tag:find '^"[^"%c]*"$' then -- a weak one does not vouch for bytes
    file.write(self.part .. ".tag", tag)
  end
end

-- two that write to one file would mix; the first opening makes it, with the mode of the user's other files
local function lock(self)
  if self.is_device then
    return true
  end
  local handle, err = file.open(self.part, "ab")
  if not handle then
    return nil, err
  end
  handle:close()
  self.lock, err = core.lock.take(self.part)
  if err and err.code == "locked" then
    err.hint = "another process fetches to the same file: wait for it"
    return nil, err
  end
  return true
end

local function open(self)
  local handle, err = file.open(self.part, self.offset > 0 and "ab" or "wb")
  if handle and self.offset > 0 and handle:seek "end" ~= self.offset then
    handle:close()
    return fail("save", "locked", "%s changed meanwhile", self.part)
  end
  return handle, err
end

local function begin(self, response)
  local locked, why = lock(self)
  if not locked then
    return nil, why
  elseif response.status == 206 then
    local first = response.headers["content-range"] or ""
    if self.offset == 0 or tonumber(first:match "^bytes (%d+)%-") ~= self.offset then
      return fail("read", "http_malformed", "not the requested range: %s", (first:gsub("%c", "?")))
    end
  else
    self.offset = 0
    remember_tag(self, response)
  end
  local handle, err = open(self)
  if not handle then
    return nil, err
  end
  self.handle = handle
  self.total = type(response.length) == "number" and self.offset + response.length or nil
  return true
end

--- Takes bytes of an answer (200 or 206).
---@param bytes string
---@param response { status: integer, headers: table<string, string>, length: integer|"chunked"|nil }
---@return true?
---@return lacre.error? err http_malformed, io_error
function Part:write(bytes, response)
  if not self.handle then
    local begun, err = begin(self, response)
    if not begun then
      return nil, err
    end
  end
  local written, why = self.handle:write(bytes)
  if not written then
    return io_failed(self.part, why)
  end
  self.received = self.received + #bytes
  return true
end

--- Whether an answer says that everything was there already.
---@param response { status: integer, headers: table<string, string> }
---@return boolean
function Part:is_complete(response)
  local size = response.status == 416 and (response.headers["content-range"] or ""):match "^bytes %*/(%d+)$"
  return self.offset > 0 and tonumber(size) == self.offset
end

--- Lets go of the file; what came stays, to be gone on with.
function Part:close()
  for _, name in ipairs { "handle", "lock" } do
    if self[name] then
      self[name]:close()
      self[name] = nil
    end
  end
end

--- Gives the file its name. The answer was read to its end.
---@param response table
---@return true?
---@return lacre.error? err file_exists, io_error
function Part:finish(response)
  if not self.handle and not self:is_complete(response) then
    local begun, err = begin(self, response) -- of nothing
    if not begun then
      return nil, err
    end
  end
  local closed, why = true, nil
  if self.handle then
    closed, why = self.handle:close()
    self.handle = nil
  end
  if not closed then
    return io_failed(self.part, why)
  elseif self.is_device then
    return true
  end
  local published, err = file.publish(self.part, self.path, { overwrite = self.overwrite })
  if published then
    core.disk.remove(self.part .. ".tag")
  end
  return published, err
end

return part
