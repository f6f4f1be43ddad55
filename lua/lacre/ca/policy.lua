--- ca.policy: who may ask a CA for what.
--
-- A policy is a table, or the file `policy.lua` beside the store, which is Lua data and sees nothing
-- of the program: `return { names = { "*.corp.example", "10.0.0.0/8" }, longest = "90d" }`. A request
-- that breaks a rule is refused with `policy_refused`, and the error says which rule and why.

local lacre_error = require "lacre.error"
local merged = require "lacre.merged"
local options = require "lacre.options"
local patterns = require "lacre.ca.patterns"
local time = require "lacre.time"

local fail = lacre_error.fail

local policy = {}

local function kinds_of_keys(list)
  for _, kind in ipairs(type(list) == "table" and list or { 0 }) do
    if type(kind) ~= "string" then
      return nil, "list of key types expected, such as { \"p256\", \"rsa:3072\" }"
    end
  end
  return list
end

local rules = {
  names = { type = patterns.read },
  forbidden = { type = patterns.read },
  wildcards = { type = "boolean" },
  keys = { type = kinds_of_keys },
  longest = { type = "duration" },
  subject = { type = "table" },
  unique = { type = "boolean" },
}

local schema = merged(rules, { profiles = { type = "table" }, defaults = { type = "table" } })

local default_schema = {
  valid_for = { type = "duration" },
  crl_urls = { type = "list" },
  ocsp_urls = { type = "list" },
  issuer_urls = { type = "list" },
  policies = { type = "list" },
  must_staple = { type = "boolean" },
  hash = { type = "string" },
  key = { type = "string" },
}

-- the rules: each answers nil, or why not --

local checks = {}

-- what a client could take for a name: a host, an address, a mail address, and no "Alice Smith"
local function name_in(kind, value)
  local text = value:gsub("%.$", "")
  if kind == "CN" and not text:find "[%s/=,]" and text:find "^[%w%*_]" or kind == "CN" and text:find "://" then
    return { type = patterns.kind(text), value = text }
  end
  return kind == "emailAddress" and { type = "email", value = text } or nil
end

