--- health.settings: the settings of one target, of its own line and of the run, made ready.

local lacre_error = require "lacre.error"
local path = require "lacre.store.path"
local pin = require "lacre.pin"
local probe = require "lacre.health.probe"
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"

local function first_of(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then
      return value
    end
  end
end

-- one context a combination of what it depends on: the trust store is read once
local function context_for(shared, set, group)
  local id = table.concat({
    tostring(set.trust), tostring(set.crls), tostring(set.cert), tostring(set.key), tostring(set.at),
      tostring(set.alpn), group or "",
  }, "|")
  if not shared.contexts[id] then
    local ctx, err = probe.context {
      trust = set.trust, crls = set.lists, revocation = set.crls and "leaf" or nil, cert = set.cert, key = set.key,
        time = set.at, alpn = set.alpn, group = group,
    }
    shared.contexts[id] = { ctx = ctx, err = err }
  end
  return shared.contexts[id].ctx, shared.contexts[id].err
end

local function pins_for(set, own)
  local list = own.pin or set.pins
  if not list then
    return nil
  end
  local copy = { allow_no_backup = true }
  for i, text in ipairs(list) do
    copy[i] = text
  end
  local ok, made, err = pcall(pin.set, copy)
  if not ok then -- a kind of pin that is refused outright
    return lacre_error.fail("config", "bad_pin", "%s", tostring(made):match "%((.*)%)$" or tostring(made))
  end
  return made, err
end

-- revocation lists: a file of them, or "fetch" for those that the certificates name ("try" where a list that
-- cannot be had is a warning)
local function lists_of(value)
  if value == "fetch" or value == "try" then
    return nil, value == "fetch" and "hard" or "soft"
  end
  return value
end

-- those of a file, read once a run
local function read_lists(shared, value)
  local id = "lists " .. tostring(value)
  local err
  if value ~= nil and not shared.kept[id] then
    shared.kept[id], err = path.load_crls(value)
  end
  return shared.kept[id], err
end

-- most targets have those of the run
local function threshold_of(shared, text)
  local id = "threshold " .. tostring(text)
  local err
  if not shared.kept[id] then
    shared.kept[id], err = threshold.parse(text)
  end
  return shared.kept[id], err
end

local function read_thresholds(mine, own, set, shared)
  local err
  mine.warn, err = threshold_of(shared, own.warn or set.warn)
  if mine.warn and (own.fail or set.fail) then
    mine.fail, err = threshold_of(shared, own.fail or set.fail)
  end
  return err
end

-- the zone of fe80::1%eth0 is ours alone, and in no certificate
local function unzoned(host)
  return (host:gsub("^([%x:.]+)%%.*$", "%1"))
end

local function seconds_of(text)
  return text and time.duration(tonumber(text) or text)
end

-- what has to be read, and may be wrong
local function read_parts(mine, own, set, shared)
  mine.crls, mine.crl = lists_of(first_of(own.crl, set.crl))
  local err = read_thresholds(mine, own, set, shared)
  if not err then
    mine.lists, err = read_lists(shared, mine.crls)
  end
  if not err then
    mine.pins, err = pins_for(set, own)
  end
  return err
end

-- what does not hang on the name of a target, as a metatable: those without settings of their own share one
local function common(own, set, shared)
  local trust = first_of(own.trust, own.ca, set.trust)
  local mine = {
    trust = trust, is_public = first_of(set.is_public, trust == nil or trust == "system"),
    cert = own.cert or set.cert, key = own.key or set.key,
    min_tls = own.min_tls or set.min_tls, require = own.require or set.require,
    timeout = seconds_of(own.timeout) or set.timeout,
    connect_timeout = seconds_of(own.connect_timeout) or set.connect_timeout,
    at = set.at, sni = own.sni, family = set.family, ocsp = own.ocsp or set.ocsp,
    kept = shared.kept, crl_cache = set.crl_cache,
  }
  local err = read_parts(mine, own, set, shared)
  if err then
    return nil, err
  end
  mine.has_identity = mine.cert ~= nil
  mine.context, err = context_for(shared, mine)
  if not mine.context then
    return nil, lacre_error.annotate(err, { stage = "config" })
  end
  function mine.context_with(group)
    return context_for(shared, mine, group)
  end
  return { __index = mine }
end

--- What counts for a target: its own settings before those of the run.
---@param row lacre.target_row
---@param set table
---@param shared { contexts: table, kept: table, usual?: table, usual_of?: table }
---@return table? mine
---@return lacre.error? err bad_time, bad_pin, file_not_found, trust_unavailable ...
local function settle(row, set, shared)
  local is_usual = next(row.set) == nil
  local known, err = is_usual and shared.usual_of == set and shared.usual, nil
  if not known then
    known, err = common(row.set, set, shared)
  end
  if not known then
    return nil, err
  elseif is_usual then
    shared.usual, shared.usual_of = known, set
  end
  return setmetatable({
    now = set.at or time.now(), server_name = row.name or unzoned(row.host), explicit_name = row.name ~= nil,
  }, known)
end

return settle
