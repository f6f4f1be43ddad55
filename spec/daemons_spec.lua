-- STARTTLS with the real daemons of Debian, each from a directory of its own on a loopback port: make daemons, as root.
--   dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-managesieved postfix slapd vsftpd prosody mariadb-server postgresql inn2
local connect = require("lacre.connect").connect
local lfs = require "lfs"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local wanted = os.getenv "DAEMONS" ~= nil

local function sh(format, ...)
  return process.run { "sh", "-c", format:format(...) }
end

local directory

local function put(name, bytes, mode)
  local full = directory .. "/" .. name
  local handle = assert(io.open(full, "wb"))
  handle:write(bytes)
  handle:close()
  sh("chmod %s %s", mode or "644", full)
  return full
end

local function subdirectory(name, owner)
  local full = directory .. "/" .. name
  assert(lfs.mkdir(full))
  if owner then
    sh("chown -R %s %s", owner, full)
  end
  return full
end

-- each prepares its files and gives the command that runs in the foreground, and the ports of its protocols
local daemons = {
  { program = "dovecot", prepare = function(d, port)
    local run = subdirectory "dovecot"
    local listeners = {}
    for i, name in ipairs { "imap-login:imap", "pop3-login:pop3", "managesieve-login:sieve" } do
      local service, listener = name:match "(.*):(.*)"
      listeners[i] = ("service %s {\n chroot =\n inet_listener %s {\n port = %d\n }\n inet_listener %ss {\n port = 0\n }\n}\n"):format(
        service, listener, port + i - 1, listener)
    end
    local config = put("dovecot.conf", ([[
base_dir = %s
log_path = %s/log
protocols = imap pop3 lmtp sieve
listen = 127.0.0.1
ssl = required
ssl_cert = <%s/server.pem
ssl_key = <%s/server.key
default_login_user = dovenull
default_internal_user = dovecot
%s
service lmtp {
 inet_listener lmtp {
  address = 127.0.0.1
  port = %d
 }
}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=dovecot gid=dovecot home=/tmp/%%u
}
]]):format(run, run, d, d, table.concat(listeners), port + 3))
    return { "dovecot", "-F", "-c", config }, { imap = port, pop3 = port + 1, sieve = port + 2, lmtp = port + 3 }
  end },
  { program = "postfix", prepare = function(d, port)
    local etc = subdirectory "postfix"
    local queue, data = subdirectory "postfix/queue", subdirectory("postfix/data", "postfix")
    put("postfix/main.cf", ([[
compatibility_level = 3.6
queue_directory = %s
data_directory = %s
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_security_level = may
smtpd_tls_chain_files = %s/both.pem
smtpd_relay_restrictions = reject
maillog_file = /dev/stdout
]]):format(queue, data, d))
    sh("cp /etc/postfix/postfix-files /etc/postfix/dynamicmaps.cf %s/ 2>/dev/null; cp -r /etc/postfix/postfix-files.d /etc/postfix/dynamicmaps.cf.d %s/ 2>/dev/null",
      etc, etc)
    sh("sed 's/^smtp  *inet .*/127.0.0.1:%d inet n - n - - smtpd/' /etc/postfix/master.cf.proto > %s/master.cf", port, etc)
    return { "postfix", "-c", etc, "start-fg" }, { smtp = port }
  end, stop = function(d)
    return { "postfix", "-c", d .. "/postfix", "stop" }
  end },
  { program = "slapd", prepare = function(d, port)
    local base = subdirectory "ldap"
    local config = put("slapd.conf", ([[
include /etc/ldap/schema/core.schema
pidfile %s/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile %s/ca.pem
TLSCertificateFile %s/server.pem
TLSCertificateKeyFile %s/server.key
database mdb
suffix "dc=example,dc=test"
directory %s
]]):format(base, d, d, d, base))
    return { "slapd", "-d", "0", "-f", config, "-h", "ldap://127.0.0.1:" .. port }, { ldap = port }
  end },
  { program = "vsftpd", prepare = function(d, port)
    local config = put("vsftpd.conf", ([[
listen=YES
listen_address=127.0.0.1
listen_port=%d
background=NO
ssl_enable=YES
allow_anon_ssl=YES
anonymous_enable=YES
anon_root=%s
rsa_cert_file=%s/server.pem
rsa_private_key_file=%s/server.key
ssl_ciphers=HIGH
secure_chroot_dir=%s
seccomp_sandbox=NO
]]):format(port, subdirectory "ftp", d, d, subdirectory "ftp-empty"))
    return { "vsftpd", config }, { ftp = port }
  end },
  { program = "prosody", prepare = function(d, port)
    local base = subdirectory "prosody"
    local config = put("prosody/prosody.cfg.lua", ([[
pidfile = "%s/pid"
data_path = "%s"
modules_enabled = { "saslauth", "tls", "disco" }
modules_disabled = { "s2s" }
interfaces = { "127.0.0.1" }
c2s_ports = { %d }
c2s_direct_tls_ports = { }
s2s_ports = { }
http_ports = { } https_ports = { }
c2s_require_encryption = true
authentication = "internal_hashed"
log = { info = "%s/log" }
ssl = { certificate = "%s/server.pem"; key = "%s/server.key" }
certificates = "%s"
VirtualHost "localhost"
]]):format(base, base, port, base, d, d, base))
    sh("chown -R prosody %s; chmod 644 %s/server.key", base, d)
    return { "env", "-u", "LUA_PATH", "-u", "LUA_CPATH", "setpriv", "--reuid=prosody", "--regid=prosody", "--init-groups", "prosody",
      "-F", "--config", config }, { xmpp = port }
  end },
  { program = "mariadbd", prepare = function(d, port)
    local data = subdirectory("mysql", "mysql")
    sh("chmod 644 %s/server.key", d)
    sh("mariadb-install-db --no-defaults --user=mysql --datadir=%s --skip-test-db", data)
    return { "mariadbd", "--no-defaults", "--user=mysql", "--datadir=" .. data, "--port=" .. port, "--bind-address=127.0.0.1",
      "--socket=" .. data .. "/socket", "--pid-file=" .. data .. "/pid", "--ssl-ca=" .. d .. "/ca.pem",
      "--ssl-cert=" .. d .. "/server.pem", "--ssl-key=" .. d .. "/server.key" }, { mysql = port }
  end },
  { program = "/usr/lib/postgresql/*/bin/postgres", prepare = function(d, port)
    local data = subdirectory("postgres", "postgres")
    local bin = sh("ls -d /usr/lib/postgresql/*/bin | tail -1"):gsub("%s", "")
    sh("setpriv --reuid=postgres --regid=postgres --clear-groups %s/initdb -A trust -N -D %s", bin, data)
    sh("cp %s/server.pem %s/server.key %s/ && chown postgres %s/server.* && chmod 600 %s/server.key", d, d, data, data, data)
    return { "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", bin .. "/postgres", "-D", data, "-p", port,
      "-c", "ssl=on", "-c", "ssl_cert_file=server.pem", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" },
      { postgres = port }
  end },
  { program = "/usr/lib/news/bin/nnrpd", prepare = function(d, port)
    local base = subdirectory "news"
    for _, name in ipairs { "db", "run", "log", "spool" } do
      subdirectory("news/" .. name)
    end
    for _, name in ipairs { "active", "newsgroups", "history", "history.dir", "history.hash", "history.index" } do
      put("news/db/" .. name, "")
    end
    put("news/spool/group.index", "")
    put("news/storage.conf", "method tradspool {\n newsgroups: *\n class: 0\n}\n")
    put("news/readers.conf", 'auth "all" { hosts: "*" default: "<x>" }\naccess "all" { users: "<x>" newsgroups: "*" }\n')
    local config = put("news/inn.conf", ([[
pathhost: localhost.test
domain: test
organization: none
mta: "/bin/true %%s"
hismethod: hisv6
enableoverview: true
ovmethod: tradindexed
pathnews: /usr/lib/news
pathdb: %s/db
pathetc: %s
pathrun: %s/run
pathlog: %s/log
pathspool: %s/spool
pathoverview: %s/spool
pathtmp: %s/run
tlscafile: %s/ca.pem
tlscapath: %s
tlscertfile: %s/both.pem
tlskeyfile: %s/server.key
]]):format(base, base, base, base, base, base, base, d, d, d, d))
    sh("chown -R news %s; chown news %s/server.key %s/both.pem", base, d, d)
    return { "env", "INNCONF=" .. config, "/usr/lib/news/bin/nnrpd", "-D", "-f", "-b", "127.0.0.1", "-p", port }, { nntp = port }
  end },
}

