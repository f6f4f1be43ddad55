--- health.capabilities: what a server can, found by asking: versions, suites, groups, resumption, HSTS.
--
-- Versions, suites and groups are asked for with hellos made by hand, one connection a question, so the
-- answer does not depend on the local OpenSSL. Resumption and HSTS need a connection that verifies.

local conn = require "lacre.conn"
local groups = require "lacre.tls.groups"
local http = require "lacre.http"
local inquiry = require "lacre.health.inquiry"
local loop = require "lacre.loop"
local old_suites = require "lacre.tls.old_suites"
local opening = require "lacre.health.opening"
local probe = require "lacre.health.probe"
local settings = require "lacre.tls.settings"
local sounding = require "lacre.health.sounding"
local suites = require "lacre.tls.suites"
local target = require "lacre.net.target"
local time = require "lacre.time"

local capabilities = {}

local AT_ONCE = 8
local MOST_SUITES = 64 -- questions about suites, at most

-- false where the server refuses; nil where it says nothing, which is noted under the name of what was asked
local function ask(place, set, question, what)
  local answer, err = inquiry.ask(place, set, question)
  if not answer then
    set.unanswered[#set.unanswered + 1], set.why = what, set.why or err
    return nil
  end
  return answer.kind == "server_hello" and answer
end

local versions = {
  { "SSL 3.0", "ssl3", 0x0300 }, { "1.0", "tls10", 0x0301 }, { "1.1", "tls11", 0x0302 }, { "1.2", "tls12", 0x0303 },
  { "1.3", "tls13", 0x0304 },
}

local function find_versions(place, set)
  local found = {}
  loop.map(versions, function(row)
    local version, question, number = row[1], row[2], row[3]
    local answer = ask(place, set, question, sounding.full_name(version))
    found[version] = answer and answer.version == number
    return true
  end, { concurrency = AT_ONCE })
  return found
end

local function without(list, number)
  local rest = {}
  for _, one in ipairs(list) do
    if one ~= number then
      rest[#rest + 1] = one
    end
  end
  return rest
end

local function copy_of(question)
  local copy = {}
  for name, value in pairs(question) do
    copy[name] = value
  end
  return copy
end

local function name_of(number)
  local old = old_suites.by_number[number]
  return suites.cipher_of(number) or old and old.name or ("0x%04x"):format(number)
end

-- the server takes one of what is offered; without that one it is asked again
local function find_suites(place, set, base, offered, version)
  local names, question = {}, copy_of(base)
  question.ciphers = offered
  for _ = 1, MOST_SUITES do
    local answer = #question.ciphers > 0 and ask(place, set, question, "more suites of TLS " .. version)
    if not answer or answer.version ~= base.expects then
      break
    end
    local rest = without(question.ciphers, answer.cipher)
    if #rest == #question.ciphers then
      break -- one that was not offered any more
    end
    names[#names + 1], question.ciphers = name_of(answer.cipher), rest
  end
  return names
end

local function suites_of(place, set, version)
  local base = copy_of(sounding.questions[version == "1.3" and "tls13" or "tls12"])
  base.expects = version == "1.3" and 0x0304 or 0x0303
  if version == "1.3" then
    return find_suites(place, set, base, base.ciphers, version)
  end
  local offered = suites.numbers "1.2"
  for _, number in ipairs(old_suites.numbers) do
    offered[#offered + 1] = number
  end
  return find_suites(place, set, base, offered, version)
end

-- without a key share the server says which group it would like: one group a question
local function find_groups(place, set)
  local list = {}
  for number, name in pairs(groups.by_number()) do
    list[#list + 1] = { number = number, name = name }
  end
  table.sort(list, function(a, b)
    return a.number < b.number
  end)
  local found = loop.map(list, function(group)
    local question = copy_of(sounding.questions.tls13)
    question.groups = { group.number }
    local answer = ask(place, set, question, group.name)
    return { name = group.name, offered = answer and answer.group == group.number }
  end, { concurrency = AT_ONCE })
  local names = {}
  for _, one in ipairs(found) do
    names[#names + 1] = one.offered and one.name or nil
  end
  return names
end

local function visit(ctx, place, set)
  local plain = opening.open(place, { timeout = set.patience, deadline = set.deadline, rows = set.rows })
  local visitor = plain and conn.over(ctx, plain.socket, {
    server_name = set.server_name or place.host, host = place.host, port = place.port, io_timeout = 0.3,
    handshake_timeout = set.patience,
  })
  if not visitor then
    return nil
  end
  local resumed = visitor:handshake() and visitor:info().resumed
  local bytes, err = visitor:receive() -- tickets of TLS 1.3 come after the handshake
  visitor:close()
  if not bytes and err.alert then
    return nil -- as does that it wants a client certificate
  end
  return resumed
end

-- two connections that verify; not a byte of data is sent on them
local function find_resumption(place, set)
  local ctx = settings.client { trust = set.trust, sessions = true }
  if not ctx then
    return nil
  end
  if visit(ctx, place, set) == nil then
    return nil
  end
  return visit(ctx, place, set) == true
end

--- RFC 6797: one HEAD request over a connection that verifies.
---@param place { host: string, port: integer }
---@param set { timeout: number, deadline: number, server_name?: string, trust?: any, rows?: table[] }
---@return table|false|nil hsts `max_age`, `subdomains`, `text`; false where there is none, nil where nobody answers
---@return lacre.error? err
function capabilities.hsts(place, set)
  local response, err = http.request {
    url = ("https://%s/"):format(target.format(set.server_name or place.host, place.port)), method = "HEAD", follow = 0,
    timeout = math.max(0.1, math.min(set.timeout, set.deadline - time.monotonic())), trust = set.trust,
    resolver = set.rows and function()
      return set.rows
    end or nil,
  }
  if not response then
    return nil, err
  end
  local field = response.headers["strict-transport-security"]
  if not field then
    return false
  end
  return { max_age = tonumber(field:lower():match "max%-age=\"?(%d+)"), text = field,
    subdomains = field:lower():find "includesubdomains" ~= nil }
end

-- the certificate shown to clients that ask for no name
local function pin_without_name(place, set)
  local ctx = probe.context { trust = set.trust, group = set.group }
  local facts = ctx and probe.contact(place, {
    context = ctx, timeout = set.patience, deadline = math.min(set.deadline, time.monotonic() + set.patience),
    rows = set.rows, sni = false, server_name = set.server_name,
  })
  return facts and facts.pins[1] or nil
end

--- Asks for everything, inside of a loop. Where a server could not be asked, a field is nil; `unanswered` tells
--- which questions it met with silence.
---@param place { host: string, port: integer, starttls?: string }
---@param set table of `inquiry.terms`, and trust?, verified, group? (one that is offered by name)
---@return table found versions, suites, groups, resumption, hsts, default_pin, unanswered
---@return lacre.error? err why a question had no answer
function capabilities.find(place, set)
  set.unanswered = {}
  local found = { versions = find_versions(place, set), suites = {}, unanswered = set.unanswered }
  for _, version in ipairs { "1.2", "1.3" } do
    found.suites[version] = found.versions[version] and suites_of(place, set, version) or nil
  end
  found.default_pin = pin_without_name(place, set)
  found.groups = found.versions["1.3"] and find_groups(place, set) or nil
  if set.verified then
    found.resumption = find_resumption(place, set)
    if not place.starttls then
      found.hsts = capabilities.hsts(place, set)
    end
  end
  table.sort(found.unanswered)
  return found, set.why
end

return capabilities
