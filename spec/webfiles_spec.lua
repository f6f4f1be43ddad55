local core = require "lacre.core"
local http = require "lacre.http"
local connect = require("lacre.connect").connect
local loop = require "lacre.loop"
local process = require "spec.support.process"
local tls = require "spec.support.tls"
local shelf = require "lacre.http.shelf"
local webfiles = require "lacre.http.files"

local directory = process.directory()

local function put(name, bytes)
  local handle = assert(io.open(directory .. "/" .. name, "wb"))
  handle:write(bytes)
  handle:close()
end

put("a.txt", "0123456789")
put("index.html", "<p>home")
put("with space.txt", "spaced")
put(".hidden", "secret")
put("big.bin", ("0123456789abcdef"):rep(20000))
process.run { "mkdir", directory .. "/sub", directory .. "/empty" }
put("sub/x.json", "{}")
process.run { "ln", "-s", "/etc/passwd", directory .. "/out" }
process.run { "ln", "-s", "/etc", directory .. "/outdir" }
process.run { "ln", "-s", "a.txt", directory .. "/inside" }

local function serving(run, given)
  loop.run(function()
    local set = { root = directory, port = 0, identity = tls.id, on_error = function() end, grace = 1 }
    for name, value in pairs(given or {}) do
      set[name] = value
    end
    local service = assert(webfiles.serve(set))
    local _, port = service:address()
    local ok, why = loop.pcall(run, ("https://localhost:%d"):format(port), port)
    service:stop()
    service:wait()
    if not ok then
      error(why, 0)
    end
  end)
end

local function get(url, given)
  local set = { url = url, trust = tls.root.cert, timeout = 3, follow = 0 }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return assert(http.request(set))
end

-- bytes as they are, and everything that comes back
local function raw(port, bytes)
  local c = assert(connect("localhost", port, { trust = tls.root.cert, timeout = 3 }))
  c:write(bytes)
  c:set_timeout(1)
  local text = c:read "a"
  c:close()
  return text
end

