local conn = require "lacre.conn"
local connect = require("lacre.connect").connect
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local starttls = require "lacre.starttls"
local tcp = require "lacre.tcp"
local tls = require "spec.support.tls"

-- scripts of servers: what is said, and what is expected ("<" a line, "<n" bytes)
local good = {
  smtp = { "220-hi\r\n220 ready\r\n", "<EHLO", "250-me\r\n250-PIPELINING\r\n250-starttls\r\n250 OK\r\n", "<STARTTLS", "220 go\r\n" },
  lmtp = { "220 ready\r\n", "<LHLO", "250-me\r\n250 STARTTLS\r\n", "<STARTTLS", "220 go\r\n" },
  imap = { "* OK ready\r\n", "<a1 CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK\r\n", "<a2 STARTTLS",
    "a2 OK begin\r\n" },
  pop3 = { "+OK\r\n", "<CAPA", "+OK\r\nTOP\r\nSTLS\r\n.\r\n", "<STLS", "+OK\r\n" },
  ftp = { "220 hi\r\n", "<AUTH TLS", "234 go\r\n" },
  nntp = { "200 hi\r\n", "<CAPABILITIES", "101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n", "<STARTTLS", "382 go\r\n" },
  sieve = { '"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK\r\n', "<STARTTLS", 'OK "go"\r\n' },
  xmpp = { "<stream:stream", "<stream:stream id='1'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
    "<starttls", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
  ldap = { "<31", "\48\12\2\1\1\120\7\10\1\0\4\0\4\0" },
  postgres = { "<8", "S" },
  mysql = { "\73\0\0\0\10" .. "8.0\0" .. "abcd" .. "saltsalt\0" .. "\255\255\33\2\0\255\199" .. ("x"):rep(48), "<36" },
}

local bad = {
  { "smtp", "starttls_unsupported", { "220 ready\r\n", "<EHLO", "250-me\r\n250 PIPELINING\r\n" } },
  { "smtp", "starttls_refused", { "220 ready\r\n", "<EHLO", "250-me\r\n250 STARTTLS\r\n", "<STARTTLS", "454 no\r\n" } },
  { "smtp", "starttls_refused", { "554 go away\r\n" } },
  { "smtp", "plaintext_pending", { "220 ready\r\n", "<EHLO", "250-me\r\n250 STARTTLS\r\n", "<STARTTLS", "220 go\r\n250 injected\r\n" } },
  { "smtp", "closed", { "220 ready\r\n", "<EHLO" } },
  { "imap", "starttls_refused", { "* PREAUTH welcome\r\n" } },
  { "imap", "starttls_unsupported", { "* OK\r\n", "<a1", "* CAPABILITY IMAP4rev1\r\na1 OK\r\n" } },
  { "imap", "starttls_refused", { "* OK\r\n", "<a1", "* CAPABILITY STARTTLS\r\na1 OK\r\n", "<a2", "a2 NO\r\n" } },
  { "imap", "plaintext_pending", { "* OK\r\n", "<a1", "* CAPABILITY STARTTLS\r\na1 OK\r\n", "<a2", "a2 OK\r\n* BYE\r\n" } },
  { "pop3", "starttls_unsupported", { "+OK\r\n", "<CAPA", "+OK\r\nTOP\r\n.\r\n" } },
  { "pop3", "starttls_unsupported", { "+OK\r\n", "<CAPA", "-ERR\r\n" } },
  { "pop3", "starttls_refused", { "+OK\r\n", "<CAPA", "+OK\r\nSTLS\r\n.\r\n", "<STLS", "-ERR\r\n" } },
  { "ftp", "starttls_unsupported", { "220 hi\r\n", "<AUTH", "502 what\r\n" } },
  { "ftp", "starttls_refused", { "220 hi\r\n", "<AUTH", "431 not now\r\n" } },
  { "nntp", "starttls_unsupported", { "200 hi\r\n", "<CAP", "101 list\r\nVERSION 2\r\n.\r\n" } },
  { "nntp", "starttls_refused", { "200 hi\r\n", "<CAP", "101 list\r\nSTARTTLS\r\n.\r\n", "<STARTTLS", "580 no\r\n" } },
  { "sieve", "starttls_unsupported", { '"SASL" "PLAIN"\r\nOK\r\n' } },
  { "sieve", "starttls_refused", { '"STARTTLS"\r\nOK\r\n', "<STARTTLS", "NO\r\n" } },
  { "xmpp", "starttls_unsupported", { "<stream:stream", "<stream:stream><stream:features/>" } },
  { "xmpp", "starttls_refused", { "<stream:stream",
    "<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>", "<starttls", "<failure/>" } },
  { "xmpp", "plaintext_pending", { "<stream:stream",
    "<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>", "<starttls",
    "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><message/>" } },
  { "ldap", "starttls_unsupported", { "<31", "\48\12\2\1\1\120\7\10\1\2\4\0\4\0" } },
  { "ldap", "starttls_refused", { "<31", "\48\12\2\1\1\120\7\10\1\52\4\0\4\0" } },
  { "ldap", "starttls_refused", { "<31", "HTTP/1.1 400\r\n" } },
  { "postgres", "starttls_unsupported", { "<8", "N" } },
  { "postgres", "starttls_refused", { "<8", "E" } },
  { "postgres", "plaintext_pending", { "<8", "SZ\0\0\0\5" } },
  { "mysql", "starttls_unsupported", { "\73\0\0\0\10" .. "8.0\0" .. "abcd" .. "saltsalt\0" .. "\255\247\33\2\0\255\199" .. ("x"):rep(48) } },
  { "mysql", "starttls_refused", { "\23\0\0\0\255\16\4Too many connections" } },
}

-- a string that is expected begins with "<" and has no ">": XML has
local function expected(step)
  return step:sub(1, 1) == "<" and not step:find ">" and step:sub(2) or nil
end

local function play(plain, script)
  for _, step in ipairs(script) do
    local what = expected(step)
    local count = what and tonumber(what)
    if count then
      assert.equal(count, #assert(plain:read(count)))
    elseif what and (what:find "^stream" or what == "starttls") then
      local text = ""
      repeat
        text = text .. assert(plain:receive())
      until text:find("<" .. what, 1, true) and text:sub(-1) == ">"
    elseif what then
      assert.equal(what, (plain:read "l" or ""):sub(1, #what))
    else
      plain:write(step)
    end
  end
end

local function against(script, client)
  loop.run(function()
    local server = assert(tcp.listen { port = 0 })
    local _, port = server:address()
    local ctx = tls.server()
    local task = loop.spawn(function()
      local plain = assert(server:accept(3))
      play(plain, script)
      if script.is_good then
        local c = assert(conn.over(ctx, plain.socket, {}))
        tls.echo(c)
        c:close()
      else
        loop.sleep(0.02)
        plain:close()
      end
    end)
    local ok, why = loop.pcall(client, port)
    server:close()
    local _, failed = task:join(3)
    if not ok then
      error(why, 0)
    end
    assert.is_true(failed == nil or type(failed) == "table", failed)
  end)
end

describe("starttls", function()
  for protocol, script in pairs(good) do
    it("upgrades " .. protocol, function()
      script.is_good = true
      against(script, function(port)
        local c, err = connect("localhost", port, { trust = tls.root.cert, starttls = protocol, timeout = 3 })
        assert(c, tostring(err))
        c:write "inside\n"
        assert.equal("inside", c:read "l")
        c:close()
      end)
    end)
  end

  for i, case in ipairs(bad) do
    it(("never goes on in clear text: %s, %s (%d)"):format(case[1], case[2], i), function()
      against(case[3], function(port)
        local c, err = connect("localhost", port, { trust = tls.root.cert, starttls = case[1], timeout = 3 })
        assert.is_nil(c)
        assert.equal(case[2], err.code)
        assert.equal(port, err.port)
      end)
    end)
  end

  it("takes a dialogue of one's own", function()
    against({ "<HELLO", "WORLD\n", is_good = true }, function(port)
      local c = assert(connect("localhost", port, { trust = tls.root.cert, timeout = 3, starttls = function(plain)
        plain:write "HELLO\n"
        return plain:read "l" == "WORLD"
      end }))
      c:close()
    end)
    against({ "<HELLO", "NO\n" }, function(port)
      local c, err = connect("localhost", port, { trust = tls.root.cert, timeout = 3, starttls = function(plain)
        plain:write "HELLO\n"
        plain:read "l"
        return nil, "they said no"
      end })
      assert.is_nil(c)
      assert.equal("starttls_refused", err.code)
      assert.matches("they said no", err.message)
    end)
  end)

  it("says what may be wrong where nothing comes of it", function()
    against({ "220 ready\r\n", "<EHLO" }, function(port)
      local _, err = connect("localhost", port, { trust = tls.root.cert, starttls = "smtp", timeout = 3 })
      assert.same({ "closed", "starttls" }, { err.code, err.stage })
      assert.matches("if TLS begins at once there, leave starttls out", err.hint)
    end)
  end)

  it("is advised on ports that begin in plaintext, where a handshake failed without a word", function()
    local function advised(code, port, stage)
      return starttls.advise(lacre_error.new { code = code, message = "x", stage = stage or "handshake" }, port).hint
    end
    assert.matches("use starttls = \"postgres\", or %-%-starttls postgres$", advised("unexpected_eof", 5432))
    assert.matches("%-%-starttls ldap$", advised("handshake_timeout", 389))
    assert.matches("^the server hung up", advised("unexpected_eof", 443))
    assert.matches("^the server, or a firewall", advised("connection_reset", 993))
    assert.matches("^the peer supports only TLS 1.1", advised("protocol_version", 25))
    assert.matches("^check host and port", advised("connect_timeout", 25, "connect"))
  end)

  it("is given up in time", function()
    local silent = assert(tcp.listen { port = 0 })
    local _, port = silent:address()
    local c, err = connect("localhost", port, { trust = tls.root.cert, starttls = "smtp", timeout = 0.05 })
    assert.is_nil(c)
    assert.is_true(err.timeout)
    silent:close()
  end)

  it("raises unknown protocols", function()
    assert.has_error(function()
      connect("localhost", 1, { starttls = "gopher" })
    end)
  end)
end)

describe("proxy", function()
  -- a proxy that knows one place
  local function with_proxy(answer, client)
    tls.with_server({}, tls.echo, function(port)
      local proxy = assert(tcp.listen { port = 0 })
      local _, at = proxy:address()
      local asked = {}
      local task = loop.spawn(function()
        local plain = assert(proxy:accept(3))
        repeat
          asked[#asked + 1] = plain:read "l"
        until asked[#asked] == "" or not asked[#asked]
        if not plain:write(answer) or not answer:find " 200" then
          return plain:close()
        end
        local far = assert(tcp.connect("127.0.0.1", port))
        local function copy(from, to)
          repeat
            local bytes = from:receive()
          until not bytes or not to:write(bytes)
          to:shutdown()
        end
        local back = loop.spawn(copy, far, plain)
        copy(plain, far)
        back:join(3)
        far:close()
        plain:close()
      end)
      local ok, why = loop.pcall(client, at, port, asked)
      proxy:close()
      task:join(3)
      if not ok then
        error(why, 0)
      end
    end)
  end

  it("connects by name, and verifies the far end", function()
    with_proxy("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", function(at, port, asked)
      local c = assert(connect("localhost", port, { trust = tls.root.cert, proxy = "http://user:p%40ss@127.0.0.1:" .. at, timeout = 3 }))
      c:write "x\n"
      assert.equal("x", c:read "l")
      c:close()
      assert.equal(("CONNECT localhost:%d HTTP/1.1"):format(port), asked[1])
      assert.equal(("Host: localhost:%d"):format(port), asked[2])
      assert.equal("Proxy-Authorization: Basic dXNlcjpwQHNz", asked[3])
    end)
  end)

  for answer, code in pairs {
    ["HTTP/1.1 403 Forbidden\r\n\r\n"] = "proxy_refused",
    ["SSH-2.0-x\r\n"] = "proxy_refused",
    ["HTTP/1.1 200 OK\r\n\r\nearly"] = "plaintext_pending",
    ["HTTP/1.1 2000 OK\r\n\r\n"] = "proxy_refused",
    ["HTTP/1.1 200OK\r\n\r\n"] = "proxy_refused",
    ["HTTP/1.1 " .. ("x"):rep(9000)] = "proxy_refused",
    [""] = "closed",
  } do
    it("tells " .. code .. " of " .. answer:gsub("%c.*", ""), function()
      with_proxy(answer, function(at, port)
        local c, err = connect("localhost", port, { trust = tls.root.cert, proxy = "http://127.0.0.1:" .. at, timeout = 3 })
        assert.is_nil(c)
        assert.equal(code, err.code)
        if code == "closed" then
          assert.equal("proxy", err.stage)
          assert.matches("^the proxy 127.0.0.1:%d+: ", err.message)
        end
      end)
    end)
  end

  it("tells the proxy a name and nothing beside it", function()
    loop.run(function()
      local proxy = assert(tcp.listen { port = 0 })
      local through = "http://127.0.0.1:" .. select(2, proxy:address())
      for _, host in ipairs { "a\r\nX: y", "a\0b", "a b", "" } do
        local c, err = connect(host, 443, { proxy = through, timeout = 3 })
        assert.is_nil(c)
        assert.equal("bad_name", err.code)
      end
      for _, port in ipairs { 0, 65536, 1.5 } do
        assert.has_error(function()
          connect("localhost", port, { proxy = through })
        end)
      end
      assert.is_nil((proxy:accept(0)))
      loop.spawn(connect, "bücher.example", 443, { proxy = through, timeout = 3 })
      local plain = assert(proxy:accept(3))
      assert.equal("CONNECT xn--bcher-kva.example:443 HTTP/1.1", plain:read "l")
      plain:close()
      proxy:close()
    end)
  end)

  it("says where user and password go", function()
    with_proxy("HTTP/1.1 407 Who?\r\n\r\n", function(at, port)
      local _, err = connect("localhost", port, { trust = tls.root.cert, proxy = "http://127.0.0.1:" .. at, timeout = 3 })
      assert.matches("407 Who", err.message)
      assert.matches("http://user:password@host:port", err.hint)
    end)
  end)

  it("raises what is no proxy", function()
    for _, bad_proxy in ipairs { "127.0.0.1:80", "http://127.0.0.1:0", "socks://x", "http://", 5 } do
      assert.has_error(function()
        connect("localhost", 1, { proxy = bad_proxy })
      end)
    end
  end)
end)
