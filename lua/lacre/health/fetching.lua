--- health.fetching: answers of OCSP responders and revocation lists over plain HTTP, each fetched once a run.

local http = require "lacre.http"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local time = require "lacre.time"

local fail = lacre_error.fail

local fetching = {}

local PATIENCE = 5

--- The seconds that may be waited for an answer.
---@param set { deadline: number }
---@return number
function fetching.left(set)
  return math.max(0.1, math.min(PATIENCE, set.deadline - time.monotonic()))
end

--- An error with the address of what cannot be read before it.
function fetching.naming(url, value, err)
  if not value then
    err.message = ("%s: %s"):format(url, err.message)
  end
  return value, err
end

--- The body of an answer.
---@param given table of `http.request`
---@return string? body
---@return lacre.error? err
function fetching.fetch(given)
  local response, err = http.request(given)
  if not response then
    return fetching.naming(given.url, nil, err)
  elseif response.status ~= 200 then
    return fail("read", "http_status", "%s answered %d", given.url, response.status)
  end
  return response.body
end

-- what raised or was canceled is no answer: who waits seeks it then
local function seek_first(kept, id, seek)
  local one = { is_sought = true, told = loop.condition() }
  kept[id] = one
  local ok, value, err = loop.pcall(seek)
  one.is_sought, one.value, one.err = false, value, err
  if not ok or err and err.code == "canceled" then
    kept[id] = nil
  end
  one.told:notify()
  if not ok then
    error(value, 0)
  end
  return value, err
end

--- What `seek` returns, sought once for all who want it, also at the same time: the targets of a run have few issuers.
---@param set { kept: table, deadline: number }
---@param id string
---@param seek fun(): any, lacre.error?
---@return any
---@return lacre.error? err
function fetching.once(set, id, seek)
  local one = set.kept[id]
  if not one then
    return seek_first(set.kept, id, seek)
  elseif not one.is_sought then
    return one.value, one.err
  end
  local told, why = one.told:wait(math.max(0.1, set.deadline - time.monotonic()))
  if told then
    return fetching.once(set, id, seek)
  elseif why ~= "timeout" then
    return nil, why
  end
  return fail("read", "timeout", "%s: the time limit was reached", (id:gsub("^%S+ ", "")))
end

return fetching
