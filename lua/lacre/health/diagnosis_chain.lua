--- health.diagnosis_chain: what is to be said of a chain of certificates beyond whether it verifies: dates that
--- come near, weak keys and signatures, order, and what is sent too much.

local key_names = { rsa = "RSA", ec = "EC" }

local key_strength = require "lacre.key.strength"
local subject_of = require("lacre.x509.shown").subject
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"

local diagnosis_chain = {}

local DAY = 86400

local function shown(cert)
  return subject_of(cert) or "a certificate without names"
end

-- as it is encoded, which is enough to tell a root from the rest
local function is_self_issued(cert)
  return cert:subject_der() == cert:issuer_der()
end

-- 0 where the dates are none
local function lifetime_of(cert)
  local first, last = cert:not_before(), cert:not_after()
  return first and last and last - first or 0
end

--- "19 days left of 90 days", hours where it is less than three days; where it is due for most of its life there is
--- a better threshold.
local function left_of(left, lifetime, due)
  return ("%s left of %s%s"):format(time.humanize(left), time.humanize(lifetime),
    due > lifetime / 2 and "; for short-lived certificates try lacre health --warn auto" or "")
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

local function check_lifetime(out, cert, set)
  local lifetime = lifetime_of(cert)
  if lifetime > 0 and lifetime <= 10 * DAY then
    out:add("SHORT_LIVED", ("it is valid for %s: consider lacre health --warn auto"):format(time.humanize(lifetime)))
  end
  local longest = longest_life(cert:not_before() or 0)
  if set.is_public and lifetime > longest * DAY + 1 then
    out:add("LIFETIME_TOO_LONG",
      ("it is valid for %d days; public CAs may issue for at most %d"):format(math.floor(lifetime / DAY),
      longest))
  end
end

-- the leaf always; of the verified path everything but the anchor
local function check_ends(out, path, is_verified, set)
  for i, cert in ipairs(path) do
    local left, lifetime = (cert:not_after() or 0) - set.now, lifetime_of(cert)
    local fatal = set.fail and threshold.seconds(set.fail, lifetime) or 0
    local due = math.max(threshold.seconds(set.warn, lifetime), fatal)
    local is_anchor = i == #path and (is_verified or is_self_issued(cert))
    if left >= 0 and left <= due and (i == 1 or not is_anchor) then
      out:add(i == 1 and "EXPIRES_SOON" or "CHAIN_EXPIRES_SOON",
        ("%s%s (%s)"):format(i == 1 and "expires " or shown(cert) .. " expires ", time.format(cert:not_after()),
          left_of(left, lifetime, due)),
        { depth = i - 1, left = left, lifetime = lifetime, threshold = due,
          severity = left <= fatal and "fail" or nil })
    end
  end
end

local LEAST = { rsa = 2048, ["rsa-pss"] = 2048, ec = 224, dsa = 1e9 }

local function check_key(out, cert, depth)
  local kind, bits = key_strength(cert:spki())
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

local function check_strength(out, path, is_complete)
  for i, cert in ipairs(path) do
    check_key(out, cert, i - 1)
    local is_root = i == #path and (is_complete or is_self_issued(cert))
    local algorithm = cert:signature_algorithm()
    if is_broken(algorithm) and (not is_root or i == 1) then
      out:add("WEAK_SIGNATURE", ("%s is signed with %s"):format(shown(cert), algorithm), { depth = i - 1 })
    end
  end
end

local function issuer_of(cert, chain, used)
  for i = 2, #chain do
    if not used[i] and (chain[i]:subject_der() == cert:issuer_der() or chain[i]:subject() == cert:issuer()) then
      return i
    end
  end
end

-- which of what was sent leads upwards from the leaf, and whether in that order
local function climb(chain)
  local used, ordered, at, cert = { true }, true, 1, chain[1]
  while cert and not is_self_issued(cert) do
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
  if #chain > 1 and is_self_issued(top) then
    out:add("ROOT_IN_CHAIN", "the root is also sent: " .. shown(top))
  end
end

local MOST_NAMES = 1000

--- Adds what there is to say about the chain of some facts.
---@param out lacre.findings
---@param facts table of `lacre.health.probe`
---@param set { now: number, warn: table, fail?: table, is_public: boolean }
function diagnosis_chain.check(out, facts, set)
  local leaf = facts.chain[1]
  local path = facts.built_chain and #facts.built_chain > 0 and facts.built_chain or facts.chain
  local is_verified = facts.verified_chain ~= nil
  check_ends(out, facts.built_chain and path or { leaf }, is_verified, set)
  check_lifetime(out, leaf, set)
  check_strength(out, path, is_verified)
  check_sent(out, facts.chain)
  if #leaf:hosts() > MOST_NAMES then
    out:add("SAN_COUNT", ("it names %d hosts"):format(#leaf:hosts()))
  end
  if #leaf:scts() == 0 then
    out:add("NO_SCT", "no certificate transparency timestamps are in the certificate")
  end
end

diagnosis_chain.shown, diagnosis_chain.lifetime_of = shown, lifetime_of

return diagnosis_chain
