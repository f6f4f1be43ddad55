--- engine: TLS as a machine: bytes of the wire in and out, no socket, no clock.
--
-- Feed what came, drain what is to be sent, and ask; nothing ever waits. A connection over a socket
-- is the same engine over its own descriptor.

local settings = require "lacre.settings"
local core = require "lacre.core"
local host = require "lacre.host"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local peer = require "lacre.peer"
local groups = require "lacre.groups"
local suites = require "lacre.suites"

local fail = lacre_error.fail

local engine = {}

---@class lacre.engine
local Engine = {}
Engine.__index = Engine
Engine.__name = "lacre.engine"

-- RFC 6066 section 3: no SNI for addresses; RFC 9525: addresses are compared as addresses
local function identity_of(set)
  local name, err
  if set.server_name then
    name, err = host.parse(set.server_name)
    if not name then
      return nil, err
    end
  end
  local sni = set.sni
  if sni == nil and name and name.type == "dns" then
    sni = name.value
  end
  return { name = name and name.value, sni = sni or nil }
end

--- Makes the core's engine, over memory or over a core socket.
---@param ctx lacre.context
---@param set { server_name?: string, sni?: string|false, explicit_name?: boolean, diagnose?: boolean }
---@param socket? any core socket
---@return any? core
---@return lacre.error|string err or the name that is verified
function engine.new_core(ctx, set, socket)
  local inside = settings.inside(ctx)
  local names, err = identity_of(set)
  if not names then
    return nil, err
  end
  local made
  made, err = core.engine.new(inside.core, socket, names.name, names.sni, set.explicit_name, set.diagnose)
  if not made then
    return nil, err
  end
  peer.prepare(made, inside.set, names.name)
  if inside.set.role == "client" then
    made:session(("%s|%s|%s"):format(names.name or "", names.sni or "", set.port or ""))
  end
  return made, names.name
end

--- The option `sni`: what is said on the wire, which never changes what is verified.
engine.sni_option = {
  type = function(value)
    if value == false or type(value) == "string" then
      return value
    end
    return nil, "string or false expected"
  end,
}

local schema = { server_name = { type = "string" }, sni = engine.sni_option }

--- Raises unless a client has a name to verify, and a server none.
---@param ctx lacre.context
---@param set { server_name?: string, sni?: string|false }
---@param what string who takes the options
function engine.must_have_name(ctx, set, what)
  local inside = settings.inside(ctx)
  if inside.set.role == "client" and not set.server_name and not inside.set.pins_only then
    options.misuse("missing option 'server_name' to '%s' (a client verifies a name)", what)
  elseif inside.set.role == "server" and (set.server_name or set.sni) then
    options.misuse("bad option 'server_name' to '%s' (a client option, and this is a server)", what)
  end
end

--- An engine over memory.
---@param ctx lacre.context
---@param given? { server_name?: string, sni?: string|false } clients need `server_name`
---@return lacre.engine? engine
---@return lacre.error? err bad_name
function engine.new(ctx, given)
  local set = options.check(schema, given, "engine")
  engine.must_have_name(ctx, set, "engine")
  set.explicit_name = set.server_name ~= nil
  local made, name = engine.new_core(ctx, set)
  if not made then
    return nil, name
  end
  return setmetatable({ core = made, context = ctx, name = name }, Engine)
end

-- what is owed to the caller: "not yet" is false, an error is explained
local function outcome(self, result, why)
  if result ~= nil then
    return result
  elseif lacre_error.is(why) then
    return nil, peer.explain(self, why)
  end
  return false
end

--- Takes bytes of the wire.
---@param bytes string
---@return integer accepted fewer than given when the engine holds 256 KiB undigested
function Engine:feed(bytes)
  return self.core:feed(bytes)
end

--- Says that the wire has ended.
function Engine:feed_eof()
  return self.core:feed_eof()
end

--- Bytes to send, "" when there are none. After an error too: the alert is in them.
---@param max? integer bytes at most
---@return string
function Engine:drain(max)
  return self.core:drain(max or 0x7fffffff)
end

--- Goes on with the handshake as far as the bytes allow.
---@return boolean? done false: drain, and feed more
---@return lacre.error? err
function Engine:handshake()
  if self.is_established then
    return self.failure == nil or nil, self.failure
  end
  local done, why = self.core:handshake()
  while peer.hooks[why] do
    local answered, err = peer.hooks[why](self)
    if not answered then
      return nil, err
    end
    done, why = self.core:handshake()
  end
  if done then
    self.is_established = true
    return peer.complete(self)
  end
  return outcome(self, done, why)
end

--- Encrypts; drain afterwards.
---@param data string
---@return true?
---@return lacre.error? err handshake_incomplete, closed
function Engine:write(data)
  local count, why = self.core:write(data, 1)
  if count == #data then
    return true
  end
  return nil, lacre_error.is(why) and peer.explain(self, why) or select(2, fail("write", "closed", "it is closed"))
end

--- Decrypts.
---@param max? integer 16384 at most
---@return string|false|nil data false: feed more
---@return lacre.error? err closed at the clean end; unexpected_eof
function Engine:read(max)
  return outcome(self, self.core:read(max or 16384))
