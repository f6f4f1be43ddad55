local http = require "lacre.http"
local loop = require "lacre.loop"
local message = require "lacre.http.message"
local pki = require "spec.support.pki"
local tcp = require "lacre.tcp"
local tls = require "spec.support.tls"

-- a server whose answers are a list of texts, or functions of the request
local function answering(answers, client, set)
  local asked, at = {}, 0
  tls.with_server(set or {}, function(c)
    if not c:handshake() then
      return
    end
    local head = { c:read "l" }
    repeat
      head[#head + 1] = c:read "l"
    until head[#head] == "" or not c:is_open()
    local length = tonumber(table.concat(head, "\n"):match "Content%-Length: (%d+)" or 0)
    asked[#asked + 1] = { head = head, body = length > 0 and c:read(length) or "" }
    at = at + 1
    local answer = answers[at] or answers[#answers]
    c:write((answer:gsub("PORT", asked.port)))
    if answer:find "ABORT" then
      c:abort()
    end
  end, function(port)
    asked.port = tostring(port)
    client("https://localhost:" .. port, asked)
  end)
end

local function request(url, given)
  local set = { url = url, trust = tls.root.cert, timeout = 3 }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return http.request(set)
end

describe("http.request", function()
  local ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello and more"

  it("gives a response", function()
    answering({ ok }, function(base, asked)
      local r = assert(request(base .. "/a?b#c", { headers = { Accept = "x" } }))
      assert.equal(200, r.status)
      assert.equal("OK", r.reason)
      assert.equal("hello", r.body)
      assert.equal("1, 2", r.headers["x-a"])
      assert.equal("1.3", r.tls.version)
      assert.equal("chain", r.tls.verified)
      assert.equal(base .. "/a?b", r.url)
      assert.same({ "GET /a?b HTTP/1.1", "Host: " .. base:sub(9), "Connection: close", "Accept: x", "" }, asked[1].head)
    end)
  end)

  it("sends a body, and hands one to a sink", function()
    answering({ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n" },
      function(base, asked)
        local pieces = {}
        local r = assert(request(base, { method = "POST", body = "data", sink = function(bytes)
          pieces[#pieces + 1] = bytes
          return true
        end }))
        assert.is_nil(r.body)
        assert.equal("abc0123456789", table.concat(pieces))
        assert.equal("data", asked[1].body)
        assert.equal("POST / HTTP/1.1", asked[1].head[1])
      end)
  end)

  it("reads to the end where nothing tells the length, and no further than nothing", function()
    answering({ "HTTP/1.0 200\r\n\r\nall of it" }, function(base)
      assert.equal("all of it", assert(request(base)).body)
    end)
    answering({ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\nnot a body" }, function(base)
      local r = assert(request(base))
      assert.equal(204, r.status)
      assert.equal("", r.body)
    end)
    answering({ "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" }, function(base)
      assert.equal("", assert(request(base, { method = "HEAD" })).body)
    end)
  end)

  local refused = {
    { "http_malformed", "SSH-2.0-x\r\n" },
    { "http_malformed", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\nContent-Length: 0\n\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" },
    { "http_malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n" },
    { "unexpected_eof", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort" },
    { "unexpected_eof", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab" },
    { "unexpected_eof", "HTTP/1.1 200 OK\r\n\r\nABORT" },
    { "closed", "" },
    { "too_large", "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" .. ("x"):rep(2000) },
    { "too_large", "HTTP/1.1 200 OK\r\n" .. ("A: b\r\n"):rep(101) .. "\r\n" },
    { "line_too_long", "HTTP/1.1 200 OK\r\nA: " .. ("b"):rep(9000) .. "\r\n\r\n" },
  }
  for i, case in ipairs(refused) do
    it(("answers %s to a bad response (%d)"):format(case[1], i), function()
      answering({ case[2] }, function(base)
        local r, err = request(base, { max_body = 1000 })
        assert.is_nil(r)
        assert.equal(case[1], err.code)
        assert.equal("localhost", err.host)
      end)
    end)
  end

  it("follows redirects, by the rules", function()
    answering({
      "HTTP/1.1 302 Found\r\nLocation: /there/./x/../y?z\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 308 Perm\r\nLocation: next\r\n\r\n",
      "HTTP/1.1 303 See\r\nLocation: https://127.0.0.1:PORT/last\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    }, function(base, asked)
      local r = assert(request(base .. "/a", { method = "POST", body = "x", headers = { Authorization = "secret" } }))
      assert.equal("ok", r.body)
      assert.equal("POST /a HTTP/1.1", asked[1].head[1])
      assert.equal("GET /there/y?z HTTP/1.1", asked[2].head[1])
      assert.equal("GET /there/next HTTP/1.1", asked[3].head[1])
      assert.equal("GET /last HTTP/1.1", asked[4].head[1])
      assert.truthy(table.concat(asked[3].head, "\n"):find "secret")
      assert.falsy(table.concat(asked[4].head, "\n"):find "secret")
    end)
  end)

  local wrong_turns = {
    { "redirect_insecure", "http://localhost:PORT/" }, { "redirect_limit", "/again" }, { "http_malformed", "ftp://x/" },
    { "http_malformed", "https://user@localhost/" }, { "http_malformed", "https://localhost:0/" },
    { "http_malformed", "https://localhost:99999/" },
  }
  for _, case in ipairs(wrong_turns) do
    it("refuses a redirect: " .. case[1] .. " " .. case[2], function()
      answering({ ("HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n"):format(case[2]) }, function(base)
        local r, err = request(base, { plaintext = true })
        assert.is_nil(r)
        assert.equal(case[1], err.code)
      end)
    end)
  end

  it("gives the redirect itself when told not to follow", function()
    answering({ "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1\r\n\r\n!" }, function(base)
      local r = assert(request(base, { follow = 0 }))
      assert.equal(302, r.status)
      assert.equal("!", r.body)
    end)
  end)

  it("verifies the host, and pins", function()
    answering({ ok }, function(base)
      local r, err = request(base, { pins = { pki.root().cert:pin(), allow_no_backup = true } })
      assert.is_nil(r)
      assert.equal("pin_mismatch", err.code)
      r, err = request(base, { trust = pki.root().cert })
      assert.is_nil(r)
      assert.is_true(err:is "verify")
    end)
  end)

  it("goes through plaintext with the options of connecting too", function()
    loop.run(function()
      local door = assert(tcp.listen { port = 0 })
      local _, port = door:address()
      loop.spawn(function()
        local visitor = door:accept()
        visitor:read "l"
        visitor:write(ok)
        visitor:close()
      end)
      local asked
      local r = assert(http.request {
        url = ("http://nowhere.test:%d/"):format(port), plaintext = true, timeout = 3,
        resolver = function(host)
          asked = host
          return { { address = "127.0.0.1", family = "ipv4" } }
        end,
      })
      assert.same({ "nowhere.test", 200, "hello" }, { asked, r.status, r.body })
      door:close()
    end)
  end)

  it("refuses options that nobody knows, for plaintext too", function()
    for _, url in ipairs { "https://localhost:1/", "http://localhost:1/" } do
      assert.error_matches(function()
        http.request { url = url, plaintext = true, trsut = "ca.pem" }
      end, "bad option 'trsut' to '%w+' %(unknown; did you mean 'trust'%?%)")
    end
  end)

  it("refuses plaintext that was not asked for, and what is no URL", function()
    local r, err = http.request "http://localhost/"
    assert.is_nil(r)
    assert.equal("redirect_insecure", err.code)
    for _, url in ipairs { "localhost", "file:///etc/passwd", "https://", "https://a b/", "https://u:p@h/", "https://h:99999/",
      "https://h:0/" } do
      r, err = http.request(url)
      assert.is_nil(r)
      assert.equal("bad_name", err.code)
    end
  end)

  it("raises what is a mistake", function()
    for _, given in ipairs { {}, { url = 5 }, { url = "https://h/", methd = "GET" }, { url = "https://h/", method = "get it" },
      { url = "https://h/", headers = { Host = "x" } }, { url = "https://h/", headers = { ["A\r\nB"] = "x" } },
      { url = "https://h/", headers = { A = "b\r\nC: d" } }, { url = "https://h/", verify = false } } do
      assert.has_error(function()
        http.request(given)
      end)
    end
    assert.is_true(message.is_header("A", "b"))
  end)
end)