local function talk(protocol, port)
  local c, err = connect("localhost", port, { starttls = protocol, trust = tls.root.cert, timeout = 20, family = "ipv4" })
  assert(c, protocol .. ": " .. tostring(err))
  assert.equal("chain", c:info().verified)
  c:abort()
  local refused
  refused, err = connect("localhost", port, { starttls = protocol, trust = pki.root().cert, timeout = 20, family = "ipv4" })
  assert.is_nil(refused)
  assert.is_true(err:is "verify", tostring(err))
  refused, err = connect("localhost", port, { starttls = protocol, trust = tls.root.cert, server_name = "other.test",
    timeout = 20, family = "ipv4" })
  assert.is_nil(refused)
  assert.equal("hostname_mismatch", err.code)
end

describe("STARTTLS with", function()
  if not wanted then
    pending "real daemons: make daemons, as root"
    return
  end
  for _, daemon in ipairs(daemons) do
    it(daemon.program, function()
      if select(2, sh("command -v %s || ls %s", daemon.program, daemon.program)) ~= 0 then
        return pending("needs " .. daemon.program)
      end
      directory = process.directory()
      sh("chmod 755 %s", directory)
      put("ca.pem", tls.root.pem)
      put("server.pem", tls.id.pem)
      put("server.key", tls.id.key_pem, "640")
      put("both.pem", tls.id.key_pem .. tls.id.pem, "600")
      local words, ports = daemon.prepare(directory, 20000 + os.time() % 20000)
      local started = process.start(words)
      local ok, why = pcall(function()
        for protocol, port in pairs(ports) do
          process.wait_for_port(port)
          talk(protocol, port)
        end
      end)
      local said = started:output()
      if daemon.stop then
        process.run(daemon.stop(directory)) -- its processes are not its children
      end
      started:stop()
      process.remove(directory)
      assert.is_true(ok, tostring(why) .. "\n" .. said)
    end)
  end
end)