describe("webfiles", function()
  it("serves files", function()
    serving(function(base)
      local r = get(base .. "/a.txt")
      assert.equal(200, r.status)
      assert.equal("0123456789", r.body)
      assert.equal("text/plain; charset=utf-8", r.headers["content-type"])
      assert.equal("nosniff", r.headers["x-content-type-options"])
      assert.equal("", get(base .. "/a.txt", { method = "HEAD" }).body)
      assert.equal(304, get(base .. "/a.txt", { headers = { ["If-None-Match"] = r.headers.etag } }).status)
      assert.equal("<p>home", get(base .. "/").body)
      assert.equal("<p>home", get(base .. "/?query").body)
      assert.equal("spaced", get(base .. "/with%20space.txt").body)
      assert.equal("application/json", get(base .. "/sub/x.json").headers["content-type"])
      assert.equal("0123456789", get(base .. "/inside").body)
      assert.equal(("0123456789abcdef"):rep(20000), get(base .. "/big.bin").body)
      r = get(base .. "/sub")
      assert.equal(301, r.status)
      assert.equal("/sub/", r.headers.location)
    end)
  end)

  it("serves ranges", function()
    serving(function(base)
      local etag = get(base .. "/a.txt").headers.etag
      local cases = {
        { "bytes=2-4", 206, "234", "bytes 2-4/10" }, { "bytes=7-", 206, "789", "bytes 7-9/10" },
        { "bytes=-3", 206, "789", "bytes 7-9/10" }, { "bytes=0-999", 206, "0123456789", "bytes 0-9/10" },
        { "bytes=-999", 206, "0123456789", "bytes 0-9/10" }, { "bytes=10-", 416, "416 Range Not Satisfiable\n", "bytes */10" },
        { "bytes=5-4", 416, nil, "bytes */10" }, { "bytes=0-1,3-4", 200, "0123456789" }, { "lines=1-2", 200, "0123456789" },
        { "bytes=-", 200, "0123456789" },
      }
      for _, case in ipairs(cases) do
        local r = get(base .. "/a.txt", { headers = { Range = case[1] } })
        assert.equal(case[2], r.status, case[1])
        assert.equal(case[4], r.headers["content-range"])
        if case[3] then
          assert.equal(case[3], r.body)
        end
      end
      assert.equal(206, get(base .. "/a.txt", { headers = { Range = "bytes=1-1", ["If-Range"] = etag } }).status)
      assert.equal(200, get(base .. "/a.txt", { headers = { Range = "bytes=1-1", ["If-Range"] = '"old"' } }).status)
    end)
  end)

  it("has no way out, and nothing hidden", function()
    serving(function(base, port)
      for _, path in ipairs { "/.hidden", "/out", "/outdir/passwd", "/sub/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/nothing",
        "/a.txt/", "/%00", "/a.txt%00.html", "/sub/%2e%2e/a.txt", "/..", "/empty/", "//etc/passwd", "/%zz" } do
        local text = raw(port, ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):format(path))
        assert.matches("^HTTP/1.1 404 ", text, path)
      end
      assert.equal(404, get(base .. "/sub/").status)
    end)
  end)

  it("lists a directory when told", function()
    local list
    serving(function(base)
      local r = get(base .. "/sub/")
      assert.equal(200, r.status)
      assert.matches('<a href="x.json">x.json</a>', r.body)
      core.disk.list, list = function() end, core.disk.list -- one that may be entered, and not read
      assert.equal(403, get(base .. "/sub/").status)
      core.disk.list = list
    end, { listing = true })
  end)

  it("refuses what could be understood in two ways", function()
    serving(function(_, port)
      local cases = {
        { "GET / HTTP/1.1\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\nHost: a\n\n", 400 }, { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 }, { "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 }, { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400 },
        { "GET /" .. ("x"):rep(9000) .. " HTTP/1.1\r\nHost: a\r\n\r\n", 414 },
        { "GET / HTTP/1.1\r\nHost: a\r\n" .. ("X: y\r\n"):rep(101) .. "\r\n", 431 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", 200 },
      }
      for i, case in ipairs(cases) do
        local text = raw(port, case[1])
        assert.matches("^HTTP/1.1 " .. case[2] .. " ", text, "case " .. i)
        assert.falsy(text:find("0123456789", 1, true), "case " .. i)
        assert.equal(1, select(2, text:gsub("HTTP/1%.1 %d", "")), "case " .. i)
      end
    end)
  end)

  it("keeps a connection for several requests, and tells each", function()
    local seen = {}
    serving(function(_, port)
      local text = raw(port, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nHEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
        .. "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
      assert.equal(3, select(2, text:gsub("HTTP/1%.1 %d", "")))
    end, { on_request = function(row)
      seen[#seen + 1] = ("%s %s %d %d"):format(row.method, row.target, row.status, row.bytes)
    end })
    assert.same({ "GET /a.txt 200 10", "HEAD /a.txt 200 0", "GET /none 404 14" }, seen)
  end)

  it("ends at once where connections only rest", function()
    local c, seen
    loop.run(function()
      local service = assert(webfiles.serve { root = directory, port = 0, identity = tls.id, grace = 5 })
      c = assert(connect("localhost", select(2, service:address()), { trust = tls.root.cert, timeout = 3 }))
      c:write "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
      repeat
        seen = c:read "l"
      until seen == ""
      assert.equal("0123456789", c:read(10))
      loop.sleep(0.02)
      local begun = loop.now()
      service:stop()
      service:wait()
      assert.is_true(loop.now() - begun < 1)
      assert.equal("closed", select(2, c:read "l").code)
      c:close()
    end)
  end)

  it("shows a file as it is now, however often it was asked for", function()
    local before = shelf.settled
    shelf.settled = -1000
    serving(function(base)
      for _, bytes in ipairs { "one", "two", "three", ("x"):rep(40000), ("y"):rep(40000), "" } do
        put("now.txt", bytes)
        for _ = 1, 3 do
          local r = get(base .. "/now.txt")
          assert.is_true(r.body == bytes)
          assert.equal(tostring(#bytes), r.headers["content-length"])
        end
        require("lacre.loop").sleep(0.02) -- a tick of the clock of the file system
      end
      put("now.txt", "inside")
      assert.equal("inside", get(base .. "/now.txt").body)
      os.remove(directory .. "/now.txt")
      assert.equal(404, get(base .. "/now.txt").status)
      os.execute(("ln -s /etc/passwd %s/now.txt"):format(directory))
      assert.equal(404, get(base .. "/now.txt").status)
      os.remove(directory .. "/now.txt")
      put("sub/link.txt", "linked")
      os.execute(("ln -s sub/link.txt %s/now.txt"):format(directory))
      assert.equal("linked", get(base .. "/now.txt").body)
      assert.equal("linked", get(base .. "/now.txt").body)
      os.remove(directory .. "/now.txt")
      os.execute(("ln -s /etc/passwd %s/now.txt"):format(directory))
      assert.equal(404, get(base .. "/now.txt").status)
      os.remove(directory .. "/now.txt")
    end)
    shelf.settled = before
  end)

  it("has another tag for what is written in the same second", function()
    serving(function(base)
      put("now.txt", "one")
      local tag = get(base .. "/now.txt").headers.etag
      require("lacre.loop").sleep(0.02)
      put("now.txt", "two")
      assert.equal(200, get(base .. "/now.txt", { headers = { ["If-None-Match"] = tag } }).status)
      os.remove(directory .. "/now.txt")
    end)
  end)

  it("tells what was sent of a file that shrank, or to who left", function()
    local row
    serving(function(_, port)
      put("shrinks.bin", ("x"):rep(8000000))
      local c = assert(connect("localhost", port, { trust = tls.root.cert, timeout = 3 }))
      c:write "GET /shrinks.bin HTTP/1.1\r\nHost: a\r\n\r\n"
      c:read(1000)
      put("shrinks.bin", "")
      repeat
        local more = c:receive()
      until not more
      c:close()
      os.remove(directory .. "/shrinks.bin")
    end, { on_request = function(seen)
      row = seen
    end })
    assert.is_true(row.bytes < 8000000)
  end)

  it("lets go of what it keeps when it is too much", function()
    local before = shelf.settled
    shelf.settled = -1000
    local one = shelf.new(directory)
    for i = 1, 600 do
      one.kept["/" .. i] = { version = "" }
      one.count = i
    end
    assert.equal("0123456789", one:find("/a.txt").body)
    assert.equal(1, one.count)
    assert.equal(10, one.bytes)
    assert.equal(one:find "/a.txt", one:find "/a.txt")
    assert.is_nil(one:find "/out")
    assert.equal("directory", one:find("/sub").kind)
    shelf.settled = before
  end)

  it("reads a head however it comes", function()
    serving(function(_, port)
      local head = "\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\nX-Y:\t b \t\r\nConnection: close\r\n\r\n"
      assert.matches("^HTTP/1.1 200 ", raw(port, head))
    end)
    local function read(pieces)
      local at = 0
      local stream = setmetatable({ fill = function()
        at = at + 1
        if pieces[at] then
          return pieces[at]
        end
        return nil, { code = "closed" }
      end, time_limit = function() end }, { __index = require "lacre.net.reader" })
      return require("lacre.http.request").read(stream), stream
    end
    local text = "\r\nGET /a?b HTTP/1.1\r\nHost: a\r\nX-Y:\t b c \t\r\nx-y: d\r\nEmpty:\r\n\r\nREST"
    for size = 1, #text do
      local pieces = {}
      for from = 1, #text, size do
        pieces[#pieces + 1] = text:sub(from, from + size - 1)
      end
      local request, stream = read(pieces)
      assert.equal("/a?b", request.target)
      assert.same({ host = "a", ["x-y"] = "b c, d", empty = "" }, request.headers)
      local rest = stream.buffer and stream.buffer:sub(stream.at) or ""
      assert.equal("REST", (rest .. table.concat(pieces)):sub(-4))
    end
    local cases = {
      { { "GET / HTTP/1.1\nHost: a" }, 400 }, { { "\n" }, 400 }, { { "GET / HTTP/1.1\r\nHost: a\n" }, 400 },
      { { "GET / HTTP/1.1\r\nHost: a\r\nX: a\1b\r\n\r\n" }, 400 }, { { "GET / HTTP/1.1\r\nHost: a\r\nX: a\127b\r\n\r\n" }, 400 },
      { { "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n" }, 400 }, { { "GET /\1 HTTP/1.1\r\nHost: a\r\n\r\n" }, 400 },
      { { "GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n" }, 400 }, { { "GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n" }, 400 },
      { { "GET /", ("x"):rep(8200) }, 414 }, { { "GET / HTTP/1.1\r\n", "X: ", ("x"):rep(70000) }, 431 },
      { { "GET / HTTP/1.1\r\nHost: a\r\nX: " .. ("x"):rep(9000) .. "\r\n\r\n" }, 431 },
      { { "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" }, 400 },
      { { "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" }, 400 }, { { "GET / HTTP/1.1\r\n\r\nX" }, 400 },
    }
    for i, case in ipairs(cases) do
      local request = read(case[1])
      assert.equal(case[2], request and request.bad, "case " .. i)
      assert.is_true(request.closes)
    end
    assert.is_nil((read { "GET / HTTP/1.1\r\nHost: a\r\n" }))
  end)

  it("serves curl", function()
    local _, missing = process.run { "sh", "-c", "command -v curl" }
    if missing ~= 0 then
      return
    end
    local ca = directory .. "/../" .. directory:match "[^/]*$" .. ".pem"
    local handle = assert(io.open(ca, "w"))
    handle:write(tls.root.pem)
    handle:close()
    serving(function(base)
      local started = process.start { "curl", "-sS", "--max-time", "5", "--cacert", ca, base .. "/a.txt", base .. "/sub/x.json" }
      repeat
        loop.sleep(0.02)
      until not started:is_alive()
      assert.equal("0123456789{}", started:output())
      started:stop()
    end)
    os.remove(ca)
  end)

  it("tells a root that is none", function()
    local service, err = webfiles.serve { root = directory .. "/nothing", port = 0, identity = tls.id }
    assert.is_nil(service)
    assert.equal("file_not_found", err.code)
    process.remove(directory)
  end)
end)
