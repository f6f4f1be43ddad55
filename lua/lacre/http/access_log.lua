--- http.access_log: one line a request, as every log analyser reads it, in a file that may be rotated.

local file = require "lacre.file"

local access_log = {}

---@class lacre.access_log
local Log = {}
Log.__index = Log

--- Opens the file anew: one that was renamed meanwhile is let go of.
---@return true?
---@return lacre.error? err file_not_found, permission_denied, is_directory, io_error
function Log:open()
  if not self.path then
    return true
  end
  local handle, err = file.open(self.path, "a")
  if not handle then
    return nil, err
  end
  handle:setvbuf "no" -- a buffer of lines would keep it to itself that one could not be written
  self:close()
  self.handle = handle
  return true
end

--- Writes a line; that lines are lost (a full disk) is said once, until one is written again.
---@param line string
function Log:write(line)
  if not self.handle then
    return self.say(line)
  end
  local written, why = self.handle:write(line .. "\n")
  if not written and not self.is_lost then
    self.say(("lines of the access log are being lost: %s: %s"):format(self.path, tostring(why)))
  end
  self.is_lost = not written
end

--- Writes the line of a request; what a client sent cannot forge another.
---@param row { address: string, method: string, target: string, version?: string, status: integer, bytes: integer }
function Log:request(row)
  local request = ("%s %s HTTP/%s"):format(row.method, row.target, row.version or "1.1")
  request = request:gsub('[%c"\\\127-\255]', function(c)
    return ("\\x%02x"):format(c:byte())
  end)
  self:write(('%s - - [%s] "%s" %d %d'):format(row.address, os.date("!%d/%b/%Y:%H:%M:%S +0000"), request, row.status,
    row.bytes))
end

--- Closes the file.
function Log:close()
  if self.handle then
    self.handle:close()
    self.handle = nil
  end
end

--- A log that is not open yet; without a path its lines are said.
---@param path? string
---@param say fun(line: string)
---@return lacre.access_log
function access_log.new(path, say)
  return setmetatable({ path = path, say = say }, Log)
end

return access_log
