local core = require "lacre.core"
local http = require "lacre.http"
local loop = require "lacre.loop"
local process = require "spec.support.process"
local service = require "lacre.http.service"
local tcp = require "lacre.tcp"

core.signals.watch "WINCH"
core.signals.forget "WINCH"

local function with_service(given, run)
  loop.run(function()
    local set = {
      host = "127.0.0.1", port = 0, methods = "GET, POST", most_body = 16, max_visitors = 3,
      answer = function(request)
        if request.target == "/none" then
          return 404
        end
        return 200, "text/plain", ("%s %s"):format(request.method, request.body or "-")
      end,
    }
    for name, value in pairs(given) do
      set[name] = value
    end
    local made = assert(service.open(set))
    local _, port = made:address()
    local function raw(text)
      local plain = assert(tcp.connect("127.0.0.1", port, { io_timeout = 5 }))
      plain:write(text)
      local answer = plain:read "a"
      plain:close()
      return answer
    end
    local ok, why = loop.pcall(run, raw, port)
    made:close()
    if not ok then
      error(why, 0)
    end
  end)
end

describe("a service over plain HTTP", function()
  it("answers, refuses, and reads bodies up to a limit", function()
    with_service({}, function(raw, port)
      local function request(given)
        given.url, given.plaintext, given.timeout = ("http://127.0.0.1:%d%s"):format(port, given.path or "/"), true, 5
        given.path = nil
        local response = assert(http.request(given))
        return response.status .. " " .. response.body
      end
      assert.equal("200 GET -", request {})
      assert.equal("200 POST abc", request { method = "POST", body = "abc" })
      assert.equal("200 POST -", request { method = "POST", body = ("x"):rep(17) })
      assert.equal("404 404 Not Found\n", request { path = "/none" })
      assert.matches("^HTTP/1.1 405 .*\r\nAllow: GET, POST\r\n", raw "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      assert.matches("^HTTP/1.1 400 ", raw "nonsense\r\n\r\n")
      assert.matches("^HTTP/1.1 400 ", raw "GET / HTTP/1.1\r\n\r\n")
      assert.matches("^HTTP/1.1 404 ", raw "GET HTTP://a:80/none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      assert.matches("^HTTP/1.1 200 ", raw "GET http://a?/none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      local twice = raw "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      assert.equal(2, select(2, twice:gsub("GET %-", "")))
    end)
  end)

  it("answers whoever asks, however many sit there and do not", function()
    with_service({}, function(raw, port)
      local idle = {}
      for i = 1, 12 do
        idle[i] = assert(tcp.connect("127.0.0.1", port, { io_timeout = 5 }))
        idle[i]:write "GET / HTTP/1.1\r\nHo"
        loop.sleep(0.005)
      end
      assert.matches("GET %-$", raw "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      assert.equal("", idle[1]:read "a" or "") -- who came first had to go
      idle[12]:write "st: a\r\nConnection: close\r\n\r\n"
      assert.matches("GET %-$", idle[12]:read "a")
      for _, one in ipairs(idle) do
        one:close()
      end
    end)
  end)

  it("lets in so many at once, and goes on when one of them raises an error", function()
    local told = {}
    local on_error = loop.on_error
    loop.on_error = function(message) -- luacheck: ignore
      told[#told + 1] = message
    end
    with_service({ answer = function(request)
      if request.target == "/slow" then
        loop.sleep(0.3)
      end
      return request.target == "/boom" and error "boom" or 200, "text/plain", "fine"
    end }, function(raw)
      local busy = {}
      for i = 1, 3 do
        busy[i] = loop.spawn(raw, "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      end
      loop.sleep(0.05)
      assert.equal("", raw "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" or "")
      for i = 1, 3 do
        assert.matches("fine$", busy[i]:join())
      end
      loop.sleep(0.05)
      for _ = 1, 5 do
        raw "GET /boom HTTP/1.1\r\nHost: a\r\n\r\n"
      end
      assert.matches("fine$", raw "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    end)
    loop.on_error = on_error -- luacheck: ignore
    assert.equal(5, #told)
    assert.matches("boom", told[1])
  end)

  it("goes on when there were no descriptors for a while", function()
    local command = (os.getenv "BUILD" or "build/lua5.4") .. "/bin/lacre"
    local port = process.free_port()
    local exporter = process.start { "sh", "-c", ("ulimit -n 24; exec %s health --serve %d"):format(command, port) }
    process.wait_for_port(port)
    local status = loop.run(function()
      local crowd = {}
      for i = 1, 60 do
        crowd[i] = tcp.connect("127.0.0.1", port)
      end
      loop.sleep(0.3)
      for _, plain in ipairs(crowd) do
        plain:close()
      end
      loop.sleep(0.3)
      local response = http.request { url = ("http://127.0.0.1:%d/-/healthy"):format(port), plaintext = true, timeout = 5 }
      return response and response.status
    end)
    exporter:stop()
    assert.equal(200, status)
  end)
end)
