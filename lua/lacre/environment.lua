--- environment: what the process inherits from its environment: proxies, listening sockets.
--
-- The library reads none of this by itself; the command's tools do, where an option says so.

local core = require "lacre.core"
local lacre_error = require "lacre.error"

local fail = lacre_error.fail

local environment = {}

local function variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

-- ".corp" and "corp" are for every name below, "*" for all
local function is_spared(host, list)
  for pattern in list:gmatch "[^%s,]+" do
    local name = pattern:lower():gsub("^%*?%.", "")
    if pattern == "*" or host == name or host:sub(-#name - 1) == "." .. name then
      return true
    end
  end
  return false
end

--- The proxy for an https host, by `https_proxy` and `no_proxy` as other programs read them.
---@param host string
---@return string? url
function environment.proxy_for(host)
  local proxy = variable "https_proxy" or variable "HTTPS_PROXY"
  local spared = variable "no_proxy" or variable "NO_PROXY"
  if not proxy or (spared and is_spared(host:lower(), spared)) then
    return nil
  end
  local url = proxy:gsub("/+$", "")
  return url:find("://", 1, true) and url or "http://" .. url
end

local FIRST = 3

--- The listening socket that systemd made for this process (sd_listen_fds(3)). Of several the others would take
--- connections that nobody answers: they are refused.
---@return integer? fd
---@return lacre.error? err unsupported
function environment.listening()
  local count = tonumber(variable "LISTEN_FDS" or "") or 0
  if count < 1 or tonumber(variable "LISTEN_PID" or "") ~= core.signals.process() then
    return fail("config", "unsupported", "no listening socket was passed to this process (LISTEN_FDS, LISTEN_PID)")
  elseif count > 1 then
    return fail("config", "unsupported", "%d sockets were passed, but only one is used: one ListenStream= per unit",
      count)
  end
  return FIRST
end

return environment
