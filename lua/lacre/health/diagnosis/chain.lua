--- health.diagnosis.chain: what is to be said of a chain of certificates beyond whether it verifies: dates that
--- come near, weak keys and signatures, order, and what is sent too much.

local core = require "lacre.core"
local subject_of = require("lacre.x509.shown").subject
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"

local diagnosis_chain = {}

local DAY = 86400
local key_names = { rsa = "RSA", ec = "EC" }

local function shown(cert)
  return subject_of(cert) or "a certificate without names"
end

-- 0 where the dates are none
local function lifetime_of(cert)
  local first, last = cert:not_before(), cert:not_after()
  return first and last and last - first or 0
end

-- what the rules ask of each certificate of a path, read once
local function links_of(path, is_verified)
  local links = {}
  for i, cert in ipairs(path) do
    links[i] = {
      cert = cert, depth = i - 1, last = cert:not_after() or 0, lifetime = lifetime_of(cert),
      is_anchor = i == #path and (is_verified or cert:is_self_issued()),
    }
  end
  return links
end

--- "19 days left of 90 days", hours where it is less than three days; where it is due for most of its life there is
--- a better threshold.
local function left_of(left, lifetime, due)
  return ("%s left of %s%s"):format(time.humanize(left), time.humanize(lifetime),
    due > lifetime / 2 and "; for short-lived certificates try --warn auto" or "")
end

-- the baseline requirements of public CAs, section 6.3.2: days by the date of issuance
local limits = {
  { time.parse "2020-09-01", 825 }, { time.parse "2026-03-15", 398 }, { time.parse "2027-03-15", 200 },
  { time.parse "2029-03-15", 100 }, { math.huge, 47 },
}

local function longest_life(issued)
  for _, row in ipairs(limits) do
    if issued < row[1] then
      return row[2]
    end
  end
end

local function check_lifetime(out, leaf, set)
  local lifetime = leaf.lifetime
  if lifetime > 0 and lifetime <= 10 * DAY then
    out:add("SHORT_LIVED", ("it is valid for %s: consider --warn auto"):format(time.humanize(lifetime)))
  end
  local longest = set.is_public and longest_life(leaf.last - lifetime) or math.huge
  if lifetime > longest * DAY + 1 then
    out:add("LIFETIME_TOO_LONG",
      ("it is valid for %d days; public CAs may issue for at most %d"):format(math.floor(lifetime / DAY),
      longest))
  end
end

local function check_end(out, link, set)
  local left, lifetime = link.last - set.now, link.lifetime
  local fatal = set.fail and threshold.seconds(set.fail, lifetime) or 0
  local due = math.max(threshold.seconds(set.warn, lifetime), fatal)
  if left < 0 or left > due then
    return
  end
  local is_leaf = link.depth == 0
  out:add(is_leaf and "EXPIRES_SOON" or "CHAIN_EXPIRES_SOON",
    ("%s%s (%s)"):format(is_leaf and "expires " or shown(link.cert) .. " expires ", time.format(link.last),
      left_of(left, lifetime, due)),
    { depth = link.depth, left = left, lifetime = lifetime, threshold = due,
      severity = left <= fatal and "fail" or nil })
end

-- the leaf always; of the verified path everything but the anchor
local function check_ends(out, links, set)
  for _, link in ipairs(links) do
    if link.depth == 0 or not link.is_anchor then
      check_end(out, link, set)
    end
  end
end

local LEAST = { rsa = 2048, ["rsa-pss"] = 2048, ec = 224, dsa = 1e9 }

local function check_key(out, cert, depth)
  local kind, bits = cert:key_strength()
  if LEAST[kind] and bits < LEAST[kind] then
    out:add("WEAK_KEY", ("the key of %s is %s of %d bits"):format(shown(cert), key_names[kind] or kind, bits),
      { depth = depth, bits = bits })
  elseif bits > 4096 and kind:find "^rsa" then
    out:add("OVERSIZED_KEY", ("the key of %s is RSA of %d bits"):format(shown(cert), bits), { depth = depth,
      bits = bits })
  end
end

