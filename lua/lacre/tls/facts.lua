--- tls.facts: what is known of a connection, the same for engines and for connections over sockets.
--
-- Both hold the core's engine in `core`, their context in `context` and the verified name in `name`.
-- Once closed, `core` is a stand-in that answers everything with the error `closed`.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local groups = require "lacre.tls.groups"
local options = require "lacre.options"
local peer = require "lacre.tls.peer"
local settings = require "lacre.tls.settings"
local sigalgs = require "lacre.tls.sigalgs"

local fail = lacre_error.fail

local facts = {}

local function closed()
  return fail("read", "closed", "the connection is closed")
end

--- The error of everything that comes too late.
---@return nil
---@return lacre.error
facts.closed = closed

--- What stands in for the core's engine of a closed connection.
facts.CLOSED = setmetatable({
  state = function()
    return "closed"
  end,
  pending = function()
    return 0, 0, 0
  end,
}, {
  __index = function()
    return closed
  end,
})

local methods = {}

local function verified_how(self, set)
  if self.failure then
    return "none"
  end
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

--- What a handshake has agreed on, by its usual names.
---@param made any engine of the core
---@return table info version cipher group sigalg alpn sni resumed
function facts.agreed(made)
  local info = made:info()
  info.group = info.group and groups.usual(info.group)
  info.sigalg = sigalgs.usual(info.sigalg)
  return info
end

--- Information about the connection, as plain data.
---@return table info role version cipher group sigalg alpn server_name resumed verified pin insecure
function methods:info()
  local info, set = facts.agreed(self.core), settings.inside(self.context).set
  info.role = set.role
  info.server_name, info.sni = self.name or info.sni, nil
  info.verified = verified_how(self, set)
  info.pin = pin_of(self, set)
  local staple = self.core:staple_state()
  info.ocsp = staple and { status = staple }
  info.insecure = settings.sins(set)
  return info
end

--- The peer's certificate.
---@return lacre.cert?
function methods:peer_cert()
  local chain = self.core:peer_chain()
  return chain and chain[1]
end

--- The chain the peer sent, leaf first.
---@return lacre.cert[]?
function methods:peer_chain()
  return self.core:peer_chain()
end

--- The chain that was built and verified, leaf to anchor.
---@return lacre.cert[]?
function methods:verified_chain()
  return self.core:verified_chain()
end

--- The certificate that this side presented.
---@return lacre.cert?
function methods:local_cert()
  return self.core:local_cert()
end

--- Keying material for other protocols: RFC 5705, RFC 8446 section 7.5.
---@param label string
---@param length integer
---@param material? string
---@return string?
---@return lacre.error?
function methods:export(label, length, material)
  options.argument("export", 1, label, "string")
  local is_length = type(length) == "number" and length >= 1 and length <= 4096 and length % 1 == 0
  options.expect("export", 2, is_length, "whole number from 1 to 4096", length)
  return self.core:export(label, length, material)
end

-- RFC 5929 section 4.1: the digest of the certificate's own signature, SHA-256 for broken ones
local function end_point(cert)
  local digest = cert:signature_algorithm():lower():match "sha%-?(%d+)"
  if not digest then
    return fail("read", "unsupported", "the certificate's signature algorithm has no hash for RFC 5929")
  end
  local name = (digest == "1" or digest == "224") and "sha256" or "sha" .. digest
  return core.bytes.digest(name, cert:to_der())
end

local function unique(self)
  local bytes = self.core:unique()
  if bytes then
    return bytes
  end
  return fail("read", "unsupported", "tls-unique needs TLS 1.2 with extended master secret; use tls-exporter")
end

--- Channel binding: data that ties authentication in another protocol to this connection.
---@param kind "tls-exporter"|"tls-server-end-point"|"tls-unique" RFC 9266, RFC 5929; the last of TLS 1.2 only
---@return string? bytes
---@return lacre.error? err unsupported, handshake_incomplete
function methods:channel_binding(kind)
  if kind == "tls-exporter" then
    return self:export("EXPORTER-Channel-Binding", 32, "")
  elseif kind == "tls-unique" then
    return unique(self)
  elseif kind ~= "tls-server-end-point" then
    return fail("read", "unsupported", "unknown channel binding type %s", tostring(kind))
  end
  local chain = self.context:role() == "client" and self.core:peer_chain()
  local cert = chain and chain[1] or self.context:role() == "server" and self.core:local_cert() or nil
  if not cert then
    return fail("read", "handshake_incomplete", "there is no certificate yet")
  end
  return end_point(cert)
end

--- The application protocol agreed on (ALPN, RFC 7301).
---@return string?
function methods:alpn()
  return self.core:info().alpn
end

--- "TLSv1.3" or "TLSv1.2".
---@return string?
function methods:version()
  return self.core:info().version
end

--- The host name being verified; on a server, the name the client asked for.
---@return string?
function methods:server_name()
  return self.name or self.core:info().sni
end

--- Gives a class the methods of this file.
---@param class table
function facts.give(class)
  for name, method in pairs(methods) do
    class[name] = function(self, ...)
      if self.core == facts.CLOSED then
        return closed()
      end
      return method(self, ...)
    end
  end
end

facts.info = methods.info

return facts
