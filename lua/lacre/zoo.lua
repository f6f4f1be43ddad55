--- zoo: many faulty servers in one process, on loopback, each with one fault and a verdict.
--
-- Every entry has a port of its own, where it is "localhost"; entries that speak TLS are also behind one
-- front door, where NAME.zoo.test chooses them by the name a client asks for. What this OpenSSL cannot
-- build is told as unavailable, and never served as something else. Everything runs in `lacre.loop`.

local conn = require "lacre.conn"
local core = require "lacre.core"
local entries = require "lacre.zoo.entries"
local keeper = require "lacre.zoo.keeper"
local lacre_error = require "lacre.error"
local listener = require "lacre.listener"
local merged = require "lacre.merged"
local options = require "lacre.options"
local reception = require "lacre.net.reception"
local settings = require "lacre.tls.settings"
local groups = require "lacre.tls.groups"
local suites = require "lacre.tls.suites"
local tcp = require "lacre.tcp"
local zoo_nobody = require "lacre.zoo.nobody"
local zoo_office = require "lacre.zoo.office"
local zoo_pki = require "lacre.zoo.pki"

local fail = lacre_error.fail

local zoo = {}

---@class lacre.zoo
---@field entries table[] those that are open: the rows of `lacre.zoo.entries`, with `host` and `port`
---@field unavailable { name: string, error: lacre.error }[]
---@field pki lacre.zoo_pki
---@field front { host: string, port: integer }
local Zoo = {}
Zoo.__index = Zoo

--- Every row, whether this OpenSSL can build it or not.
zoo.rows = entries

--- What a client that takes care does with an entry.
---@type fun(entry: table): "accept"|"refuse"|"either"
zoo.client_of = keeper.client_of

local function greet(self, entry, plain)
  if entry.before and not entry.before(plain) then
    return
  end
  local visitor = conn.over(self.contexts[entry.name], plain.socket, { io_timeout = 10, handshake_timeout = 10 })
  if visitor and visitor:handshake() then
    return keeper.entertain(visitor, entry)
  elseif visitor then
    visitor:abort()
  end
end

local function serve(self, entry, door)
  return reception.open(door, entry.raw or function(plain)
    greet(self, entry, plain)
  end)
end

-- what a leaf names as the places to ask about revocation
local function leaf_of(self, entry)
  if not entry.office then
    return entry.leaf
  end
  local dead = ("http://127.0.0.1:%d/"):format(self.nobody.port)
  local create = { ocsp_urls = { dead }, crl_urls = { dead } }
  if entry.office == "issuer" then
    create = { issuer_urls = self.office:urls().issuer_urls }
  elseif entry.office ~= "dead" then
    create = self.office:urls()
  end
  return merged(entry.leaf, { create = merged(create, entry.leaf.create) })
end

local function context_of(self, entry)
  local identity, err = self.pki:identity(leaf_of(self, entry), entry.name)
  if not identity then
    return nil, err
  elseif entry.office == "revoked" then
    self.office:revoke(identity.cert)
  end
  local set = merged({ identity = identity, session_tickets = false, min_version = "1.2" }, entry.server)
  set.ciphers = set.ciphers or suites.policies[set.min_version < "1.2" and "compat" or "default"].ciphers
  if entry.client_auth then
    set.client_auth, set.client_trust = entry.client_auth, self.pki:trust()
  end
  local made = entry.make and entry.make(self.pki:ca "issuing", identity, self.pki.now) or nil
  return settings.lab("server", merged(set, made), { prime = entry.prime })
end

local function prepare(self, entry)
  if entry.without_group and groups.list { entry.without_group } then
    return fail("config", "unsupported", "this OpenSSL supports %s: the server without it does not apply",
      entry.without_group)
  elseif entry.before_openssl and core.openssl.number >= entry.before_openssl then
    return fail("config", "unsupported", "this OpenSSL corrects or omits the fault")
  elseif not entry.leaf then
    return true
  end
  local ctx, err = context_of(self, entry)
  self.contexts[entry.name] = ctx
  return ctx ~= nil or nil, err