local known_algorithms = {} -- name -> whether it is broken; there are few

local function is_broken(algorithm)
  if known_algorithms[algorithm] == nil then
    local name = algorithm:lower()
    known_algorithms[algorithm] = (name:find "md[245]" or name:find "sha1" or name:find "sha%-1$") ~= nil
  end
  return known_algorithms[algorithm]
end

local function check_strength(out, links)
  for _, link in ipairs(links) do
    local cert, depth = link.cert, link.depth
    check_key(out, cert, depth)
    local algorithm = cert:signature_algorithm()
    if is_broken(algorithm) and (not link.is_anchor or depth == 0) then
      out:add("WEAK_SIGNATURE", ("%s is signed with %s"):format(shown(cert), algorithm), { depth = depth })
    end
  end
end

local function issuer_of(cert, chain, used)
  for i = 2, #chain do
    if not used[i] and cert:names_issuer(chain[i]) then
      return i
    end
  end
end

-- which of what was sent leads upwards from the leaf, and whether in that order
local function climb(chain)
  local used, ordered, at, cert = { true }, true, 1, chain[1]
  while cert and not cert:is_self_issued() do
    local next_at = issuer_of(cert, chain, used)
    if not next_at then
      break
    end
    ordered = ordered and next_at > at
    at, cert, used[next_at] = next_at, chain[next_at], true
  end
  return used, ordered, cert
end

-- another certificate of a CA that is in the path: cross signatures have their reason
local function is_alternative(chain, at)
  for i = 1, #chain do
    if i ~= at and chain[i]:subject() == chain[at]:subject() then
      return chain[i] ~= chain[at]
    end
  end
  return false
end

local function is_repeated(chain, at)
  for i = 1, at - 1 do
    if chain[i] == chain[at] then
      return true
    end
  end
  return false
end

local MOST_TOLD = 3

local function check_sent(out, chain)
  local used, ordered, top = climb(chain)
  local extra, names = 0, {}
  for i = 2, #chain do
    if not used[i] and not is_alternative(chain, i) then
      extra = extra + 1
      names[#names + 1] = extra <= MOST_TOLD and shown(chain[i]) .. (is_repeated(chain, i) and " (again)" or "") or nil
    end
  end
  if not ordered then
    out:add("CHAIN_ORDER", "the certificates are not sent in the order of the chain, leaf first")
  end
  if extra > 0 then
    out:add("CHAIN_EXTRA_CERTS", ("%d of the %d certificates sent %s not needed: %s"):format(extra, #chain,
      extra == 1 and "is" or "are", table.concat(names, ", ")))
  end
  if #chain > 1 and top:is_self_issued() then
    out:add("ROOT_IN_CHAIN", "the root is also sent: " .. shown(top))
  end
end

local MOST_NAMES = 1000
local LEAST_NAME = 3 -- octets that a name takes: a tag, a length, a letter
local alt_names = core.oid.content "2.5.29.17"

local function check_names(out, leaf)
  local raw = leaf:raw_extension(alt_names)
  local count = raw and #raw.der > MOST_NAMES * LEAST_NAME and #leaf:hosts() or 0
  if count > MOST_NAMES then
    out:add("SAN_COUNT", ("it names %d hosts"):format(count))
  end
end

--- Adds what there is to say about the chain of some facts.
---@param out lacre.findings
---@param facts table of `lacre.health.probe`
---@param set { now: number, warn: table, fail?: table, is_public: boolean }
function diagnosis_chain.check(out, facts, set)
  local built, leaf = facts.built_chain, facts.chain[1]
  local links = links_of(built and built[1] and built or facts.chain, facts.verified_chain ~= nil)
  check_ends(out, built and links or { links[1] }, set)
  check_lifetime(out, links[1], set)
  check_strength(out, links)
  check_sent(out, facts.chain)
  check_names(out, leaf)
  if #leaf:scts() == 0 then
    out:add("NO_SCT", "no certificate transparency timestamps are in the certificate")
  end
end

diagnosis_chain.shown, diagnosis_chain.lifetime_of = shown, lifetime_of

return diagnosis_chain
