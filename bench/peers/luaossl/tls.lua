--- luaossl.tls: contexts of the material, and connections as cqueues has them: each end is a coroutine.

local bench = require "clock"
local chain = require "openssl.x509.chain"
local context = require "openssl.ssl.context"
local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local pkey = require "openssl.pkey"
local socket = require "cqueues.socket"
local ssl = require "openssl.ssl"
local store = require "openssl.x509.store"
local verify_param = require "openssl.x509.verify_param"
local x509 = require "openssl.x509"

local tls = {}

local function text_of(name)
  local handle = assert(io.open(bench.dir .. name, "rb"))
  local text = handle:read "*a"
  handle:close()
  return text
end

local function new_context(is_server)
  local ctx = context.new("TLS", is_server)
  ctx:setOptions(context.OP_NO_TLSv1_2 + context.OP_NO_TLSv1_1 + context.OP_NO_TLSv1 + context.OP_NO_SSLv3)
  return ctx
end

function tls.server(kind)
  local ctx, others = new_context(true), chain.new()
  others:add(x509.new(text_of(kind .. "-inter.pem")))
  ctx:setCertificate(x509.new(text_of(kind .. "-leaf.pem")))
  ctx:setCertificateChain(others)
  ctx:setPrivateKey(pkey.new(text_of(kind .. "-leaf.key")))
  return ctx
end

function tls.client(kind)
  local ctx, trusted, param = new_context(false), store.new(), verify_param.new()
  trusted:add(x509.new(text_of(kind .. "-root.pem")))
  ctx:setStore(trusted)
  ctx:setVerify(context.VERIFY_PEER)
  param:setHost "localhost"
  ctx:setParam(param)
  return ctx
end

--- A listening socket; others may share the port.
function tls.listen(port)
  local listener = assert(socket.listen { host = "127.0.0.1", port = port, reuseport = true, nodelay = true })
  assert(listener:listen())
  return listener, select(3, listener:localname())
end

--- TLS over a connected socket: a client's object, or a server's context.
function tls.over(plain, how)
  plain:setmode("b", "bn")
  plain:onerror(function(_, _, why)
    return why
  end)
  local done, why = plain:starttls(how)
  assert(done, why and errno.strerror(why))
  return plain
end

function tls.accept(listener, ctx)
  return tls.over(assert(listener:accept { nodelay = true }), ctx)
end

function tls.connect(port, ctx)
  local one = ssl.new(ctx)
  one:setHostName "localhost"
  return tls.over(assert(socket.connect { host = "127.0.0.1", port = port, nodelay = true }), one)
end

--- Runs functions in turn until all have ended.
function tls.run(...)
  local controller = cqueues.new()
  for i = 1, select("#", ...) do
    controller:wrap((select(i, ...)))
  end
  assert(controller:loop())
end

--- The same operation over and over in a client, with a server beside it that serves as many.
function tls.repeated(serve, operation)
  tls.run(function()
    for _ = 1, bench.count + bench.warm_up() do
      serve()
    end
  end, function()
    bench.repeated(operation)
  end)
end

--- The two ends of one connection, each made by its coroutine when it is first asked for.
function tls.ends()
  local listener, port = tls.listen(0)
  local client, server = tls.client "ecdsa", tls.server "ecdsa"
  local near, far
  return function()
    near = near or tls.connect(port, client)
    return near
  end, function()
    far = far or tls.accept(listener, server)
    return far
  end
end

return tls