-- the names of a draft, and those that its subject says: old clients read them there
local function names_of(draft)
  local names = {}
  for i, item in ipairs(draft.names) do
    names[i] = item
  end
  for kind, value in draft.subject:each() do
    names[#names + 1] = name_in(kind, value)
  end
  return names
end

function checks.names(allowed, draft)
  for _, item in ipairs(names_of(draft)) do
    if not patterns.match(allowed, item) then
      return ("%s is not one of %s"):format(tostring(item.value), table.concat(allowed, ", "))
    end
  end
end

function checks.forbidden(list, draft)
  for _, item in ipairs(names_of(draft)) do
    local pattern = patterns.match(list, item)
    if pattern then
      return ("%s is one of %s"):format(tostring(item.value), pattern)
    end
  end
end

function checks.wildcards(allowed, draft)
  for _, item in ipairs(names_of(draft)) do
    if not allowed and item.type == "dns" and item.value:find("*", 1, true) then
      return ("%s is a wildcard"):format(item.value)
    end
  end
end

-- the names under which a key may be allowed: rsa:3072 allows larger ones too
local function key_fits(key, allowed)
  local kind, bits = key:type(), tonumber(allowed:match "^rsa:(%d+)$")
  if bits or allowed == "rsa" then
    return kind == "rsa" and key:bits() >= (bits or 2048)
  end
  local curve = key:curve()
  return allowed == kind or curve ~= nil and allowed == curve:lower():gsub("-", "")
end

function checks.keys(allowed, draft)
  for _, one in ipairs(allowed) do
    if key_fits(draft.key, one) then
      return nil
    end
  end
  local names = table.concat(allowed, ", ")
  return ("the %s key of %d bits is not one of %s"):format(draft.key:type(), draft.key:bits(), names)
end

function checks.longest(limit, draft)
  -- five minutes of clock skew belong to every certificate
  local length = draft.not_after - draft.not_before
  if length > limit + 300 then
    return ("it would be valid for %s, longer than %s"):format(time.humanize(length), time.humanize(limit))
  end
end

function checks.subject(wanted, draft)
  for kind, value in pairs(wanted) do
    local own = draft.subject:get(kind)
    if own == nil then
      return ("the subject has no %s; it must be %s"):format(kind, tostring(value))
    elseif own ~= value then
      return ("the subject's %s is %s, not %s"):format(kind, own, tostring(value))
    end
  end
end

local order = { "names", "forbidden", "wildcards", "keys", "longest", "subject" }

local function refuse(rule, why)
  local none, err = fail("sign", "policy_refused", "rule '%s': %s", rule, why)
  return none, lacre_error.annotate(err, { detail = { rule = rule } })
end

local Policy = {}
Policy.__index = Policy

--- What holds for a profile: its own rules before those for all; nil where the profile is not allowed.
--- The rules for all are about those who ask for certificates: a CA below this one has only its own.
---@param profile string
---@return table? rules
function Policy:rules_of(profile)
  local own = self.profiles and self.profiles[profile] or nil
  if self.profiles and not own then
    return nil
  end
  local rules_for_all = profile ~= "intermediate" and self or {}
  return type(own) == "table" and merged(rules_for_all, own) or rules_for_all
end

--- Checks what is about to be signed.
---@param draft table of `lacre.cert.create`: key, names, subject, not_before, not_after
---@param profile string
---@return true? allowed
---@return lacre.error? err policy_refused, with detail.rule
function Policy:check(draft, profile)
  local set = self:rules_of(profile)
  if self.problem then
    return nil, self.problem
  elseif not set then
    return refuse("profiles", ("%s certificates are not issued here"):format(profile))
  end
  for _, rule in ipairs(order) do
    local why = set[rule] ~= nil and checks[rule](set[rule], draft)
    if why then
      return refuse(rule, why)
    end
  end
  return true
end

-- a list of names is a table of them with no rules of their own
local function check_profiles(given)
  local profiles = {}
  for name, value in pairs(given) do
    if type(name) == "number" then
      profiles[value] = true
    elseif type(value) == "table" then
      profiles[name] = options.check(rules, value, "policy.profiles." .. name)
    else
      profiles[name] = value
    end
  end
  return profiles
end

--- A policy from its table; what is wrong with it raises.
---@param given table
---@return table policy
function policy.new(given)
  local set = options.check(schema, given, "policy")
  set.defaults = options.check(default_schema, set.defaults, "policy.defaults")
  set.profiles = set.profiles and check_profiles(set.profiles)
  return setmetatable(set, Policy)
end

--- What stands for a policy that cannot be read: nothing is issued under it, and all else goes on.
---@param problem lacre.error
---@return table policy
function policy.broken(problem)
  return setmetatable({ defaults = {}, problem = problem }, Policy)
end

local function load_data(text, path)
  if text:byte() == 27 then
    return nil, "it is not text"
  end
  if setfenv then -- luacheck: ignore
    local chunk, why = loadstring(text, "@" .. path) -- luacheck: ignore
    return chunk and setfenv(chunk, {}), why -- luacheck: ignore
  end
  return load(text, "@" .. path, "t", {})
end

--- A policy from the text of its file.
---@param text string
---@param path string for messages
---@return table? policy
---@return lacre.error? err bad_policy
function policy.parse(text, path)
  local chunk, why = load_data(text, path)
  local ok, data = pcall(chunk or error, why)
  if ok and type(data) ~= "table" then
    ok, data = false, path .. ": it does not return a table"
  elseif ok then
    ok, data = pcall(policy.new, data)
    data = ok and data or path .. ": " .. tostring(data):gsub("^.-%f[%a](bad option)", "%1")
  end
  if not ok then
    return fail("config", "bad_policy", "%s", tostring(data))
  end
  return data
end

return policy
