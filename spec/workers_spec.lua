-- Several processes on one port, that take each other's sessions.
local connect = require("lacre.connect").connect
local file = require "lacre.file"
local lacre = require "lacre"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local command = os.getenv "BUILD" .. "/bin/lacre"
local directory, port

local function path(name)
  return directory .. "/" .. name
end

local function put(name, bytes)
  lacre.assert(file.write(path(name), bytes, { overwrite = true }))
end

local function worker(name, ...)
  return process.start {
    command, "serve", directory, "--port", port, "--cert", path "server.pem", "--key", path "server.key",
    "--reuse-port", "--log", path(name .. ".log"), ...,
  }
end

local function served(name)
  local text = file.read(path(name .. ".log"))
  return select(2, (text or ""):gsub("GET /a.txt", ""))
end

-- connections until each of both workers has had `least`, and how many of them were resumed
local function visit(ctx, least)
  local count, resumed = 0, 0
  while count < 200 and (served "one" < least or served "two" < least) do
    local conn = lacre.assert(connect("127.0.0.1", port, { context = ctx, server_name = "localhost" }))
    conn:write "GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert.matches("content\n$", conn:read "a")
    count, resumed = count + 1, resumed + (conn:info().resumed and 1 or 0)
    conn:close()
  end
  assert.is_true(count < 200)
  return count, resumed
end

describe("two workers on one port", function()
  local one, two

  local function start(...)
    one, two = worker("one", ...), worker("two", ...)
    for _, started in ipairs { one, two } do
      for _ = 1, 200 do
        if started:output():find "listening on" then
          break
        end
        os.execute "sleep 0.05"
      end
    end
  end

  before_each(function()
    directory, port = process.directory(), process.free_port()
    put("server.pem", tls.id.cert:to_pem() .. tls.inter.cert:to_pem())
    put("server.key", tls.id.key:to_pem())
    put("a.txt", "content\n")
  end)
  after_each(function()
    one:stop()
    two:stop()
    process.remove(directory)
  end)

  for _, version in ipairs { "1.2", "1.3" } do
    it("take each other's tickets, where they have their keys from one file, over TLS " .. version, function()
      put("tickets.key", lacre.random(160))
      start("--ticket-keys", path "tickets.key")
      local ctx = tls.client { max_version = version }
      local count, resumed = visit(ctx, 3)
      assert.equal(count - 1, resumed)
      put("tickets.key", lacre.random(80) .. lacre.assert(file.read(path "tickets.key")):sub(1, 80))
      for _, started in ipairs { one, two } do
        os.execute(("kill -HUP %d"):format(started:child()))
        for _ = 1, 200 do
          if started:output():find "reloaded" then
            break
          end
          os.execute "sleep 0.05"
        end
      end
      count, resumed = visit(ctx, 6)
      assert.equal(count, resumed)
    end)
  end

  it("have sessions of their own otherwise", function()
    start()
    local count, resumed = visit(tls.client(), 4)
    assert.is_true(resumed < count - 1)
  end)

  it("want whole keys", function()
    start()
    for _, bytes in ipairs { "", ("x"):rep(79), ("x"):rep(400) } do
      put("tickets.key", bytes)
      local output, code = process.run { command, "serve", directory, "--port", "0", "--ticket-keys", path "tickets.key" }
      assert.equal(3, code)
      assert.matches("no_key: .*tickets.key does not contain one to four keys of 80 bytes", output)
    end
  end)
end)

pki.clean()
