--- zoo.keeper: what a server of the zoo says to those who got in.

local zoo_keeper = {}

local BODY = "You reached %s in lacre's zoo. A careful client %s here.\n"

--- What a client that takes care does with an entry.
---@param entry table
---@return "accept"|"refuse"|"either"
function zoo_keeper.client_of(entry)
  return entry.client or (entry.verdict == "fail" and "refuse" or "accept")
end

local function page(entry)
  local manner = { accept = "arrives", refuse = "does not arrive", either = "may arrive" }
  local body = BODY:format(entry.name, manner[zoo_keeper.client_of(entry)])
  local length = #body * (entry.truncates and 2 or 1)
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: "
    .. length .. "\r\n\r\n" .. body
end

--- A visitor that asks for a page gets one; any other is read until it goes.
---@param visitor lacre.conn
---@param entry table
function zoo_keeper.entertain(visitor, entry)
  local line = visitor:read "l"
  if line and line:find "^%u+ %S+ HTTP/1" then
    repeat
      line = visitor:read "l"
    until not line or line == ""
    visitor:write(page(entry))
  end
  if entry.truncates then
    return visitor:abort()
  end
  visitor:close()
end

return zoo_keeper
