--- tls.lab_algorithms: what no option of a context negotiates: a client that only looks, a server of the zoo with a
--- fault.

local core = require "lacre.core"
local fail = require("lacre.error").fail
local groups = require "lacre.tls.groups"
local suites = require "lacre.tls.suites"

-- without those of RFC 7919: a server that knows one of them uses it, and hides its own Diffie-Hellman prime
local looking_groups = { "?X25519MLKEM768", "X25519", "P-256", "P-384", "P-521", "X448" }

-- those of TLS 1.3 that usual clients leave out; OpenSSL before 3.4 has none that only authenticate (RFC 9150)
local odd_suites = { "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256", "TLS_SHA256_SHA256", "TLS_SHA384_SHA384" }

local function use_ciphers(names, ctx)
  local tls12, tls13 = suites.cipher_lists(names, false)
  if not tls12 then
    return fail("config", "unsupported", "this OpenSSL does not support %s", tls13)
  end
  return ctx:ciphers(tls12, tls13)
end

local function use_groups(names, ctx)
  local list, culprit = groups.list(names)
  if not list or #list == 0 then
    return fail("config", "unsupported", "this OpenSSL does not support the group %s", culprit or names[1])
  end
  return ctx:groups(table.concat(list, ":"))
end

-- a second hello, for a server that refused the first
local function use_everything(ctx)
  local tls13 = suites.join(suites.policies.modern.ciphers)
  for _, name in ipairs(odd_suites) do
    tls13[#tls13 + 1] = ctx:ciphers("", name) and name or nil
  end
  local done, err = ctx:ciphers("", table.concat(tls13, ":"))
  if done then
    done, err = ctx:groups(table.concat(suites.join(groups.list(looking_groups), groups.odd()), ":"))
  end
  return done, err
end

--- Applies what a context of the laboratory negotiates.
---@param set table checked options, and `lab`: prime?, offers_everything?
---@param ctx any core context, fresh
---@return true?
---@return lacre.error? err unsupported
return function(set, ctx)
  local lab = set.lab
  local done, err = core.permit[set.role == "client" and "looking" or "weak"](ctx)
  if done and set.min_version then
    done, err = ctx:versions(set.min_version, set.max_version)
  end
  if done and set.ciphers then
    done, err = use_ciphers(set.ciphers, ctx)
  end
  if done and lab.offers_everything then
    done, err = use_everything(ctx)
  elseif done and (set.groups or set.role == "client") then
    done, err = use_groups(set.groups or looking_groups, ctx)
  end
  if done and lab.prime then
    done, err = core.permit.prime(ctx, lab.prime)
  end
  return done, err
end
