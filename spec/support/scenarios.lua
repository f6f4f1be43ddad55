-- What spec/memory_spec.lua runs with every allocation failing: one function a part of the core, and
-- those of the library that hold objects of OpenSSL. Errors are raised as the objects they are.
local core = require "lacre.core"
local lacre = require "lacre"
local pki = require "spec.support.pki"

require("lacre.warning").on_warning(false)

local function must(value, err, ...)
  if value == nil or value == false then
    error(err, 0)
  end
  return value, err, ...
end

local root = pki.root()
local inter = pki.intermediate(root)
local leaf = pki.issue(inter)
local key, cert = leaf.key, leaf.cert
local key_pem, cert_pem, key_der = key:to_pem(), cert:to_pem(), key:to_der()
local store = must(lacre.store.new(root.cert))
local server = must(lacre.server { cert = leaf.pem, key = leaf.key_pem, alpn = { "a", "b" } })
local client = must(lacre.client { trust = root.cert, alpn = { "b" } })
local pinned = must(lacre.client { trust = root.cert, pins = { root.cert:pin(), inter.cert:pin() } })

local scenarios = {}

function scenarios.bytes()
  local raw = must(core.bytes.random(40))
  must(core.bytes.digest("SHA256", raw))
  must(core.bytes.unbase64(core.bytes.base64(raw)))
  core.bytes.hex(raw)
end

function scenarios.pem()
  local at, label, der = must(core.pem.next(cert_pem, 1))
  must(at)
  core.pem.encode(label, der)
end

function scenarios.algorithms()
  local ctx = must(core.context.new "server")
  must(ctx:security_level())
  must(core.algorithms.defaults())
  ctx:client_prefers()
  must(ctx:versions("1.2", "1.3"))
  return must(ctx:sigalgs "ed25519")
end

function scenarios.stat()
  return must(core.disk.stat "/").changed
end

function scenarios.name()
  local name = must(lacre.name.parse "CN=a,OU=b+L=c,O=Test")
  tostring(name)
  name:hash()
  return name == root.cert:subject()
end

function scenarios.key_generate()
  local made = must(lacre.key.generate "p256")
  return must(made:pin())
end

function scenarios.key_parse()
  must(lacre.key.parse(key_pem))
  local parsed = must(lacre.key.parse(key_der))
  must(parsed:public())
  must(parsed:to_pem { format = "traditional" })
  lacre.key.parse "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"
end

function scenarios.key_sign()
  local signature = must(key:sign "data")
  key:verify("data", signature)
end

function scenarios.cert_parse()
  local parsed = must(lacre.cert.parse(cert_pem))
  must(parsed:subject_alt_names())
  must(parsed:pin())
  must(parsed:public_key())
  tostring(parsed)
end

function scenarios.cert_refused()
  lacre.cert.parse "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
  lacre.cert.parse(cert_pem:sub(1, 300))
end

function scenarios.cert_extensions()
  for extension in cert:extensions() do
    tostring(extension.text)
  end
  cert:matches_host "localhost"
  cert:is_issued_by(inter.cert)
end

function scenarios.cert_create()
  must(lacre.cert.create { key = key, hosts = { "localhost", "127.0.0.1" } })
end

-- one that was made here is not parsed for its dates
function scenarios.cert_dates()
  local made = must(lacre.cert.create { key = key, hosts = { "a.test" } })
  must(made:not_before() and made:not_after(), "no date")
end

function scenarios.cert_issue()
  must(lacre.cert.create { key = key, hosts = { "localhost" }, issuer = inter.cert, issuer_key = inter.key })
end

function scenarios.csr()
  local made = must(lacre.csr.create { key = key, hosts = { "localhost", "127.0.0.1" }, must_staple = true })
  local parsed = must(lacre.csr.parse(made:to_pem()))
  parsed:verify()
  must(lacre.cert.create { csr = parsed, copy = { "hosts" }, issuer = inter.cert, issuer_key = inter.key })
end

