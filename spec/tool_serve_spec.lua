local core = require "lacre.core"
local crl = require "lacre.crl"
local lfs = require "lfs"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local serve = require "lacre.tool.serve"
local loop = require "lacre.loop"
local tcp = require "lacre.tcp"
local tls = require "spec.support.tls"
local http = require "lacre.http"

local unpack = table.unpack or unpack -- luacheck: ignore
local command = os.getenv "BUILD" .. "/bin/lacre"
local directory = process.directory()

-- the pipe of signals is made once a process
core.signals.watch "WINCH"
core.signals.forget "WINCH"

local function put(name, bytes)
  local handle = assert(io.open(directory .. "/" .. name, "wb"))
  handle:write(bytes)
  handle:close()
  return directory .. "/" .. name
end

local ca = put("ca.pem", tls.root.pem)
local cert, key = put("server.crt", tls.id.pem), put("server.key", tls.id.key_pem)
assert(lfs.mkdir(directory .. "/site"))
put("site/a.txt", "0123456789")
put("site/b.txt", "b")

local has = process.has

-- starts the command, waits until it listens, and stops it whatever happens
local function serving(words, run)
  local started = process.start { command, "serve", directory .. "/site", "-p", "0", unpack(words) }
  local port
  for _ = 1, 250 do
    port = started:output():match "listening on [^\n]-:(%d+)\n"
    if port or not started:is_alive() then
      break
    end
    os.execute "sleep 0.02"
  end
  local ok, why = pcall(run, port, started)
  started:stop()
  if not ok then
    error(why, 0)
  end
end

local function wait_for(started, pattern)
  for _ = 1, 250 do
    local found = started:output():match(pattern)
    if found then
      return found
    end
    os.execute "sleep 0.02"
  end
  error("never said " .. pattern .. ": " .. started:output())
end

-- timeout(1), below which it runs, passes on one signal and no more
local function hang_up(started)
  os.execute(("kill -HUP %d"):format(started:child()))
end

local function curl(port, path, ...)
  return process.run { "curl", "-sS", "--max-time", "5", "--cacert", ca, ("https://localhost:%s%s"):format(port, path), ... }
end

local given = { "--cert", cert, "--key", key }

local function with(...)
  local words = { ... }
  for i = #given, 1, -1 do
    table.insert(words, 1, given[i])
  end
  return words
end

