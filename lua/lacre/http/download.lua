--- http.download: what a URL leads to, fetched into a file (`lacre.http.part`).

local http = require "lacre.http"
local part = require "lacre.http.part"

local download = {}

local function is_wanted(response)
  return response.status == 200 or response.status == 206
end

-- the answer gives the file its name, or leaves it as it is
local function conclude(self, response)
  if is_wanted(response) or self:is_complete(response) then
    local finished, err = self:finish(response)
    if not finished then
      return nil, err
    end
    response.status = self:is_complete(response) and 200 or response.status
    response.file, response.bytes, response.resumed = self.path, self.offset + self.received, self.offset
  end
  return response
end

--- Fetches into a file. Answers that are no content (404 ...) are returned, and leave it alone.
---@param path string
---@param request table of `lacre.http.request`; its `sink` and `headers` are added to
---@param given { overwrite?: boolean, resume?: boolean, on_progress?: fun(bytes: integer, total?: integer) }
---@return table? response with `file`, `bytes`, `resumed` (bytes from before)
---@return lacre.error? err
function download.fetch(path, request, given)
  local self, err = part.new(path, given)
  if not self then
    return nil, err
  end
  for name, value in pairs(self:headers()) do
    request.headers[name] = value
  end
  local progress = given.on_progress or function() end
  function request.sink(bytes, response)
    if not is_wanted(response) then
      return true
    end
    local written, why = self:write(bytes, response)
    progress(self.offset + self.received, self.total)
    return written, why
  end
  local response
  response, err = http.request(request)
  if response then
    response, err = conclude(self, response)
  end
  self:close()
  return response, err
end

return download
