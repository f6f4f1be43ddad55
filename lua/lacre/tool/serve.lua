--- tool.serve: a directory over HTTPS, for development and labs.

local fail = require("lacre.error").fail
local later = require "lacre.later"
local shared = require "lacre.toolkit.shared"
local toolkit = require "lacre.toolkit"

local access_log = later "lacre.http.access_log"
local cert = later "lacre.cert"
local context = later "lacre.context"
local file = later "lacre.file"
local key = later "lacre.key"
local loop = later "lacre.loop"
local target = later "lacre.net.target"
local webfiles = later "lacre.http.files"

local serve = {
  name = "serve",
  summary = "serve a directory over HTTPS",
  description = "Serves files over HTTPS: GET and HEAD, with range requests and ETags; nothing outside the "
    .. "directory and no hidden files. Without --cert it makes a key and certificate in memory and prints the pin. "
    .. "SIGHUP reloads certificate, key, client CAs, CRLs and ticket keys and reopens the log, without dropping "
    .. "connections; SIGINT and SIGTERM stop the server.",
  examples = {
    { "lacre serve", "serve this directory on https://localhost:8443/, with a certificate made in memory" },
    { "lacre serve site --cert site.crt --key site.key --host '*' --port 443",
      "with a real certificate, on all addresses" },
    { "lacre serve --name dev.test --name 10.0.0.5 --list", "other names in the certificate; list directories" },
    { "lacre serve --client-trust ca.crt --client-crl ca.crl", "only for clients with a certificate from this CA" },
    { "lacre serve site --cert site.crt --key site.key --reuse-port --ticket-keys tickets.key",
      "one of several processes on one port; openssl rand -out tickets.key 80 makes the keys" },
    { "lacre serve --systemd --log access.log", "on the socket passed by systemd" },
  },
  argument = { name = "root", type = "string", optional = true, default = ".", value = "DIR",
    help = "directory to serve (default: .)" },
  options = {
    { name = "port", short = "p", type = "integer", value = "PORT", default = 8443,
      help = "port to listen on; 0 picks a free one" },
    { name = "host", value = "ADDRESS", default = "127.0.0.1", help = "address to listen on, or * for all" },
    { name = "cert", type = "any", value = "FILE", help = "certificate, with its chain (default: make one in memory)" },
    shared.cert_key, shared.key_password,
    { name = "name", also = "hosts", type = "list", value = "NAME", default = { "localhost", "127.0.0.1", "::1" },
      help = "name in the certificate made in memory; may be repeated (default: localhost, 127.0.0.1, ::1)" },
    { name = "client_trust", type = "any", value = "FILE", help = "require client certificates from these CAs" },
    { name = "client_crl", type = "list", value = "FILE",
      help = "check client certificates with this CRL; every CA of theirs needs one" },
    { name = "list", type = "boolean", default = false, help = "list directories that have no index.html" },
    { name = "log", value = "FILE", help = "write the access log here (default: standard error)" },
    { name = "max_connections", type = "integer", value = "N", default = 1024, help = "maximum number of connections" },
    { name = "idle_timeout", type = "duration", value = "TIME", default = "30s",
      help = "close a connection that is silent for so long" },
    { name = "reuse_port", type = "boolean", default = false,
      help = "allow other processes to listen on the same port" },
    { name = "ticket_keys", value = "FILE",
      help = "file of session ticket keys to share with other processes: 1 to 4 keys of 80 bytes, newest first" },
    { name = "ktls", type = "boolean", default = false,
      help = "let the kernel encrypt and send files (kTLS) if it can" },
    { name = "systemd", type = "boolean", default = false, help = "use the socket passed by systemd" },
    shared.on_event,
    { name = "on_listen", type = "function", from_lua = true, help = "called with the listener and the service" },
  },
}

local function fresh_identity(names)
  local private, err = key.generate "p256"
  local certificate
  if private then
    certificate, err = cert.create { key = private, hosts = names, valid_for = "30d" }
  end
  return certificate and { cert = certificate, key = private }, err
end

local KEY = 80