end

local function read_all(self)
  local pieces = {}
  while true do
    local data, err = self:read()
    if not data then
      return table.concat(pieces), err
    end
    pieces[#pieces + 1] = data
  end
end

--- Feeds, goes on with the handshake, and reads everything.
---@param bytes? string nil: the wire has ended
---@return string? plaintext "" when there is none
---@return lacre.error? err
---@return string? plaintext what was read before the error
function Engine:advance(bytes)
  if bytes then
    self:feed(bytes)
  else
    self:feed_eof()
  end
  local done, err = self:handshake()
  if not done then
    return not err and "" or nil, err
  end
  local text
  text, err = read_all(self)
  if err then
    return nil, err, text
  end
  return text
end

--- Queues close_notify.
function Engine:shutdown()
  return outcome(self, self.core:shutdown())
end

---@return "handshaking"|"open"|"closing"|"closed"|"failed"
function Engine:state()
  return self.core:state()
end

---@return boolean
function Engine:is_open()
  return self.is_established == true and self.core:state() == "open"
end

--- Bytes fed and not digested.
function Engine:pending_in()
  local _, undigested = self.core:pending()
  return undigested
end

--- Bytes to drain.
function Engine:pending_out()
  local _, _, out = self.core:pending()
  return out
end

--- The facts that engines and connections share; `conn` uses them too.
engine.facts = {}

local function verified_how(self, set)
  if set.pins_only then
    return self.core:pin_state() == "match" and "pins" or "none"
  end
  return self.core:verified_chain() and "chain" or "none"
end

local function pin_of(self, set)
  local state, place = self.core:pin_state()
  local pins = state == "match" and peer.pins_of(set, self.name)
  return pins and tostring(pins.pins[place]) or state
end

--- What is known of the connection, as plain data.
---@return table info role version cipher group sigalg alpn server_name resumed verified pin insecure
function engine.facts:info()
  local info, set = self.core:info(), settings.inside(self.context).set
  info.role = set.role
  info.group = info.group and groups.usual(info.group)
  info.sigalg = suites.signature_name(info.sigalg)
  info.server_name, info.sni = self.name or info.sni, nil
  info.verified = verified_how(self, set)
  info.pin = pin_of(self, set)
  local staple = self.core:staple_state()
  info.ocsp = staple and { status = staple }
  info.insecure = settings.sins(set)
  return info
end

---@return lacre.cert?
function engine.facts:peer_cert()
  local chain = self.core:peer_chain()
  return chain and chain[1]
end

--- What the peer sent, leaf first.
---@return lacre.cert[]?
function engine.facts:peer_chain()
  return self.core:peer_chain()
end

--- The chain that was built and verified, leaf to anchor.
---@return lacre.cert[]?
function engine.facts:verified_chain()
  return self.core:verified_chain()
end

---@return lacre.cert?
function engine.facts:local_cert()
  return self.core:local_cert()
end

--- Keying material for other protocols: RFC 5705, RFC 8446 section 7.5.
---@param label string
---@param length integer
---@param material? string
---@return string?
---@return lacre.error?
function engine.facts:export(label, length, material)
  return self.core:export(label, length, material)
end

-- RFC 5929 section 4.1: the digest of the certificate's own signature, SHA-256 for broken ones
local function end_point(cert)
  local digest = cert:signature_algorithm():lower():match "sha%-?(%d+)"
  if not digest then
    return fail("read", "unsupported", "the certificate's signature has no digest that RFC 5929 could name")
  end
  local name = (digest == "1" or digest == "224") and "sha256" or "sha" .. digest
  return core.bytes.digest(name, cert:to_der())
end

--- What binds an authentication inside the connection to the connection.
---@param kind "tls-exporter"|"tls-server-end-point" RFC 9266, RFC 5929
---@return string? bytes
---@return lacre.error? err unsupported, handshake_incomplete
function engine.facts:channel_binding(kind)
  if kind == "tls-exporter" then
    return self:export("EXPORTER-Channel-Binding", 32, "")
  elseif kind ~= "tls-server-end-point" then
    return fail("read", "unsupported", "no channel binding of the type %s", tostring(kind))
  end
  local chain = self.context:role() == "client" and self.core:peer_chain()
  local cert = chain and chain[1] or self.context:role() == "server" and self.core:local_cert() or nil
  if not cert then
    return fail("read", "handshake_incomplete", "there is no certificate yet")
  end
  return end_point(cert)
end

---@return string?
function engine.facts:alpn()
  return self.core:info().alpn
end

---@return string?
function engine.facts:version()
  return self.core:info().version
end

--- The name that is verified; at a server, the name the client asked for.
---@return string?
function engine.facts:server_name()
  return self.name or self.core:info().sni
end

for name, method in pairs(engine.facts) do
  Engine[name] = method
end

--- Frees it now instead of when it is collected.
function Engine:close()
  return self.core:close()
end

Engine.__close = Engine.close

function Engine:__tostring()
  return ("lacre.engine: %s"):format(self:state())
end

return engine