describe("lacre serve", function()
  if not has "curl" then
    pending "needs curl"
    return
  end

  it("serves curl, with ranges and tags, and logs it", function()
    serving(given, function(port, started)
      assert.equal("0123456789", (curl(port, "/a.txt")))
      assert.equal("234", (curl(port, "/a.txt", "-r", "2-4")))
      assert.matches("\r\nContent%-Length: 10\r\n", (curl(port, "/a.txt", "-I")))
      local tag = curl(port, "/a.txt", "-I"):match "ETag: ([^\r]+)"
      assert.equal("304", (curl(port, "/a.txt", "-H", "If-None-Match: " .. tag, "-o", "/dev/null", "-w", "%{http_code}")))
      local date = curl(port, "/a.txt", "-I"):match "Last%-Modified: ([^\r]+)"
      assert.equal("304", (curl(port, "/a.txt", "-H", "If-Modified-Since: " .. date, "-o", "/dev/null", "-w", "%{http_code}")))
      assert.equal("404 Not Found\n", (curl(port, '/x%22%0ay"z')))
      assert.equal("404 Not Found\n", (curl(port, "/")))
      wait_for(started, '127.0.0.1 %- %- %[%d%d/%a+/%d+:[%d:]+ %+0000%] "GET /a.txt HTTP/1.1" 206 3\n')
      wait_for(started, '"GET /x%%22%%0ay\\x22z HTTP/1.1" 404 14\n')
      os.execute("kill " .. started.pid)
      wait_for(started, "9 requests over 9 connections, 0 refused\n$")
    end)
  end)

  it("says why a browser sees nothing where there is no index.html", function()
    local hint = "there is no index.html in [^\n]+: %-%-list shows what is in a directory\n"
    serving(given, function(_, started)
      wait_for(started, hint)
    end)
    serving(with "--list", function(_, started)
      wait_for(started, "pin %S+\n")
      assert.is_nil(started:output():find(hint))
    end)
  end)

  it("is verified by curl: no CA, no answer", function()
    serving(given, function(port)
      local output, code = process.run { "curl", "-sS", "--max-time", "5", ("https://localhost:%s/a.txt"):format(port) }
      assert.equal(60, code, output)
    end)
  end)

  it("makes a certificate, and tells its pin", function()
    serving({ "--name", "dev.test", "--name", "127.0.0.1", "--list" }, function(port, started)
      local pin = wait_for(started, "pin (sha256//%S+)\n")
      local output, code = process.run { command, "get", "https://127.0.0.1:" .. port .. "/", "--trust", "pins", "--pin", pin,
        "--server-name", "dev.test" }
      assert.equal(0, code, output)
      assert.matches('<a href="a.txt">', output)
      output, code = process.run { command, "get", "https://127.0.0.1:" .. port .. "/", "--trust", "pins", "--pin", pin,
        "--server-name", "localhost" }
      assert.matches("hostname_mismatch", output)
      assert.equal(4, code)
      assert.matches("try: lacre get https://dev.test:%d+/ %-%-trust pins %-%-pin sha256//", started:output())
    end)
  end)

  it("lets in only who has a certificate, when told", function()
    local me = pki.client(tls.root)
    local my_cert, my_key = put("me.crt", me.pem), put("me.key", me.key_pem)
    local stranger = pki.client(pki.root())
    local bad_cert, bad_key = put("bad.crt", stranger.pem), put("bad.key", stranger.key_pem)
    serving(with("--client-trust", ca), function(port)
      assert.equal("b", (curl(port, "/b.txt", "--cert", my_cert, "--key", my_key)))
      assert.is_true(select(2, curl(port, "/b.txt")) ~= 0)
      assert.is_true(select(2, curl(port, "/b.txt", "--cert", bad_cert, "--key", bad_key)) ~= 0)
    end)
    local function list(revoked)
      return put("list.crl", assert(crl.create { issuer = tls.root.cert, issuer_key = tls.root.key, revoked = revoked }):to_pem())
    end
    serving(with("--client-trust", ca, "--client-crl", list {}), function(port, started)
      assert.equal("b", (curl(port, "/b.txt", "--cert", my_cert, "--key", my_key)))
      list { { cert = me.cert } }
      hang_up(started)
      wait_for(started, "reloaded")
      assert.is_true(select(2, curl(port, "/b.txt", "--cert", my_cert, "--key", my_key)) ~= 0)
      wait_for(started, "cert_revoked")
    end)
  end)

  it("reads its certificate and log anew on SIGHUP, and keeps the old where it cannot", function()
    local root = pki.root()
    local log = directory .. "/log"
    serving(with("--log", log), function(port, started)
      assert.equal("b", (curl(port, "/b.txt")))
      os.rename(log, log .. ".1")
      put("server.key", "nonsense")
      hang_up(started)
      wait_for(started, "not reloaded, still using the old certificate: no_key")
      assert.equal("b", (curl(port, "/b.txt")))
      local renewed = pki.issue(root)
      put("server.key", renewed.key_pem)
      put("server.crt", renewed.pem)
      hang_up(started)
      wait_for(started, "reloaded: pin " .. renewed.cert:pin():gsub("%p", "%%%0"))
      assert.equal(60, select(2, curl(port, "/b.txt")))
      assert.equal("b", (curl(port, "/b.txt", "--cacert", put("root2.pem", root.pem))))
      local lines = 0
      for _ in io.lines(log) do
        lines = lines + 1
      end
      assert.is_true(lines >= 2)
    end)
    put("server.crt", tls.id.pem)
    put("server.key", tls.id.key_pem)
  end)

  it("shares a port with another process", function()
    local port = process.free_port()
    local words = with("--reuse-port")
    serving({ "--port", port, unpack(words) }, function(_, first)
      serving({ "--port", port, unpack(words) }, function(_, second)
        for _ = 1, 20 do
          assert.equal("b", (curl(port, "/b.txt")))
        end
        local _, one = first:output():gsub("GET /b.txt", "")
        local _, two = second:output():gsub("GET /b.txt", "")
        assert.equal(20, one + two)
        assert.is_true(one > 0 and two > 0)
      end)
    end)
  end)

  it("lets the kernel encrypt where it can, and serves where it cannot", function()
    local port = process.free_port()
    local started = process.start { command, "serve", directory .. "/site", "--port", port, "--ktls", "--cert", cert, "--key", key }
    process.wait_for_port(port)
    local output = curl(port, "/b.txt")
    started:stop()
    assert.equal("b", output)
  end)

  it("takes the socket of systemd", function()
    if not has "systemd-socket-activate" then
      return pending "needs systemd-socket-activate"
    end
    local port = process.free_port()
    local started = process.start { "systemd-socket-activate", "-l", "127.0.0.1:" .. port, "--", command, "serve",
      directory .. "/site", "--systemd", "--cert", cert, "--key", key }
    process.wait_for_port(port)
    local output = curl(port, "/b.txt", "--retry", "3", "--retry-connrefused")
    started:stop()
    assert.equal("b", output)
    output = process.run { command, "serve", directory .. "/site", "--systemd", "--cert", cert, "--key", key }
    assert.matches("unsupported: no listening socket was passed", output)
  end)

  it("takes from systemd no socket that does not listen, and not several", function()
    if not has "python3" then
      return pending "needs python3"
    end
    local cases = {
      { "descriptor 3 is not a listening socket", "1", "s" }, { "ListenStream= and Accept=no", "1", "s" },
      { "2 sockets were passed, but only one is used", "2", "s; s.listen()" },
    }
    for _, case in ipairs(cases) do
      local script = ("import os, socket, sys; s = socket.socket(); %s; os.dup2(s.fileno(), 3, True);"
        .. "os.environ.update(LISTEN_FDS='%s', LISTEN_PID=str(os.getpid())); os.execv(sys.argv[1], sys.argv[1:])"):format(
        case[3], case[2])
      local output, code = process.run { "timeout", "5", "python3", "-c", script, command, "serve", directory .. "/site", "--systemd" }
      assert.matches(case[1], output, 1, true)
      assert.equal(2, code, output)
    end
  end)

  it("says once that there are no descriptors, and goes on when there are", function()
    local words = process.line { command, "serve", directory .. "/site", "--port", "0", "--cert", cert, "--key", key }
    local started = process.start { "sh", "-c", "ulimit -n 24; exec " .. words }
    local port = tonumber(wait_for(started, "listening on [^\n]-:(%d+)\n"))
    loop.run(function()
      local crowd = {}
      for i = 1, 40 do
        crowd[i] = tcp.connect("127.0.0.1", port)
      end
      loop.sleep(0.5)
      for _, plain in ipairs(crowd) do
        plain:close()
      end
    end)
    local output = curl(port, "/b.txt")
    local said = select(2, started:output():gsub("too_many_files", ""))
    started:stop()
    assert.equal("b", output)
    assert.equal(1, said)
  end)

  it("says once that lines of its log are lost", function()
    serving(with("--log", "/dev/full"), function(port, started)
      assert.equal("b", (curl(port, "/b.txt")))
      assert.equal("b", (curl(port, "/b.txt")))
      os.execute("kill " .. started.pid)
      wait_for(started, "2 requests")
      assert.equal(1, select(2, started:output():gsub("lines of the access log are being lost: /dev/full: No space left", "")))
    end)
  end)

  it("tells mistakes, with their exit codes", function()
    local cases = {
      { 3, "file_not_found", directory .. "/nothing" },
      { 3, "file_not_found", directory, "--cert", directory .. "/nothing", "--key", key },
      { 2, "no_key: .*give key too", directory, "--cert", cert },
      { 2, "no_certificate: .*give cert too", directory, "--key", key },
      { 3, "no_key: .*openssl rand", directory, "--ticket-keys", key },
      { 2, "bad option %-%-max%-connections", directory, "--max-connections", "0" },
      { 2, "key_mismatch", directory, "--cert", ca, "--key", key },
      { 2, "bad option %-%-port", directory, "--port", "99999" },
      { 3, "file_not_found", directory, "--client-trust", directory .. "/nothing" },
      { 3, "file_not_found", directory, "--log", directory .. "/no/such/log" },
      { 3, "is_directory", directory, "--log", directory },
    }
    for i, case in ipairs(cases) do
      local words = { "timeout", "5", command, "serve", unpack(case, 3) }
      local output, code = process.run(words)
      assert.matches(case[2], output, nil, nil, "case " .. i)
      assert.equal(case[1], code, "case " .. i .. output)
    end
    local occupied = assert(core.net.listen("127.0.0.1", 0, 1))
    local _, port = occupied:address()
    local output, code = process.run { command, "serve", directory, "--port", port }
    assert.matches("address_in_use", output)
    assert.equal(3, code)
    occupied:close()
  end)

  it("is a function of Lua, in a loop of the caller's", function()
    loop.run(function()
      local result
      local task = loop.spawn(function()
        result = assert(serve { directory .. "/site", port = 0, cert = tls.id.cert, key = tls.id.key, on_listen = function(listener, service)
          loop.spawn(function()
            local _, port = listener:address()
            local r = assert(http.request { url = ("https://localhost:%d/b.txt"):format(port), trust = tls.id.cert })
            assert.equal("b", r.body)
            service:stop()
          end)
        end })
      end)
      task:join(5)
      assert.same({ requests = 1, connections = 1, refused = 0, errors = 0 }, result)
    end)
    process.remove(directory)
  end)
end)