function scenarios.crl()
  local made = must(lacre.crl.create {
    issuer = root.cert, issuer_key = root.key, revoked = { { cert = inter.cert, reason = "superseded" }, { serial = 1 } },
  })
  local parsed = must(lacre.crl.parse(made:to_pem()))
  parsed:find(inter.cert)
  for entry in parsed:revoked() do
    tostring(entry.reason)
  end
  parsed:verify(root.cert)
end

local sealed = must(lacre.pkcs12.create { cert = cert, key = key, chain = leaf.chain, password = "x", rounds = 1000 })

function scenarios.pkcs12()
  must(lacre.pkcs12.create { cert = cert, key = key, chain = leaf.chain, password = "x", rounds = 1000 })
  local found = must(lacre.pkcs12.parse(sealed, { password = "x" }))
  must(found.key)
  lacre.pkcs12.parse(sealed, { password = "y" })
end

local locked -- with one round of hashing, which lacre itself does not make

function scenarios.key_sealed()
  if not locked then
    local pipe = io.popen "openssl pkcs8 -topk8 -iter 1 -passout pass:right -in build/memory.key"
    locked = pipe:read "*a"
    pipe:close()
  end
  must(lacre.key.parse(locked, { password = "right" }))
end

-- one for all runs: what a scenario writes outlives it
local written = must(io.open("build/memory.key", "w"))
written:write(key_pem)
written:close()

function scenarios.key_uri()
  must(lacre.key.open("file:" .. os.getenv "PWD" .. "/build/memory.key"))
  lacre.key.open "no-such-scheme:x"
end

function scenarios.ocsp()
  local request = lacre.ocsp.request { cert = cert, issuer = inter.cert }
  local response = must(lacre.ocsp.parse(must(lacre.ocsp.respond {
    request = request.der, issuer = inter.cert, key = inter.key,
  })))
  must(response:verify { cert = cert, issuer = inter.cert, nonce = request.nonce })
end

function scenarios.store()
  local made = must(lacre.store.new { root.cert, inter.cert:to_pem() })
  made:count()
end

function scenarios.verify()
  must(store:verify(cert, { intermediates = leaf.chain, server_name = "localhost" }))
end

function scenarios.verify_refused()
  store:verify(cert, { intermediates = leaf.chain, server_name = "other.test" })
  store:verify(cert, { server_name = "localhost" })
end

local gone = pki.intermediate(pki.root { subject = "CN=Gone" }, { key = inter.key })

function scenarios.verify_detour()
  must(store:verify(cert, { intermediates = { gone.cert, inter.cert }, server_name = "localhost" }))
  store:verify(cert, { intermediates = { gone.cert, inter.cert }, server_name = "other.test" })
end

function scenarios.pin()
  must(lacre.pin.of(cert))
  local set = must(lacre.pin.set { root.cert:pin(), inter.cert:pin() })
  set:match { cert, inter.cert }
end

function scenarios.context_server()
  must(lacre.server { cert = leaf.pem, key = leaf.key_pem, alpn = { "h2" }, min_version = "1.3" })
end

function scenarios.context_client()
  must(lacre.client { trust = root.cert, groups = { "X25519" }, alpn = { "h2" }, pins = { root.cert:pin(), cert:pin() } })
end

-- both engines step, and bytes are carried between them, until neither has more to say
local function carry(a, b)
  repeat
    for _, engine in ipairs { a, b } do
      local done, err = engine:handshake()
      if done == nil then
        return nil, err
      end
    end
    local to_b, to_a = a:drain(), b:drain()
    b:feed(to_b)
    a:feed(to_a)
  until to_a == "" and to_b == ""
  return true
end

local function exchange(context, name)
  local a = must(context:engine { server_name = name })
  local b = must(server:engine {})
  must(carry(a, b))
  must(a:write "ping")
  must(b:feed(a:drain()))
  must(b:read())
  must(a:info())
  must(a:verified_chain())
  must(a:peer_chain())
  a:shutdown()
  b:feed(a:drain())
  b:read()
end

function scenarios.engine()
  exchange(client, "localhost")
end

function scenarios.engine_pinned()
  exchange(pinned, "127.0.0.1")
end

function scenarios.engine_refused()
  local a = must(client:engine { server_name = "other.test" })
  local b = must(server:engine {})
  carry(a, b)
