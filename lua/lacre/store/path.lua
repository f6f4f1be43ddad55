--- store.path: one verification of a certificate against anchors: its rules, its helpers, its verdict.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local host = require "lacre.host"
local later = require "lacre.later"
local pin = require "lacre.pin"
local purpose = require "lacre.store.purpose"
local several = require "lacre.x509.several"
local time = require "lacre.time"
local trust = require "lacre.store.trust"
local verdict = require "lacre.store.verdict"

local revocations = later "lacre.crl.read"

local floor = math.floor

local path = {}

path.schema = {
  trust = { type = "any", default = "system" },
  intermediates = { type = { "list", "string", "userdata" }, default = {} },
  server_name = { type = "string" },
  email = { type = "string" },
  any_name = { type = "boolean" },
  purpose = {
    type = "string", default = "server",
    values = { "server", "client", "email", "code_signing", "ocsp", "timestamp", "any" },
  },
  time = { type = "instant" },
  strict = { type = { "boolean", "string" }, default = true },
  max_depth = { type = "integer", default = 8 },
  security_level = { type = "integer", default = 2 },
  crls = { type = { "list", "string", "userdata" } },
  revocation = { type = "string", values = { "off", "leaf", "chain" } },
  pins = { type = "any" },
  all_errors = { type = "boolean", default = false },
  policies = { type = "list" },
}

local strictness = { [true] = 1, [false] = 0, anchors = 2 }

-- makes of the options what C reads of them: the rest of the rules goes among them
local function check_policies(list)
  for _, oid in ipairs(list or {}) do
    if type(oid) ~= "string" or not oid:find "^%d" or not core.oid.content(oid) then
      error(("bad option 'policies' to 'verify' ('%s' is not an object identifier)"):format(tostring(oid)), 0)
    end
  end
end

local function add_rules(set)
  check_policies(set.policies)
  set.strict = strictness[set.strict]
  set.time = floor(set.time or time.now())
  set.revocation = set.revocation or (set.crls and "chain" or "off")
  if not set.strict then
    error("bad option 'strict' to 'verify' (true, false or \"anchors\" expected)", 0)
  elseif set.server_name then
    local wanted, err = host.reference(set.server_name)
    if not wanted then
      return nil, err
    end
    set[wanted.type == "ip" and "ip" or "host"] = wanted.value
  elseif not set.email and not set.any_name then
    error("missing option 'server_name' to 'verify' (a name, 'email', or any_name = true)", 0)
  end
  return true
end

local function helpers_of(spec)
  return several.of(spec, certificate, "certificate", "intermediates")
end

--- The revocation lists of objects, PEM, files, or a list of them.
---@param spec any
---@return lacre.crl[]? lists
---@return lacre.error? err
---@package
function path.load_crls(spec)
  return several.of(spec, revocations, "revocation list", "crls")
end

--- A store with revocation lists beside the anchors of another, which stays as it is.
---@param base lacre.store
---@param spec any lists as `path.load_crls` takes them; none where it is nil
---@return lacre.store? store
---@return lacre.error? err
---@package
function path.with_crls(base, spec)
  if spec == nil then
    return base
  end
  local crls, err = path.load_crls(spec)
  if not crls then
    return nil, err
  end
  local own = trust.empty()
  local done
  done, err = trust.add(own, base)
  for _, crl in ipairs(done and crls or {}) do
    done, err = own:add_crl(crl)
    if not done then
      break
    end
  end
  return done and own, err
end

-- whether nothing was found, with what OpenSSL does not look at
local function is_fit(findings, good, cert, set)
  local chain = findings.chain or { cert }
  local depth = (good or set.all_errors) and purpose.lacking(chain, set.purpose)
  if depth then
    findings[#findings + 1] = {
      number = 26, code = "wrong_purpose", reason = "X509_V_ERR_INVALID_PURPOSE",
      depth = depth, cert = chain[depth + 1],
    }
  end
  return good and not depth
end

-- of a set for several hosts counts what is for the name that was asked for
local function check_pins(chain, set)
  local pins, err = pin.set(set.pins)
  if pins and pins.hosts then
    pins = set.server_name and pins:for_host(set.server_name)
    if not pins then
      return true
    end
  end
  if not pins then
    return nil, err
  end
  return pin.check(pins, chain, set.time)
end

local function refusal(findings, cert, untrusted, set)
  local presented = { cert }
  for i, one in ipairs(untrusted) do
    presented[i + 1] = one
  end
  return verdict.error(findings, {
    server_name = set.server_name, email = set.email, purpose = set.purpose, now = set.time,
    max_depth = set.max_depth, presented = presented,
  })
end

--- The verdict of a certificate.
---@param base lacre.store
---@param cert lacre.cert
---@param set table checked options
---@return lacre.cert[]? chain
---@return lacre.error? err
function path.judge(base, cert, set)
  local good, err = add_rules(set)
  local untrusted, findings
  if good then
    untrusted, err = helpers_of(set.intermediates)
  end
  if not untrusted then
    return nil, err
  end
  if set.crls ~= nil then
    base, err = path.with_crls(base, set.crls)
  end
  if not base then
    return nil, err
  end
  findings, good = base:check(cert, untrusted, set)
  if not findings then
    return nil, good
  elseif not is_fit(findings, good, cert, set) then
    return nil, refusal(findings, cert, untrusted, set)
  end
  if set.pins ~= nil then
    good, err = check_pins(findings.chain, set)
  end
  return good and findings.chain, err
end

return path
