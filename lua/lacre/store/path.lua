--- store.path: one verification of a certificate against anchors: its rules, its helpers, its verdict.

local certificate = require "lacre.cert.read"
local core = require "lacre.core"
local host = require "lacre.host"
local later = require "lacre.later"
local options = require "lacre.options"
local pin = require "lacre.pin"
local purpose = require "lacre.store.purpose"
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

local function are_certificates(list)
  for i = 1, #list do
    if not certificate.is(list[i]) then
      return false
    end
  end
  return true
end

local function helpers(spec)
  if type(spec) == "string" then
    return (spec:find("-----BEGIN ", 1, true) and certificate.parse_all or certificate.load_all)(spec)
  elseif certificate.is(spec) then
    return { spec }
  elseif type(spec) ~= "table" then
    options.misuse("bad option 'intermediates' (certificate, PEM or file expected, got %s)", type(spec))
  elseif are_certificates(spec) then
    return spec
  end
  local list = {}
  for _, item in ipairs(spec) do
    local some, err = helpers(item)
    if not some then
      return nil, err
    end
    for _, one in ipairs(some) do
      list[#list + 1] = one
    end
  end
  return list
end

local function load_crls(spec)
  if revocations.is(spec) then
    return { spec }
  elseif type(spec) == "string" then
    return (spec:find("-----BEGIN ", 1, true) and revocations.parse_all or revocations.load_all)(spec)
  elseif type(spec) ~= "table" then
    options.misuse("bad option 'crls' (revocation list, PEM or file expected, got %s)", type(spec))
  end
  local list = {}
  for _, item in ipairs(spec) do
    local some, err = load_crls(item)
    if not some then
      return nil, err
    end
    for _, one in ipairs(some) do
      list[#list + 1] = one
    end
  end
  return list
end

-- lists are added to a store of their own: the one given stays as it is
local function with_crls(base, spec)
  if spec == nil then
    return base
  end
  local crls, err = load_crls(spec)
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

--- A store with revocation lists beside the anchors of another, which stays as it is.
---@type fun(base: lacre.store, spec: any): lacre.store?, lacre.error?
---@package
path.with_crls = with_crls

--- The revocation lists of objects, PEM, files, or a list of them.
---@type fun(spec: any): lacre.crl[]?, lacre.error?
---@package
path.load_crls = load_crls

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
    untrusted, err = helpers(set.intermediates)
  end
  if not untrusted then
    return nil, err
  end
  if set.crls ~= nil then
    base, err = with_crls(base, set.crls)
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