end

function scenarios.engine_garbage()
  local a = must(client:engine { server_name = "localhost" })
  a:drain()
  a:feed "HTTP/1.1 400 Bad Request\r\n\r\n"
  a:handshake()
  a:drain()
end

-- a full handshake and a resumed one, each of a fresh pair of contexts
local function twice(client_set, server_set, name)
  local from = must(lacre.client(client_set))
  local to = must(lacre.server(server_set))
  for _ = 1, 2 do
    local a = must(from:engine { server_name = name })
    local b = must(to:engine {})
    must(carry(a, b))
    must(b:write "pong")
    must(a:feed(b:drain()))
    must(a:read())
    a:info()
    b:info()
    a:verified_chain()
  end
end

function scenarios.engine_resumed()
  twice({ trust = root.cert }, { identity = leaf }, "localhost")
end

function scenarios.engine_resumed_12()
  twice({ trust = root.cert, max_version = "1.2" }, { identity = leaf, session_tickets = { count = 1 } }, "localhost")
end

local second = pki.issue(inter, { hosts = { "second.test" } })
local tenant = must(lacre.server { identity = second })

function scenarios.engine_named()
  twice({ trust = root.cert, sessions = false }, { identity = { leaf, second } }, "second.test")
end

function scenarios.engine_hello()
  twice({ trust = root.cert, sessions = false, alpn = { "x" } }, {
    identity = leaf,
    on_client_hello = function(hello)
      return hello.server_name == "second.test" and tenant
    end,
  }, "second.test")
end

function scenarios.engine_hello_identity()
  twice({ trust = root.cert, sessions = false }, { identity = leaf, on_client_hello = function()
    return second
  end }, "second.test")
end

local clients = pki.root { subject = "CN=Clients" }
local agent = pki.client(clients)

function scenarios.engine_client_cert()
  twice({ trust = root.cert, identity = agent, on_verify = function()
    return true
  end, keylog = function() end }, {
    identity = leaf, client_auth = "required", client_trust = clients.cert, session_tickets = { count = 1 },
    ocsp_staple = "0 not one", on_verify = function()
      return true
    end,
  }, "localhost")
end

local asking = must(lacre.client { trust = root.cert, ocsp = "check" })
local stapling = must(lacre.server { identity = leaf, ocsp_staple = "0garbage" })

function scenarios.engine_staple()
  local a = must(asking:engine { server_name = "localhost" })
  carry(a, must(stapling:engine {}))
  a:info()
end

-- a client that only looks, at a server with a Diffie-Hellman of 1024 bits
local prime = "\255\255\255\255\255\255\253\199" .. ("\1"):rep(119) .. "\7"

local function step(engine, other)
  local done, why = engine:handshake()
  if done == nil and type(why) == "table" then
    error(why, 0)
  end
  local bytes = engine:drain(65536)
  other:feed(bytes)
  return bytes ~= ""
end

function scenarios.engine_looking()
  local looking = must(core.context.new "client")
  must(core.permit.looking(looking))
  looking:trust(store)
  local showing = must(core.context.new "server")
  must(core.permit.weak(showing))
  must(core.permit.prime(showing, prime))
  must(showing:ciphers("ADH-AES128-GCM-SHA256", ""))
  must(showing:versions("1.2", "1.2"))
  local a = must(core.engine.new(looking, nil, "localhost", "localhost"))
  local b = must(core.engine.new(showing))
  local moved
  repeat
    moved = step(a, b)
    moved = step(b, a) or moved
  until not moved
  must(a:info())
  a:was_asked()
  a:peer_staple()
end

function scenarios.ca()
  local authority = must(lacre.ca.new {})
  local id = must(authority:issue { hosts = { "a.test" } })
  must(authority:renew(id.cert))
  must(authority:revoke(id.cert, "superseded"))
  must(authority:crl())
end

