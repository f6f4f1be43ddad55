--- tls.reference: the name a client verifies, and what of it is said on the wire.

local host = require "lacre.host"
local options = require "lacre.options"
local settings = require "lacre.tls.settings"

local reference = {}

--- The name to verify and the name to send: no SNI for addresses (RFC 6066 section 3), which are compared as
--- addresses, and no wildcard is the name of anybody (RFC 9525).
---@param set { server_name?: string, sni?: string|false }
---@return { name?: string, sni?: string }?
---@return lacre.error? err bad_name
function reference.of(set)
  local name, err
  if set.server_name then
    name, err = host.reference(set.server_name)
    if not name then
      return nil, err
    end
  end
  local sni = set.sni
  if sni == nil and name and name.type == "dns" then
    sni = name.value
  end
  return { name = name and name.value, sni = sni or nil }
end

--- The same for an engine of a context, which mostly speaks with the host it spoke with before.
---@param inside table of the context
---@param set { server_name?: string, sni?: string|false }
---@return { name?: string, sni?: string }?
---@return lacre.error? err bad_name
function reference.within(inside, set)
  local kept, said = inside.reference, set.server_name or false
  if kept and kept.said == said and set.sni == nil then
    return kept
  end
  local names, err = reference.of(set)
  if names and set.sni == nil then
    names.said, inside.reference = said, names
  end
  return names, err
end

--- What sessions with a host are kept under.
---@param names { name?: string, sni?: string }
---@param port? integer
---@return string
function reference.session_of(names, port)
  if not names.session or names.port ~= port then
    names.port, names.session = port, ("%s|%s|%s"):format(names.name or "", names.sni or "", port or "")
  end
  return names.session
end

--- The option `sni`: what is said on the wire, which never changes what is verified.
reference.sni_option = {
  type = function(value)
    local is_name = type(value) == "string" and #value > 0 and #value < 256 and not value:find "[%z%s]"
    if value == false or is_name then
      return value
    end
    return nil, "host name, or false, expected"
  end,
}

--- Raises unless a client has a name to verify, and a server none.
---@param ctx lacre.context
---@param set { server_name?: string, sni?: string|false }
---@param what string who takes the options
function reference.required(ctx, set, what)
  local inside = settings.inside(ctx)
  if inside.set.role == "client" and not set.server_name and not inside.set.pins_only then
    options.misuse("missing option 'server_name' to '%s' (a client verifies a name)", what)
  elseif inside.set.role == "server" and (set.server_name or set.sni) then
    options.misuse("bad option 'server_name' to '%s' (a client option, and this is a server)", what)
  end
end

return reference
