local core = require "lacre.core"
local crl = require "lacre.crl"
local get = require "lacre.tool.get"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"
local webfiles = require "lacre.http.files"

local unpack = table.unpack or unpack -- luacheck: ignore
local command = os.getenv "BUILD" .. "/bin/lacre"
local directory = process.directory()
local big = ("0123456789abcdef"):rep(20000)

local function put(name, bytes)
  local handle = assert(io.open(directory .. "/" .. name, "wb"))
  handle:write(bytes)
  handle:close()
  return directory .. "/" .. name
end

local function read(path)
  local handle = io.open(path, "rb")
  local bytes = handle and handle:read "*a"
  if handle then
    handle:close()
  end
  return bytes
end

local ca = put("ca.pem", tls.root.pem)
process.run { "mkdir", directory .. "/site" }
put("site/a.txt", "0123456789")
put("site/big.bin", big)

-- runs the command while the loop goes on; its output and exit code
local function lacre(...)
  local words = { command }
  for _, word in ipairs { ... } do
    words[#words + 1] = word
  end
  local code = os.tmpname()
  local started = process.start { "sh", "-c", process.line(words) .. "; echo $? > " .. code }
  repeat
    loop.sleep(0.02)
  until not started:is_alive()
  local output, rc = started:output(), tonumber((read(code)))
  os.remove(code)
  started:stop()
  return output, rc
end

local function serving(run, given)
  loop.run(function()
    local set = { root = directory .. "/site", port = 0, identity = tls.id, on_error = function() end, grace = 1 }
    for name, value in pairs(given or {}) do
      set[name] = value
    end
    local service = assert(webfiles.serve(set))
    local _, port = service:address()
    local ok, why = loop.pcall(run, ("https://localhost:%d"):format(port))
    service:stop()
    service:wait()
    if not ok then
      error(why, 0)
    end
  end)
end

-- a server that answers each request with the next of some texts, and keeps what it was asked
local function answering(answers, run, set)
  local asked, at = {}, 0
  tls.with_server(set or {}, function(c)
    local lines = {}
    repeat
      lines[#lines + 1] = c:read "l"
    until lines[#lines] == "" or not c:is_open() or #lines > 50
    asked[#asked + 1] = table.concat(lines, "\n")
    at = at + 1
    local answer = answers[at] or answers[#answers]
    c:write((answer:gsub("PORT", asked.port):gsub("CUT$", "")))
    if answer:find "CUT$" then
      c:abort()
    end
  end, function(port)
    asked.port = tostring(port)
    run("https://localhost:" .. port, asked)
  end)
end

describe("lacre get", function()
  it("prints what a URL leads to", function()
    serving(function(base)
      local output, code = lacre("get", base .. "/a.txt", "--trust", ca)
      assert.equal("0123456789", output)
      assert.equal(0, code)
      output, code = lacre("get", base .. "/a.txt", "--trust", ca, "-i")
      assert.matches("^HTTP/1.1 200 OK\naccept%-ranges: bytes\n.*\n\n0123456789$", output)
      assert.equal(0, code)
      output, code = lacre("get", base .. "/a.txt", "--trust", ca, "--head")
      assert.matches("content%-length: 10\n", output)
      assert.equal(0, code)
      output, code = lacre("get", base .. "/none", "--trust", ca)
      assert.equal("404 Not Found\n", output)
      assert.equal(1, code)
      assert.equal("", (lacre("get", base .. "/a.txt", "--trust", ca, "-q")))
    end)
  end)

  it("tells everything as JSON", function()
    serving(function(base)
      local output, code = lacre("get", base .. "/a.txt", "--trust", ca, "--json")
      assert.equal(0, code)
      local facts = require("dkjson").decode(output)
      assert.equal("0123456789", facts.body)
      assert.equal(200, facts.status)
      assert.equal("chain", facts.connection.verified)
      put("site/bytes", "\0\255")
      facts = require("dkjson").decode((lacre("get", base .. "/bytes", "--trust", ca, "--json")))
      assert.equal("AP8=", facts.body_base64)
    end)
  end)

  it("verifies: the chain, the name, pins", function()
    serving(function(base)
      local other = put("other.pem", pki.root().pem)
      local leaf, wrong = tls.id.cert:pin(), pki.root().cert:pin()
      local cases = {
        { 4, "unknown_issuer", base },
        { 4, "unknown_issuer", base, "--trust", other },
        { 4, "hostname_mismatch", base, "--trust", ca, "--server-name", "other.test" },
        { 4, "pin_mismatch", base, "--trust", ca, "--pin", wrong },
        { 4, "pin_mismatch", base, "--trust", "pins", "--pin", wrong },
        { 0, "^0123456789$", base .. "/a.txt", "--trust", ca, "--pin", wrong, "--pin", leaf },
        { 0, "^0123456789$", base .. "/a.txt", "--trust", other, "--trust", ca },
        { 0, "^0123456789$", base .. "/a.txt", "--trust", "pins", "--pin", leaf },
      }
      for i, case in ipairs(cases) do
        local output, code = lacre("get", unpack(case, 3))
        assert.matches(case[2], output, nil, nil, "case " .. i)
        assert.equal(case[1], code, "case " .. i)
      end
    end)
  end)

  it("shows a client certificate, with the password of its key, and not to another host", function()
    local me = pki.client(tls.root)
    local cert, key = put("me.crt", me.pem), put("me.key", assert(me.key:to_pem { password = "sesame" }))
    local password = put("password", "sesame\n")
    local set = { client_auth = "required", client_trust = tls.root.cert }
    serving(function(base)
      local output, code = lacre("get", base .. "/a.txt", "--trust", ca, "--cert", cert, "--key", key, "--password-file", password)
      assert.equal("0123456789", output)
      assert.equal(0, code)
      output, code = lacre("get", base .. "/a.txt", "--trust", ca, "--cert", cert, "--key", key, "--password-env", "NOT_SET_AT_ALL")
      assert.matches("'NOT_SET_AT_ALL' is not set", output)
      assert.equal(3, code)
      output, code = lacre("get", base .. "/a.txt", "--trust", ca)
      assert.matches("client_cert_required", output)
      assert.equal(4, code)
    end, set)
    answering({ "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:PORT/a.txt\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nx" },
      function(base)
        local output, code = lacre("get", base, "--trust", ca, "--cert", cert, "--key", key, "--password-file", password)
        assert.matches("client_cert_required", output)
        assert.equal(4, code)
      end, set)
  end)

  it("follows redirects, each verified anew", function()
    answering({ "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:PORT/x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\n\r\nthere" },
      function(base, asked)
        local output, code = lacre("get", base, "--trust", ca, "--header", "Authorization: secret")
        assert.equal("there", output)
        assert.equal(0, code)
        assert.matches("Authorization: secret", asked[1])
        assert.matches("User%-Agent: lacre/", asked[2])
        assert.falsy(asked[2]:find "secret")
        output, code = lacre("get", base, "--trust", ca, "--follow", "0")
        assert.equal("there", output) -- the answers have moved on
        assert.equal(0, code)
      end)
    answering({ "HTTP/1.1 302 Found\r\nLocation: http://localhost:PORT/x\r\n\r\n" }, function(base)
      local output, code = lacre("get", base, "--trust", ca, "--plaintext")
      assert.matches("redirect_insecure", output)
      assert.equal(4, code)
    end)
  end)

  it("sends what it is told", function()
    answering({ "HTTP/1.1 204 No Content\r\n\r\n" }, function(base, asked)
      local output, code = lacre("get", base .. "/?q", "--trust", ca, "--body", "hello", "--header", "accept-encoding: gzip")
      assert.equal("", output)
      assert.equal(0, code)
      assert.matches("^POST /%?q HTTP/1.1\n", asked[1])
      assert.matches("Content%-Length: 5\n", asked[1])
      assert.matches("accept%-encoding: gzip\n", asked[1])
      assert.falsy(asked[1]:find "identity")
    end)
  end)

  it("writes a file whole, and no old one over", function()
    serving(function(base)
      local path = directory .. "/out.bin"
      local output, code = lacre("get", base .. "/big.bin", "--trust", ca, "-o", path)
      assert.equal(path .. "  320000 bytes\n", output)
      assert.equal(0, code)
      assert.is_true(read(path) == big)
      assert.is_nil(read(path .. ".part"))
      output, code = lacre("get", base .. "/a.txt", "--trust", ca, "-o", path)
      assert.matches("file_exists", output)
      assert.equal(3, code)
      output, code = lacre("get", base .. "/none", "--trust", ca, "-o", path, "--overwrite")
      assert.equal("404 Not Found\n", output)
      assert.equal(1, code)
      assert.is_true(read(path) == big)
      assert.equal(0, select(2, lacre("get", base .. "/a.txt", "--trust", ca, "-o", path, "--overwrite")))
      assert.equal("0123456789", read(path))
      for _, bad in ipairs { directory, directory .. "/no/such" } do
        assert.equal(3, select(2, lacre("get", base .. "/a.txt", "--trust", ca, "-o", bad)))
      end
      assert.equal(2, select(2, lacre("get", base .. "/a.txt", "--trust", ca, "-o", path, "--head")))
    end)
  end)

  it("writes to standard output, pipes and devices, and replaces none of them", function()
    serving(function(base)
      assert.equal("0123456789", (lacre("get", base .. "/a.txt", "--trust", ca, "-o", "-")))
      local pipe = directory .. "/pipe"
      process.run { "mkfifo", pipe }
      local reader = process.start { "timeout", "5", "cat", pipe }
      local output, code = lacre("get", base .. "/a.txt", "--trust", ca, "-o", pipe, "--overwrite")
      assert.equal(pipe .. "  10 bytes\n", output)
      assert.equal(0, code)
      assert.equal("0123456789", reader:output())
      reader:stop()
      assert.equal(0, select(2, process.run { "test", "-p", pipe }))
      os.remove(pipe)
      output, code = lacre("get", base .. "/a.txt", "--trust", ca, "-o", "/dev/full")
      assert.matches("io_error: /dev/full: No space left", output)
      assert.equal(3, code)
    end)
  end)

  it("refuses who was revoked, when given the list", function()
    local function list(name, of, revoked)
      return put(name, assert(crl.create { issuer = of.cert, issuer_key = of.key, revoked = revoked }):to_pem())
    end
    local above = list("root.crl", tls.root, {})
    serving(function(base)
      local function fetch(name)
        return lacre("get", base .. "/a.txt", "--trust", ca, "--crl", above, "--crl", name)
      end
      assert.equal("0123456789", (fetch(list("good.crl", tls.inter, {}))))
      local output, code = fetch(list("bad.crl", tls.inter, { { cert = tls.id.cert } }))
      assert.matches("cert_revoked", output)
      assert.equal(4, code)
    end)
  end)

  it("goes on with what was left, if it is still the same", function()
    local path = directory .. "/resumed"
    local head = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: "v1"\r\n\r\n'
    answering({ head .. "0123CUT", 'HTTP/1.1 206 Partial Content\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\n\r\n456789' },
      function(base, asked)
        local output, code = lacre("get", base, "--trust", ca, "-o", path)
        assert.matches("unexpected_eof", output)
        assert.equal(3, code)
        assert.equal("0123", read(path .. ".part"))
        output, code = lacre("get", base, "--trust", ca, "-o", path, "--resume")
        assert.equal(path .. "  10 bytes, 4 of them from before\n", output)
        assert.equal(0, code)
        assert.equal("0123456789", read(path))
        assert.is_nil(read(path .. ".part.tag"))
        assert.matches('If%-Range: "v1"\n', asked[2])
        assert.matches("Range: bytes=4%-\n", asked[2])
      end)
  end)

  it("does not mix with another that writes to the same file", function()
    serving(function(base)
      local part = put("shared.part", "theirs")
      local lock = assert(core.lock.take(part))
      local output, code = lacre("get", base .. "/a.txt", "--trust", ca, "-o", directory .. "/shared")
      assert.matches("locked: .*shared.part.*another process fetches", output)
      assert.equal(3, code)
      assert.equal("theirs", read(part))
      lock:close()
      assert.equal(0, select(2, lacre("get", base .. "/a.txt", "--trust", ca, "-o", directory .. "/shared")))
      assert.equal("0123456789", read(directory .. "/shared"))
    end)
  end)

  local leftovers = {
    ["has changed meanwhile"] = { '"v1"', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: "v2"\r\n\r\nnew', "new", 0 },
    ["was whole already"] = { '"v1"', "HTTP/1.1 416 No\r\nContent-Range: bytes */4\r\nContent-Length: 2\r\n\r\nno", "0123", 0 },
    ["has become shorter"] = { '"v1"', "HTTP/1.1 416 No\r\nContent-Range: bytes */3\r\nContent-Length: 2\r\n\r\nno", nil, 1 },
    ["comes from elsewhere in the file"] = { '"v1"', "HTTP/1.1 206 P\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\n3456789", nil, 4 },
    ["nobody vouches for"] = { "W/x", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew", "new", 0 },
  }
  for name, case in pairs(leftovers) do
    it("leaves or replaces what " .. name, function()
      local path = directory .. "/left"
      put("left.part", "0123")
      put("left.part.tag", case[1])
      answering({ case[2] }, function(base)
        local output, code = lacre("get", base, "--trust", ca, "-o", path, "--resume")
        assert.equal(case[4], code, output)
        assert.equal(case[3], read(path))
        assert.equal(case[3] == nil and "0123" or nil, read(path .. ".part"))
      end)
      process.run { "rm", "-f", path, path .. ".part", path .. ".part.tag" }
    end)
  end

  it("keeps to its limits", function()
    serving(function(base)
      local output, code = lacre("get", base .. "/big.bin", "--trust", ca, "--max-size", "100k")
      assert.matches("too_large", output)
      assert.equal(4, code)
    end)
    tls.with_server({}, function(c)
      c:read "l"
      loop.sleep(2)
    end, function(port)
      local base = "https://localhost:" .. port
      local output, code = lacre("get", base, "--trust", ca, "--timeout", "0.2s")
      assert.matches("timeout", output)
      assert.equal(3, code)
      output, code = lacre("get", base, "--trust", ca, "--max-time", "0.2")
      assert.matches("timeout", output)
      assert.equal(3, code)
    end)
  end)

  it("goes through a proxy, which the environment may name", function()
    serving(function(base)
      local proxy = process.free_port()
      local asked
      loop.spawn(function()
        local tcp = require "lacre.tcp"
        local listener = assert(tcp.listen { port = proxy })
        for _ = 1, 2 do
          local near = assert(listener:accept(5))
          asked = near:read "l"
          repeat until near:read "l" == ""
          local far = assert(tcp.connect("127.0.0.1", tonumber(asked:match ":(%d+) ")))
          near:write "HTTP/1.1 200 Connection established\r\n\r\n"
          local back = loop.spawn(function()
            repeat
              local bytes = far:receive()
            until not bytes or not near:write(bytes)
          end)
          repeat
            local bytes = near:receive()
          until not bytes or not far:write(bytes)
          far:shutdown()
          back:join()
          far:close()
          near:close()
        end
        listener:close()
      end)
      loop.sleep(0)
      local output, code = lacre("get", base .. "/a.txt", "--trust", ca, "--proxy", "http://127.0.0.1:" .. proxy)
      assert.equal("0123456789", output)
      assert.equal(0, code)
      assert.matches("^CONNECT localhost:%d+ HTTP/1.1$", asked)
      asked = nil
      local env = { "get", base .. "/a.txt", "--trust", ca }
      local old = command
      command = "env"
      output = lacre("https_proxy=http://127.0.0.1:" .. proxy, "no_proxy=.example", old, unpack(env))
      assert.equal("0123456789", output)
      assert.truthy(asked)
      output = lacre("https_proxy=http://127.0.0.1:" .. process.dead_port, "no_proxy=example,localhost", old, unpack(env))
      command = old
      assert.equal("0123456789", output)
    end)
  end)

  it("gets from openssl s_server", function()
    local port, log = process.free_port(), nil
    local cert, key = put("server.crt", tls.id.pem), put("server.key", tls.id.key_pem)
    local server = process.start { "sh", "-c", process.line { "cd", directory .. "/site" } .. " && exec "
      .. process.line { "openssl", "s_server", "-quiet", "-WWW", "-port", port, "-cert", cert, "-cert_chain", cert, "-key", key } }
    process.wait_for_port(port)
    loop.run(function()
      local output, code = lacre("get", ("https://localhost:%d/a.txt"):format(port), "--trust", ca)
      log = server:output()
      assert.equal("0123456789", output, log)
      assert.equal(0, code)
    end)
    server:stop()
  end)

  it("tells mistakes, with the exit code of mistakes", function()
    loop.run(function()
      local cases = {
        { 2, "bad_name.*write a URL as https://", "localhost" }, { 2, "user name is not accepted: https://%.%.%.@x", "https://u:secret@x" },
        { 2, "%-%-header %('Host' is set", "https://x", "--header", "Host: y" }, { 2, "redirect_insecure", "http://localhost/" },
        { 2, "unknown option", "https://localhost/", "--verify" }, { 2, "missing argument" },
        { 2, "bad option %-%-header", "https://localhost/", "--header", "nonsense" },
        { 2, "bad option %-%-max%-size", "https://localhost/", "--max-size", "much" },
        { 2, "bad option %-%-timeout", "https://localhost/", "--timeout", "soon" },
        { 3, "connection_refused", "https://localhost:" .. process.dead_port .. "/" },
        { 3, "file_not_found", "https://localhost/", "--trust", directory .. "/nothing" },
      }
      for i, case in ipairs(cases) do
        local output, code = lacre("get", unpack(case, 3))
        assert.matches(case[2], output, nil, nil, "case " .. i)
        assert.equal(case[1], code, "case " .. i .. output)
      end
    end)
  end)

  it("is a function of Lua, and draws no lines there", function()
    serving(function(base)
      local steps = {}
      local result = assert(get { base .. "/big.bin", trust = tls.root.cert, out = directory .. "/lua.bin",
        on_progress = function(done, total)
          steps[#steps + 1] = { done, total }
        end })
      assert.same({ 320000, 320000 }, steps[#steps])
      assert.equal(320000, result.bytes)
      result = assert(get { url = base .. "/a.txt", trust = tls.root.cert })
      assert.equal("0123456789", result.body)
      local pieces = {}
      result = assert(get { base .. "/a.txt", trust = tls.root.cert, on_data = function(bytes)
        pieces[#pieces + 1] = bytes
        return true
      end })
      assert.equal("0123456789", table.concat(pieces))
      assert.is_nil(result.body)
    end)
  end)

  it("shows a line of progress on a terminal", function()
    local now, written = 0, {}
    local clock = require "lacre.time"
    local monotonic = clock.monotonic
    clock.monotonic = function()
      now = now + 1
      return now
    end
    local progress = require("lacre.report.progress").new(function(text)
      written[#written + 1] = text
    end, 30)
    progress(1024, 4096)
    progress(2048)
    progress(4096, 4096)
    progress()
    clock.monotonic = monotonic
    assert.same({ "\r\27[K 25%  1.0 KiB of 4.0 KiB  1.0", "\r\27[K2.0 KiB  1.0 KiB/s", "\r\27[K", "" },
      { written[1]:sub(1, 34), written[2], written[3], written[4] })
    process.remove(directory)
    pki.clean()
  end)
end)