-- what a failure left behind is removed first
function scenarios.lock()
  local path = "build/memory.lock"
  core.disk.remove(path)
  core.disk.remove_directory(path)
  local lock = must(core.lock.take(path))
  core.lock.take(path)
  lock:close()
  must(core.disk.append(path, "text", true))
  must(core.disk.tail(path, 10))
  must(core.disk.read(path, 10))
  must(core.disk.list "build")
  must(core.disk.set_mode(path, 384))
  must(core.disk.remove(path))
  must(core.disk.make_directory(path, 448))
  must(core.disk.remove_directory(path))
end

-- sockets are closed by whoever opened them, also when something failed
local function with_sockets(run)
  local open = {}
  local ok, err = pcall(run, function(socket, ...)
    open[#open + 1] = socket
    return must(socket, ...)
  end)
  for _, socket in ipairs(open) do
    socket:close()
  end
  if not ok then
    error(err, 0)
  end
end

function scenarios.poller()
  with_sockets(function(own)
    local poller = own(core.poller.new())
    local listening = own(core.net.listen("127.0.0.1", 0, 1))
    local _, port = must(listening:address())
    own(core.net.connect("127.0.0.1", port))
    must(poller:watch(listening:fd(), "r"))
    must(poller:wait(5, {}))
  end)
end

function scenarios.resolver()
  with_sockets(function(own)
    must(core.resolver.numeric "127.0.0.1")
    local request = own(core.resolver.start("localhost", "ipv4"))
    core.poller.wait(request:fd(), "r", 5)
    must(request:result())
  end)
end

function scenarios.net()
  with_sockets(function(own)
    local listening = own(core.net.listen("127.0.0.1", 0, 1))
    local _, port = must(listening:address())
    local dialled = own(core.net.connect("127.0.0.1", port))
    core.poller.wait(listening:fd(), "r", 5)
    local taken = own(listening:accept())
    must(dialled:connected())
    must(dialled:send("ping", 1))
    core.poller.wait(taken:fd(), "r", 5)
    must(taken:receive(10))
  end)
end

-- keys of the kernel, where it would take them, and a file
local kernel_client = must(lacre.client { trust = root.cert, ktls = true, max_version = "1.2" })
local kernel_server = must(lacre.server { identity = leaf, ktls = true })
local sent_file = assert(io.open("spec/support/scenarios.lua", "rb"))

function scenarios.engine_kernel()
  local inside = require("lacre.tls.settings").inside
  with_sockets(function(own)
    local listening = own(core.net.listen("127.0.0.1", 0, 1))
    local _, port = must(listening:address())
    local dialled = own(core.net.connect("127.0.0.1", port))
    core.poller.wait(listening:fd(), "r", 5)
    local taken = own(listening:accept())
    must(dialled:connected())
    local a = own(core.engine.new(inside(kernel_client).core, dialled, "localhost", "localhost", true))
    local b = own(core.engine.new(inside(kernel_server).core, taken))
    local done, accepted
    for _ = 1, 20 do
      local why, reason
      done, why = a:handshake()
      accepted, reason = b:handshake()
      if (not done and why ~= "want_read") or (not accepted and reason ~= "want_read") then
        error(not done and why ~= "want_read" and why or reason, 0)
      elseif done and accepted then
        break
      end
      core.poller.wait((done and taken or dialled):fd(), "r", 0.1)
    end
    must(a:unique())
    must(a:info())
    must(a:send_file(sent_file, 0, 1000, "head"))
    core.poller.wait(taken:fd(), "r", 5)
    must(b:read(2000))
  end)
end

function scenarios.openssl()
  core.openssl.providers()
  core.openssl.trust_places()
  core.openssl.kernel_encrypts()
  must(core.disk.version ".")
end

local one, two = ("a"):rep(80), ("b"):rep(80)

function scenarios.engine_renewed()
  local from = must(lacre.client { trust = root.cert, max_version = "1.2" })
  for _, keys in ipairs { { one }, { two, one }, { two } } do
    local to = must(lacre.server { identity = leaf, session_tickets = { keys = keys } })
    local a = must(from:engine { server_name = "localhost" })
    must(carry(a, must(to:engine {})))
  end
end

function scenarios.system_policy()
  local policy = require "lacre.tls.system_policy"
  policy.hello_of(must(core.context.new "client"))
end

return scenarios
