--- pki: certificates for specs, issued when a spec runs. Nothing is stored, nothing expires.
--
--   local pki = require "spec.support.pki"
--   local root = pki.root()                          -- { cert, key, chain = {} }
--   local inter = pki.intermediate(root)             -- issued by root; `chain` goes up to it
--   local leaf = pki.issue(inter, { hosts = { "a.example" } })
--   local old = pki.expired(root)                    -- a leaf for "localhost" that ended yesterday
--
-- An identity is `{ cert, key, chain }` with the intermediates in `chain`; `pem` is all of it.

local cert = require "lacre.cert"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local time = require "lacre.time"

local pki = {}

local assert = lacre_error.assert
local DAY = 86400
local YEAR = 365 * DAY

local function identity(made, private, chain)
  local pem = { made:to_pem() }
  for _, one in ipairs(chain) do
    pem[#pem + 1] = one:to_pem()
  end
  return { cert = made, key = private, chain = chain, pem = table.concat(pem), key_pem = assert(private:to_pem()) }
end

local function merged(defaults, given)
  local all = {}
  for _, from in ipairs { defaults, given or {} } do
    for name, value in pairs(from) do
      all[name] = value
    end
  end
  return all
end

-- generating is cheap, and no two certificates share a key by accident
local function make(options, issuer)
  local private = options.key or assert(key.generate(options.key_type or "p256"))
  options.key_type, options.key = nil, private
  if issuer then
    options.issuer, options.issuer_key = issuer.cert, issuer.key
  end
  local chain = {}
  if issuer and not issuer.cert:is_self_issued() then
    chain[1] = issuer.cert
    for _, one in ipairs(issuer.chain) do
      chain[#chain + 1] = one
    end
  end
  return identity(assert(cert.create(options)), private, chain)
end

--- A root CA that trusts itself, and is a year old: what it issues may have ended long ago.
function pki.root(given)
  return make(merged({ profile = "ca", subject = "CN=Test Root,O=Lacre", not_before = time.now() - YEAR }, given))
end

--- A CA below another.
function pki.intermediate(issuer, given)
  local first = math.max(issuer.cert:not_before(), time.now() - YEAR)
  return make(merged({ profile = "intermediate", subject = "CN=Test Intermediate,O=Lacre", not_before = first }, given), issuer)
end

--- Any leaf; a server for localhost by default.
function pki.issue(issuer, given)
  return make(merged({ hosts = { "localhost", "127.0.0.1", "::1" } }, given), issuer)
end

--- A leaf that signs itself.
function pki.self_signed(given)
  return make(merged({ hosts = { "localhost", "127.0.0.1", "::1" } }, given))
end

--- A leaf that ended yesterday.
function pki.expired(issuer, given)
  local now = time.now()
  return pki.issue(issuer, merged({ not_before = now - 30 * DAY, not_after = now - DAY }, given))
end

--- A leaf that begins tomorrow.
function pki.future(issuer, given)
  local now = time.now()
  return pki.issue(issuer, merged({ not_before = now + DAY, not_after = now + 30 * DAY }, given))
end

--- A leaf for other names.
function pki.wrong_host(issuer, given)
  return pki.issue(issuer, merged({ hosts = { "wrong.example" } }, given))
end

--- A certificate for clients.
function pki.client(issuer, given)
  return pki.issue(issuer, merged({ profile = "client", hosts = { "client@lacre.example" } }, given))
end

--- A path in the system's temporary directory; `pki.clean()` removes what was written there.
local written = {}
function pki.file(name, bytes)
  local path = os.tmpname()
  os.remove(path)
  path = path .. "-" .. name
  local handle = io.open(path, "wb")
  handle:write(bytes)
  handle:close()
  if name:find "%.key$" then
    os.execute("chmod 600 " .. path) -- others that may read it are warned of
  end
  written[#written + 1] = path
  return path
end

function pki.clean()
  for _, path in ipairs(written) do
    os.remove(path)
  end
  written = {}
end

return pki
