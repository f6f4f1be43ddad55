-- The command as a shell sees it: what it prints where, and how it ends.
local process = require "spec.support.process"

local command = os.getenv "BUILD" .. "/bin/lacre"
local directory = process.directory()
local pin = "sha256//" .. ("A"):rep(43) .. "="

local function shell(line)
  return process.run { "sh", "-c", "cd " .. directory .. " && " .. line:gsub("lacre", os.getenv "PWD" .. "/" .. command, 1) }
end

local function lacre(...)
  return process.run { command, ... }
end

local function read(path)
  local handle = assert(io.open(directory .. "/" .. path, "rb"))
  local bytes = handle:read "*a"
  handle:close()
  return bytes
end

local function mode(path)
  return (process.run { "stat", "-c", "%a", directory .. "/" .. path }):match "%d+"
end

teardown(function()
  process.remove(directory)
end)

describe("the command", function()
  -- { command line, exit code, what it prints }
  local rows = {
    { "lacre", 2, "Usage: lacre" },
    { "lacre --help", 0, "selfsign" },
    { "lacre --version", 0, "^lacre %d+%.%d+%.%d+ %(Lua.+OpenSSL [34]" },
    { "lacre pni x", 2, "Did you mean 'pin'" },
    { "lacre pin", 2, "missing argument" },
    { "lacre pin x --expct y", 2, "unknown option '%-%-expct'" },
    { "lacre pin x --expct y --json", 2, '^{%s*"error": *{.*"code": *"usage".*}%s*}%s*$' },
    { "lacre info x --timeout 2x --json", 2, '^{%s*"error": *{.*"code": *"usage".*not a duration.*}%s*}%s*$' },
    { "lacre pin --help", 0, "Examples:" },
    { "lacre health --help", 0, "Targets:\n   %-f, %-%-file FILE" },
    { "mkdir rsa && lacre selfsign named.test --key rsa --out rsa -q && ls rsa", 0, "named.test.key" },
    { "lacre selfsign x.test --key p25", 2, "unknown key type 'p25'" },
    { "lacre selfsign x.test --key rsa:1024", 2, "1024" },
    { "lacre selfsign x.test --subject C=Portugal", 2, "two letters.*hint: write a name as CN=" },
    { "lacre selfsign x.test --subject Portugal", 2, "hint: write a name as CN=" },
    { "lacre selfsign x.test --valid-for soon", 2, "option %-%-valid%-for" },
    { "lacre selfsign x.test --out nowhere", 3, "file_not_found" },
    { "lacre pin nowhere.pem", 3, "lacre: %S+:.*nowhere.pem" },
    { "lacre info 127.0.0.1:DEAD --timeout 2s", 3, "connection_refused" },
    { "lacre info 127.0.0.1:DEAD --timeout 2s --json", 3, '"code": *"connection_refused"' },
    { "lacre info 127.0.0.1:DEAD --timeout 2", 3, "connection_refused" },
    { "lacre info 127.0.0.1:1 --timeout 2x", 2, "not a duration" },
    { "lacre selfsign x.test --valid-for 20000y", 2, "past the year 9999" },
    { "lacre selfsign x.test --valid-for 0d", 2, "more than 0" },
    { "lacre selfsign x.test --out nowhere --json", 3, '"hint":' },
    { "lacre echo --trust ca.pem", 2, "add connect" },
    { "lacre echo --listen 0 --key x.key", 2, "both cert and key, or neither" },
    { "lacre echo --connect localhost:1 --pin garbage", 2, "bad_pin" },
    { "lacre echo > /dev/full", 3, "standard output" },
    { "lacre echo --json > /dev/full", 3, "standard output" },
    { "lacre info 127.0.0.1:70000", 2, "70000" },
    { "lacre health --format nagios -f nofile 2>/dev/null", 3, "^TLS UNKNOWN: [^|\n]*nofile[^|\n]*\n$" },
    { "lacre health 127.0.0.1:1 -o junit:nowhere/x.xml", 3, "no directory nowhere" },
    { "lacre echo --listen 7443 --connect localhost:7443", 2, "cannot be combined" },
    { "lacre echo --listen localhost", 2, "no port" },
    { "lacre zoo good --run \"\"", 2, "no command" },
    { "lacre completion bash", 0, "_lacre" },
    { "lacre completion tcsh", 2, "bash" },
    { "lacre manual", 0, "\n.SS lacre selfsign" },
    { "lacre --version > /dev/full", 3, "standard output" },
    { "lacre pin --help > /dev/full", 3, "standard output" },
  }
  for _, row in ipairs(rows) do
    it(row[1] .. " ends with " .. row[2], function()
      local output, code = shell((row[1]:gsub("DEAD", process.dead_port)))
      assert.equal(row[2], code, output)
      assert.matches(row[3], output)
      assert.falsy(output:find("stack traceback", 1, true))
      assert.falsy(output:find("internal error", 1, true))
    end)
  end

  it("says errors on stderr, and results on stdout alone", function()
    local output, code = shell "lacre pin nowhere.pem 2>/dev/null"
    assert.same({ "", 3 }, { output, code })
    output = shell "lacre --version 2>/dev/null"
    assert.matches("^lacre ", output)
  end)

  it("has a manual page without a mistake in it", function()
    if select(2, process.run { "sh", "-c", "command -v man groff" }) ~= 0 then
      return pending "man or groff is missing"
    end
    assert.equal("", (shell "lacre manual | groff -man -Tutf8 -ww -z"))
  end)

  it("ends quietly when interrupted", function()
    local output, code = shell "timeout -s INT 1 lacre echo --listen 0"
    assert.equal(124, code) -- of timeout(1), which sent the signal
    assert.falsy(output:find("internal error", 1, true), output)
  end)

  it("lets no commands for the terminal through, whoever wrote them", function()
    shell [[openssl req -x509 -newkey ed25519 -nodes -keyout e.key -out e.crt -subj /CN=x # lacre]]
    shell [[openssl req -x509 -new -key e.key -out e.crt -subj /CN=x -addext "subjectAltName=DNS:$(printf 'a\033[2Jb')" # lacre]]
    local port = process.free_port()
    local server = process.start {
      command, "echo", "--listen", tostring(port), "--cert", directory .. "/e.crt", "--key", directory .. "/e.key",
    }
    process.wait_for_port(port)
    local output = lacre("info", "127.0.0.1:" .. port) .. lacre("inspect", directory .. "/e.crt")
      .. lacre("echo", "--connect", "127.0.0.1:" .. port, "--trust", directory .. "/e.crt")
    server:stop()
    assert.matches("\\x1b%[2J", output)
    assert.falsy(output:find "[%z\1-\8\11-\31\127]")
  end)

  it("runs no code of the directory it is called in", function()
    shell [[mkdir -p lair/lacre; for m in argparse dkjson lacre/core lacre/cli; do echo 'print "a trap"' > lair/$m.lua; done # lacre]]
    local output = shell [[cd lair && lacre selfsign x.test --json]]
    assert.falsy(output:find("a trap", 1, true), output)
    assert.matches('"pin"', output)
  end)

  it("finds its modules whatever LUA_PATH says", function()
    for _, path in ipairs { "nowhere/?.lua", "nowhere/?.lua;;", "" } do
      local output, code = shell(("LUA_PATH='%s' LUA_CPATH='%s' lacre selfsign -q path.test --overwrite"):format(path, path))
      assert.same({ "", 0 }, { output, code }, path)
    end
  end)

  it("colours nothing that is not a terminal", function()
    assert.falsy(lacre("echo"):find "\27")
    assert.truthy(lacre("echo", "--color", "always"):find "\27")
    local quiet = shell "FORCE_COLOR=1 lacre echo --color never"
    assert.falsy(quiet:find "\27")
  end)

  it("takes passwords from a file, the environment, a descriptor or the terminal, which does not show them", function()
    shell "lacre selfsign locked.test --quiet"
    shell "openssl pkcs8 -topk8 -in locked.test.key -passout pass:letmein -out locked.key; echo letmein > pw # lacre"
    local serve = "lacre serve . --port 0 --cert locked.test.crt --key locked.key --quiet "
    -- { how, what it prints }: a server that starts is stopped by timeout(1), with 124
    local ways = {
      { serve .. "--password-env NOWHERE", 3, "'NOWHERE' is not set" },
      { serve .. "--password-file nowhere", 3, "file_not_found" },
      { serve .. "< /dev/null", 3, "password_required" },
      { "echo wrong > bad; " .. serve .. "--password-file bad", 3, "bad_password" },
      { "WORD=letmein timeout 1 " .. serve .. "--password-env WORD", 124, "" },
      { "timeout 1 " .. serve .. "--password-file pw", 124, "" },
      { "timeout 1 " .. serve .. "--password-fd 5 5< pw", 124, "" },
    }
    for _, row in ipairs(ways) do
      local output, code = shell(row[1])
      assert.equal(row[2], code, row[1] .. ": " .. output)
      assert.matches(row[3], output)
    end
    if select(2, process.run { "sh", "-c", "script -qec true /dev/null" }) == 0 then
      local typed = "(sleep 0.5; echo letmein; sleep 0.7; printf '\\003') | "
      local output = shell(typed .. "timeout 3 script -qec '" .. serve:gsub("%-%-quiet", "") .. "' /dev/null # lacre")
      assert.matches("password of locked.key", output)
      assert.matches("pin sha256//", output)
      assert.falsy(output:gsub("^letmein", ""):find("letmein", 1, true), output)
      local long = "(sleep 0.5; printf '%1025s\\n') | "
      output = shell(long .. "timeout 3 script -qec '" .. serve .. "' /dev/null # lacre")
      assert.matches("too_large: more than 1024 bytes were typed", output)
    end
  end)
end)

describe("lacre selfsign", function()
  it("writes a key of mode 600 and a certificate, and never over old ones", function()
    local output, code = shell "lacre selfsign localhost 127.0.0.1 ::1"
    assert.equal(0, code, output)
    assert.equal("600", mode "localhost.key")
    assert.matches("localhost%.crt", output)
    local before = read "localhost.key"
    output, code = shell "lacre selfsign localhost"
    assert.equal(3, code)
    assert.matches("file_exists", output)
    assert.equal(before, read "localhost.key")
    output, code = shell "lacre selfsign localhost 127.0.0.1 ::1 --overwrite"
    assert.equal(0, code, output)
    assert.matches("pin sha256//", output)
    assert.not_equal(before, read "localhost.key")
  end)

  it("leaves nothing where it may not write both", function()
    shell "mkdir -p half && touch half/a.test.crt"
    local output, code = shell "lacre selfsign a.test --out half"
    assert.equal(3, code, output)
    assert.equal("a.test.crt\n", (shell "ls -A half"))
  end)

  it("keeps quiet when told, and makes what is asked for", function()
    local output, code = shell "lacre selfsign '*.dev.test' --key rsa:2048 --subject /C=PT/O=Example --valid-for 7d --quiet"
    assert.same({ "", 0 }, { output, code })
    local text = shell "openssl x509 -in _wildcard.dev.test.crt -noout -subject -ext subjectAltName,basicConstraints"
    assert.matches("C = PT, O = Example", text)
    assert.matches("DNS:%*%.dev%.test", text)
    assert.matches("CA:FALSE", text)
  end)
end)

describe("lacre pin", function()
  it("prints the pin of a certificate and of its key alike", function()
    shell "lacre selfsign pinned.test --quiet"
    local of_cert = (shell "lacre pin pinned.test.crt"):match "sha256//%S+"
    assert.equal(of_cert, (shell "lacre pin pinned.test.key"):match "sha256//%S+")
    local line = "openssl pkey -in pinned.test.key -pubout -outform DER | openssl dgst -sha256 -binary | base64"
    assert.equal("sha256//" .. (shell(line)):match "%S+", of_cert)
    assert.equal(0, select(2, shell("lacre pin pinned.test.crt --expect " .. of_cert)))
    assert.equal(1, select(2, shell("lacre pin pinned.test.crt --expect " .. pin)))
    assert.equal(2, select(2, shell "lacre pin pinned.test.crt --expect sha1//x"))
    shell "lacre selfsign other.test --quiet"
    assert.equal(0, select(2, shell "lacre pin pinned.test.crt --same-as pinned.test.key"))
    assert.equal(1, select(2, shell "lacre pin pinned.test.crt --same-as other.test.crt"))
    assert.equal(0, select(2, shell "lacre pin pinned.test.crt --same-as other.test.crt --same-as pinned.test.crt"))
    assert.equal(3, select(2, shell "lacre pin pinned.test.crt --same-as nowhere.crt"))
  end)
end)

describe("lacre echo", function()
  it("is the lab, which holds", function()
    local output, code = lacre "echo"
    assert.equal(0, code, output)
    assert.matches("Everything went as expected", output)
  end)

  it("serves and connects, trusting exactly one certificate or its pin", function()
    shell "lacre selfsign localhost 127.0.0.1 --overwrite --quiet"
    local port = process.free_port()
    local cert, key = directory .. "/localhost.crt", directory .. "/localhost.key"
    local server = process.start { command, "echo", "--listen", tostring(port), "--cert", cert, "--key", key }
    process.wait_for_port(port)
    local at = "localhost:" .. port
    local trusted = (lacre("pin", cert)):match "sha256//%S+"
    -- { arguments, exit code, what it prints }
    local rows = {
      { { "--trust", cert }, 0, "hello" },
      { { "--pin", trusted }, 0, "hello" },
      { {}, 4, "self_signed" },
      { { "--pin", pin }, 4, "pin_mismatch" },
      { { "--trust", cert, "--server-name", "other.test" }, 4, "hostname_mismatch" },
    }
    for _, row in ipairs(rows) do
      local words = { command, "echo", "--connect", at }
      for _, word in ipairs(row[1]) do
        words[#words + 1] = word
      end
      local output, code = process.run(words)
      assert.equal(row[2], code, output .. server:output())
      assert.matches(row[3], output)
    end
    server:stop()
  end)
end)
