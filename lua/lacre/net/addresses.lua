--- net.addresses: from the name of a host to where it may be, off the main thread.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local names = require "lacre.host"
local time = require "lacre.time"
local wait = require "lacre.wait"

local fail = lacre_error.fail
local monotonic = time.monotonic

local addresses = {}

local function resolve_in_thread(host, set, deadline)
  local request, err = core.resolver.start(host, set.family)
  if not request then
    return nil, err
  end
  local fd = request:fd()
  local ready, why = (set.wait or wait.ready)(fd, "r", math.max(0, deadline - monotonic()))
  local rows
  if ready then
    rows, err = request:result()
  end
  wait.forget(fd)
  request:close()
  if not ready then
    return nil, lacre_error.is(why) and why
      or select(2, fail("resolve", "resolve_timeout", "%s was not resolved in time", host))
  end
  return rows, err
end

-- a resolver of one's own may wait, in a task: for so long, and no longer
local function ask(host, port, set, deadline)
  if not loop.running() then
    return set.resolver(host, port, set.family)
  end
  local rows, err = loop.with_timeout(math.max(0, deadline - monotonic()), set.resolver, host, port, set.family)
  if not rows and lacre_error.is(err) and err.code == "timeout" then
    return fail("resolve", "resolve_timeout", "%s was not resolved in time", host)
  end
  return rows, err
end

local function are_rows(rows)
  for _, row in ipairs(type(rows) == "table" and rows or { rows }) do
    if type(row) ~= "table" or type(row.address) ~= "string" then
      return false
    end
  end
  return true
end

--- The name of a host as it may be asked for: without controls and blanks, A-labels where it is not ASCII.
---@param host string
---@return string? name
---@return lacre.error? err bad_name
function addresses.name(host)
  if host:find "[\128-\255]" then -- resolvers know A-labels only
    local name, err = names.reference(host)
    return name and name.value, err
  elseif host == "" or host:find "[%c ]" or names.is_octal(host) then
    return fail("resolve", "bad_name", "not a host name: %s", (host:gsub("%c", "?")))
  end
  return host
end

-- what is written as an address needs no resolver
local function literal(host)
  local raw, usual = core.bytes.address(host)
  return raw and { { address = usual, family = #raw == 4 and "ipv4" or "ipv6" } }
end

--- The addresses of a host.
---@param host string
---@param port integer handed to a resolver of one's own
---@param set { family: string, resolver?: function }
---@param deadline number monotonic
---@return { address: string, family: string }[]?
---@return lacre.error? err host_not_found, dns_failure, resolve_timeout
function addresses.of(host, port, set, deadline)
  local known = not set.resolver and literal(host)
  if known then
    return known
  end
  local name, err = addresses.name(host)
  if not name then
    return nil, err
  end
  host = name
  local rows
  if set.resolver then
    rows, err = ask(host, port, set, deadline)
  else
    rows = core.resolver.numeric(host)
  end
  if not rows and not err and not set.resolver then
    rows, err = resolve_in_thread(host, set, deadline)
  end
  if rows and not are_rows(rows) then
    return fail("resolve", "dns_failure", "%s: the resolver did not return a list of { address =, family = }", host)
  elseif rows and #rows == 0 then
    return fail("resolve", "host_not_found", "%s has no address", host)
  elseif not rows and not lacre_error.is(err) then
    return fail("resolve", "dns_failure", "%s: %s", host, tostring(err))
  end
  return rows, err
end

--- The families alternate, beginning with that of the first address (RFC 8305 section 4).
---@param rows { address: string, family: string }[]
---@return { address: string, family: string }[]
function addresses.interleave(rows)
  local same, other, out = {}, {}, {}
  for _, row in ipairs(rows) do
    table.insert(row.family == rows[1].family and same or other, row)
  end
  for i = 1, math.max(#same, #other) do
    out[#out + 1] = same[i]
    out[#out + 1] = other[i]
  end
  return out
end

return addresses