end

local function open_entry(self, entry)
  local ready, err = prepare(self, entry)
  if not ready then
    self.unavailable[#self.unavailable + 1] = { name = entry.name, error = err }
    return true
  end
  local port = entry.closed and self.nobody.port
  if not port then
    local door
    door, err = tcp.listen { host = "127.0.0.1", port = 0, io_timeout = 10 }
    if not door then
      return nil, err
    end
    self.doors[#self.doors + 1] = serve(self, entry, door)
    port = select(2, door:address())
  end
  self.entries[#self.entries + 1] = setmetatable({ host = "localhost", port = port }, { __index = entry })
  return true
end

local function by_name(self)
  local known = {}
  for _, entry in ipairs(self.entries) do
    known[entry.name .. ".zoo.test"] = self.contexts[entry.name]
  end
  return known
end

-- which animal a visitor of the front door came for, the name says that it asks for
local function receive(visitor)
  if visitor:handshake() then
    keeper.entertain(visitor, { name = tostring(visitor:server_name()), verdict = "pass" })
  end
  visitor:abort()
end

local function open_front(self, port)
  local known = by_name(self)
  local porter, err = self.pki:identity({}, "zoo")
  local ctx, door
  if porter then
    ctx, err = settings.lab("server", {
      identity = porter, session_tickets = false, min_version = "1.0",
      on_client_hello = function(hello)
        return known[hello.server_name] or nil
      end,
    })
  end
  if ctx then
    door, err = listener.listen { context = ctx, host = "127.0.0.1", port = port }
  end
  if not door then
    return nil, err
  end
  self.doors[#self.doors + 1] = reception.open(door, receive)
  self.front = { host = "127.0.0.1", port = select(2, door:address()) }
  return true
end

local function wanted(entry, only)
  if not only then
    return true
  end
  for _, name in ipairs(only) do
    if entry.name == name or entry.group == name then
      return true
    end
  end
  return false
end

local function is_known(name)
  for _, entry in ipairs(entries) do
    if wanted(entry, { name }) then
      return true
    end
  end
  return false
end

--- Whether there is an entry or a group for each name.
---@param only? string[]
---@return true?
---@return lacre.error? err bad_name
function zoo.check(only)
  for _, name in ipairs(only or {}) do
    if not is_known(name) then
      local _, err = fail("config", "bad_name", "the zoo has no '%s'", tostring(name))
      return nil, lacre_error.annotate(err, { hint = "run lacre zoo --list to see what it has" })
    end
  end
  return true
end

local schema = { only = { type = "list" }, port = { type = "integer", default = 0 } }

local function open_doors(self, set)
  local err
  self.office, err = zoo_office.open(self.pki)
  self.doors[1] = self.office
  if self.office then
    self.nobody, err = zoo_nobody.open()
    self.doors[2] = self.nobody
  end
  local done = self.nobody
  for _, entry in ipairs(done and entries or {}) do
    if done and wanted(entry, set.only) then
      done, err = open_entry(self, entry)
    end
  end
  if not done then
    return nil, err
  end
  return open_front(self, set.port)
end

--- Opens the zoo, inside of a loop.
---@param given? { only?: string[], port?: integer } names or groups; the front door's port, 0 for any
---@return lacre.zoo?
---@return lacre.error? err bad_name, address_in_use ...
function zoo.open(given)
  local set = options.check(schema, given, "zoo.open")
  local fine, unknown = zoo.check(set.only)
  if not fine then
    return nil, unknown
  end
  local self = setmetatable({ pki = zoo_pki.new(), entries = {}, unavailable = {}, contexts = {}, doors = {} }, Zoo)
  local done, err = open_doors(self, set)
  if not done then
    self:close()
    return nil, err
  end
  return self
end

--- Closes every door.
function Zoo:close()
  for _, door in ipairs(self.doors) do
    door:close()
  end
end

return zoo