-- of a file as other servers have them too
local function tickets_of(path)
  local bytes, err
  if path then
    bytes, err = file.read(path)
  end
  if not bytes then
    return nil, err
  elseif #bytes == 0 or #bytes % KEY ~= 0 or #bytes > 4 * KEY then
    local _, why = fail("load", "no_key", "%s does not contain one to four keys of 80 bytes", path)
    why.hint = "make one: openssl rand -out FILE 80"
    return nil, why
  end
  local keys = {}
  for at = 1, #bytes, KEY do
    keys[#keys + 1] = bytes:sub(at, at + KEY - 1)
  end
  return { keys = keys }
end

-- read anew at each call, but for an identity that was made
local function context_maker(set)
  local made, err
  if set.cert == nil and set.key == nil then
    made, err = fresh_identity(set.name)
  end
  return function()
    if err then
      return nil, err
    end
    local tickets, why = tickets_of(set.ticket_keys)
    if why then
      return nil, why
    end
    local ctx
    ctx, why = context.server {
      session_tickets = tickets, ktls = set.ktls,
      identity = made, cert = set.cert, key = set.key, password = set.password, client_trust = set.client_trust,
      crls = set.client_crl,
      client_auth = set.client_trust ~= nil and "required" or "none", alpn = { "http/1.1" },
    }
    return ctx, why
  end
end

local function announce(set, service, ctx, say)
  local host, port = service:address()
  local certificate = ctx:certificate()
  local name = certificate:hosts()[1] or host
  say(("serving %s on https://%s/"):format(set.root, target.format(name:gsub("^%*", "www"), port)))
  if not set.list and not file.stat(set.root .. "/index.html") then
    say(("there is no index.html in %s: --list shows what is in a directory"):format(set.root))
  end
  say(("listening on %s"):format(target.format(host, port)))
  say(("pin %s"):format(certificate:pin()))
  if certificate:is_self_issued() then
    say(("try: lacre get https://%s/ --trust pins --pin %s"):format(target.format(name, port), certificate:pin()))
  end
end

local function reload(service, make, log, say)
  local ctx, err = make()
  local opened, why = log:open()
  if ctx then
    service:reload(ctx)
    say(("reloaded: pin %s"):format(ctx:certificate():pin()))
  else
    say(("not reloaded, still using the old certificate: %s"):format(tostring(err)))
  end
  if not opened then
    say(("the log was not reopened: %s"):format(tostring(why)))
  end
end

local function start(set, ctx, log, counts)
  return webfiles.serve {
    root = set.root, listing = set.list, idle_timeout = set.idle_timeout, max_connections = set.max_connections,
    context = ctx, host = set.host, port = set.port, fd = set.systemd and "systemd" or nil,
    reuse_port = set.reuse_port, on_listen = set.on_listen,
    on_request = function(row)
      counts.requests = counts.requests + 1
      log:request(row)
    end,
    on_error = function(err, peer)
      log:write(("%s: %s"):format(peer and peer.address or "listener", tostring(err)))
    end,
  }
end

local function on_signals(service, make, log, say)
  for _, name in ipairs { "INT", "TERM" } do
    loop.on_signal(name, function()
      service:stop(service.stopping and 0 or nil)
      local open = service:stats().open
      if open > 0 then
        say(("stopping, with open connections: %d; signal again to stop at once"):format(open))
      end
    end)
  end
  loop.on_signal("HUP", function()
    reload(service, make, log, say)
  end)
end

local function forget_signals()
  for _, name in ipairs { "INT", "TERM", "HUP" } do
    loop.on_signal(name, nil)
  end
end

local function run(set, ctx, make, log, say)
  local counts = { requests = 0 }
  local service, err = start(set, ctx, log, counts)
  if not service then
    return nil, err
  end
  on_signals(service, make, log, say)
  announce(set, service, ctx, say)
  service:wait()
  forget_signals()
  local stats = service:stats()
  return { requests = counts.requests, connections = stats.accepted, refused = stats.failed, errors = stats.errors }
end

--- Serves until SIGINT or SIGTERM, or inside of a loop until the service of `on_listen` is stopped.
---@param set table see `serve.options`
---@return table? counts requests, connections, refused (handshakes), errors
---@return lacre.error? err address_in_use, permission_denied, file_not_found, key_mismatch ...
function serve.run(set)
  local say = set.on_event or function() end
  local make, log = context_maker(set), access_log.new(set.log, say)
  local ctx, err = make()
  local opened
  if ctx then
    opened, err = log:open()
  end
  if not opened then
    return nil, err
  end
  local result
  result, err = loop.enter(run, set, ctx, make, log, say)
  log:close()
  return result, err
end

--- For people.
---@param result table
---@return string
function serve.text(result)
  return ("%d requests over %d connections, %d refused"):format(result.requests, result.connections, result.refused)
end

--- Plain data.
---@param result table
---@return table
function serve.to_table(result)
  return result
end

return toolkit.define(serve)
