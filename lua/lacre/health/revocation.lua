--- health.revocation: whether a certificate was taken back, asked on the network: the issuer's OCSP responder, or
--- its revocation list.
--
-- Both come over plain HTTP and are believed only because they are signed. What was fetched is kept for the
-- run, and lists, where that is wanted, in a directory until they end.

local core = require "lacre.core"
local crl = require "lacre.crl"
local fetching = require "lacre.health.fetching"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local ocsp = require "lacre.ocsp"
local reasons = require "lacre.crl.reasons"
local scope = require "lacre.crl.scope"
local time = require "lacre.time"
local warning = require "lacre.warning"

local fail = lacre_error.fail
local fetch, left, naming = fetching.fetch, fetching.left, fetching.naming

local revocation = {}

local MOST = 32 * 1024 * 1024 -- bytes of a list
local SKEW = 300 -- clocks may differ

-- OCSP --------------------------------------------------------------------------------------------

local function ask_responder(cert, issuer, set)
  local request = ocsp.request { cert = cert, issuer = issuer, nonce = false }
  if not request.url then
    return fail("verify", "ocsp_missing", "the certificate names no OCSP responder")
  end
  local body, err = fetch {
    url = request.url, method = "POST", body = request.der, plaintext = true, timeout = left(set), max_body = 65536,
    headers = { ["Content-Type"] = "application/ocsp-request" },
  }
  if not body then
    return nil, err
  end
  return naming(request.url, ocsp.parse(body))
end

--- What the responder of a certificate says of it.
---@param cert lacre.cert
---@param issuer lacre.cert
---@param set { deadline: number, now: number, kept: table }
---@return lacre.ocsp_response? response one that may be believed and says that it is good
---@return lacre.error? err cert_revoked, ocsp_missing, ocsp_invalid, ocsp_expired, ocsp_unknown, or of the network
function revocation.ocsp(cert, issuer, set)
  local id = "ocsp " .. cert:pin() .. cert:serial()
  local response, err = set.kept[id], nil
  if not response then
    response, err = ask_responder(cert, issuer, set)
    set.kept[id] = response
  end
  if not response then
    return nil, err
  end
  local good
  good, err = response:verify { cert = cert, issuer = issuer, time = set.now }
  return good and response or nil, err
end

-- revocation lists --------------------------------------------------------------------------------

local function cached_path(set, url)
  return set.crl_cache and file.join(set.crl_cache, core.bytes.hex(core.bytes.digest("sha256", url)):sub(1, 32)
    .. ".crl")
end

-- whether a list may be believed of what an issuer issued
local function believe(list, issuer, set)
  if not list:verify(issuer) then
    return fail("verify", "crl_invalid", "the CRL is not signed by %s", tostring(issuer:subject()))
  elseif list:is_expired(set.now) then
    return fail("verify", "crl_expired", "the CRL is out of date (past its nextUpdate)")
  elseif (list:this_update() or math.huge) > set.now + SKEW then
    return fail("verify", "crl_invalid", "the CRL is dated in the future: %s", time.format(list:this_update()))
  end
  local oid = scope.unknown(list)
  if oid then
    return fail("verify", "crl_invalid", "the CRL has an unknown critical extension: %s", oid)
  end
  return true
end

-- a delta tells changes alone, and a list of other certificates nothing
local function is_whole(list, cert)
  if list:is_delta() then
    return fail("verify", "crl_invalid", "the CRL is a delta: it does not tell all that was revoked")
  elseif not scope.covers(list, cert) then
    return fail("verify", "crl_invalid", "the CRL is for other certificates than %s", tostring(cert:subject()))
  end
  return true
end

local function check(list, cert, issuer, set)
  local good, err = believe(list, issuer, set)
  if good then
    good, err = is_whole(list, cert)
  end
  return good, err
end

local function from_cache(set, url, cert, issuer)
  local path = cached_path(set, url)
  local bytes = path and file.read(path)
  local list = bytes and crl.parse(bytes)
  return list and check(list, cert, issuer, set) and list or nil
end

