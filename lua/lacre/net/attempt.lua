--- net.attempt: one attempt to connect to an address of a host, and what is said where it fails.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local target = require "lacre.net.target"

local attempt = {}

local function split_bind(bind)
  if not bind then
    return nil
  end
  local address, port = bind:match "^%[(.-)%]:?(%d*)$"
  if not address then
    address, port = bind:match "^([^:]+):?(%d*)$"
  end
  return address or bind, tonumber(port) or 0
end

--- Begins.
---@param address string
---@param place { host: string, port: integer } what was asked for
---@param set { bind?: string }
---@return any? socket of the core, not connected yet
---@return lacre.error? err
function attempt.begin(address, place, set)
  return core.net.connect(address, place.port, split_bind(set.bind))
end

--- The error of an attempt, told: the socket that failed later knows its address no more, and who is forbidden to
--- connect did not mean to listen.
---@param err lacre.error
---@param place { host: string, port: integer }
---@param address? string
---@return lacre.error
function attempt.failed(err, place, address)
  if address then
    err.message = err.message:gsub("^connect: ", (target.format(address, place.port):gsub("%%", "%%%%")) .. ": ")
  end
  if err.code == "permission_denied" then
    err.hint = "check firewall and routing rules, and the sandbox of this process"
  end
  return lacre_error.annotate(err, { host = place.host, port = place.port, address = address })
end

--- The error of an attempt that had no answer.
---@param place { host: string, port: integer }
---@param address string
---@return lacre.error
function attempt.late(place, address)
  local _, err = lacre_error.fail("connect", "connect_timeout", "%s (%s) did not answer in time", place.host, address)
  return attempt.failed(err, place, address)
end

return attempt
