--- net.target: "host:port" as people write it.

local lacre_error = require "lacre.error"
local options = require "lacre.options"

local target = {}

local function port_of(text, default, least)
  if text == "" then
    return default
  end
  local port = tonumber((text:match "^:(%d+)$"))
  return port and port >= least and port <= 65535 and port or nil
end

-- of anything that may stand around them: a scheme, a path, brackets
local function split(text)
  local bare = text:gsub("^%a[%w+.-]*://", ""):gsub("[/?#].*$", "")
  local host, rest = bare:match "^%[([%x:.]+%%?[%w._-]*)%](.*)$" -- fe80::1%eth0 too
  if not host and select(2, bare:gsub(":", "")) > 1 then
    host, rest = bare:match "^[%x:.]+%%?[%w._-]*$" or "", ""
  elseif not host then
    host, rest = bare:match "^([^:]*)(.*)$"
  end
  if host ~= "" and not host:find "[%s@%z%[%]]" then
    return host, rest
  end
end

local function parsed(text, default_port, least)
  local host, rest = text:match "^([%w._-]+)(:?%d*)$" -- as most are
  if not host then
    host, rest = split(text)
  end
  local port = host and not host:find "^%.+$" and port_of(rest, default_port, least)
  if not port then
    local _, err = lacre_error.fail("config", "bad_name", "not a host and port: %s", text)
    return nil, lacre_error.annotate(err, { hint = "write host, host:port, [IPv6 address]:port or a URL" })
  end
  return { host = host, port = port }
end

--- Splits `host`, `host:port`, `[2001:db8::1]:port`, a bare IPv6 address, or an https URL.
---@param text string
---@param default_port? integer 443 by default
---@return { host: string, port: integer }?
---@return lacre.error? err bad_name
function target.parse(text, default_port)
  return parsed(text, default_port or 443, 1)
end

--- The same for where a server is to listen: port 0 is any that is free.
---@param text string
---@return { host: string, port: integer }?
---@return lacre.error? err bad_name
function target.parse_listening(text)
  return parsed(text, 443, 0)
end

--- The text of a host and port, IPv6 in brackets.
---@param host string
---@param port integer
---@return string
function target.format(host, port)
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end

--- Raises what is no port to connect to.
---@param port number
function target.expect_port(port)
  if port < 1 or port > 65535 or port ~= math.floor(port) then
    options.misuse("bad argument #2 to 'connect' (port from 1 to 65535 expected)")
  end
end

return target