-- what cannot be believed is not kept either: its own end would be believed
-- a cache that cannot be written only costs time, and is told of once
local function keep(set, path, bytes)
  local done, err = file.write(path, bytes, { overwrite = true })
  if not done then
    warning.say("fetched CRLs are not kept in %s: %s", set.crl_cache, err.code)
  end
end

local function download(set, url, cert, issuer)
  local bytes, err = fetch { url = url, plaintext = true, timeout = left(set), max_body = MOST }
  local list
  if bytes then
    list, err = naming(url, crl.parse(bytes))
  end
  local path = list and cached_path(set, url)
  if path and check(list, cert, issuer, set) then
    keep(set, path, bytes)
  end
  return list, err
end

local function list_at(set, url, cert, issuer)
  return fetching.once(set, "crl " .. url, function()
    local list, err = from_cache(set, url, cert, issuer), nil
    if not list then
      list, err = download(set, url, cert, issuer)
    end
    return list, err
  end)
end

local function look_up(list, cert)
  local entry = list:find(cert)
  if entry and entry.reason ~= "remove_from_crl" then
    return nil, lacre_error.new {
      code = "cert_revoked", stage = "verify", library = "lacre", cert = cert,
      message = reasons.sentence(tostring(cert:subject()), entry.time, entry.reason),
      detail = { revoked_at = entry.time, crl_reason = entry.reason },
    }
  end
  return true
end

--- What the list of a certificate's issuer says of it.
---@param cert lacre.cert
---@param issuer lacre.cert
---@param set { deadline: number, now: number, kept: table, crl_cache?: string }
---@return true? good
---@return lacre.error? err cert_revoked, crl_missing, crl_expired, crl_invalid, or of the network
function revocation.crl(cert, issuer, set)
  local url = cert:crl_urls()[1]
  if not url then
    return fail("verify", "crl_missing", "the certificate names no CRL")
  end
  local list, err = list_at(set, url, cert, issuer)
  local good = list
  if list then
    good, err = check(list, cert, issuer, set)
  end
  if not good then
    return nil, err
  end
  return look_up(list, cert)
end

-- as reasons of the health check ------------------------------------------------------------------

local function tell(out, err, problem, is_soft, depth)
  if err.code == "cert_revoked" then
    out:revoked(err.cert, depth, err.detail.revoked_at, err.detail.crl_reason)
  else
    out:add(is_soft and "REVOCATION_UNKNOWN" or problem, err.message, { depth = depth, error = err.code })
  end
end

-- the leaf's was looked up in the handshake; a CA need not have a list among those of the user
local function check_lists(out, chain, set)
  for i = 2, #chain - 1 do
    for _, list in ipairs(set.lists) do
      local good, err = true, nil
      if list:verify(chain[i + 1]) and scope.covers(list, chain[i]) then
        good, err = believe(list, chain[i + 1], set)
        if good then
          good, err = look_up(list, chain[i])
        end
      end
      if not good then
        tell(out, err, "CRL_PROBLEM", false, i - 1)
      end
    end
  end
end

--- Adds what is to be said of a verified chain. `mode` is "soft" (an answer that cannot be had is a
--- warning) or "hard". A good answer that was stapled is as good as one that was fetched.
---@param out lacre.findings
---@param chain lacre.cert[] leaf to anchor
---@param staple_state? string
---@param set table ocsp?, crl?, lists? (of the user), deadline, now, kept, crl_cache?
function revocation.check(out, chain, staple_state, set)
  local asked = false
  if staple_state ~= "good" and (set.ocsp == "soft" or set.ocsp == "hard") and chain[2] then
    local good, err = revocation.ocsp(chain[1], chain[2], set)
    asked = true
    if not good then
      tell(out, err, "OCSP_PROBLEM", set.ocsp == "soft", 0)
    end
  end
  if set.lists then
    check_lists(out, chain, set)
    asked = true
  end
  for i = 1, set.crl and #chain - 1 or 0 do
    local good, err = revocation.crl(chain[i], chain[i + 1], set)
    asked = true
    if not good and (i == 1 or err.code ~= "crl_missing") then -- CAs need not name a list
      tell(out, err, "CRL_PROBLEM", set.crl == "soft", i - 1)
    end
  end
  return asked
end

return revocation
