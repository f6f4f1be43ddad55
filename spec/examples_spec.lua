-- Every example runs, and does what its header says.
local process = require "spec.support.process"

local lua = os.getenv "LUA"

-- what { arguments, what it prints } each example is run with; those that serve are started
local directory = process.directory()

local function example(name, ...)
  return process.run { lua, "examples/" .. name .. ".lua", ... }
end

local function port_and_pin(server)
  for _ = 1, 200 do
    local port, pin = server:output():match "port%s+(%d+)%s+pin%s+(%S+)"
    if pin then
      return port, pin
    end
    os.execute "sleep 0.05"
  end
  error("the example did not start: " .. server:output())
end

teardown(function()
  process.remove(directory)
end)

describe("the examples", function()
  it("make and read a certificate", function()
    local output, code = example("selfsign", directory)
    assert.equal(0, code, output)
    output, code = example("read_certificate", directory .. "/dev.crt")
    assert.equal(0, code, output)
    assert.matches("names%s+localhost", output)
  end)

  it("talk to each other, and refuse whom they must", function()
    local server = process.start { lua, "examples/echo_server.lua", "0" }
    local port, pin = port_and_pin(server)
    local output, code = example("echo_client", port, pin)
    assert.equal(0, code, output)
    assert.matches("olá", output)
    server:stop()
  end)

  it("refuse", function()
    example("selfsign", directory)
    local port = process.free_port()
    local server = process.start {
      os.getenv "BUILD" .. "/bin/lacre", "echo", "--listen", tostring(port),
      "--cert", directory .. "/dev.crt", "--key", directory .. "/dev.key",
    }
    process.wait_for_port(port)
    local output, code = example("refusals", tostring(port), directory .. "/dev.crt")
    server:stop()
    assert.equal(0, code, output)
    for _, word in ipairs { "self_signed", "hostname_mismatch", "pin_mismatch" } do
      assert.matches(word, output)
    end
  end)

  it("trust a CA made for a test", function()
    local output, code = example "trustme"
    assert.equal(0, code, output)
    assert.matches("hello\tverified by CN=Test CA\n%w*_%w+\n", output)
  end)

  it("are each run by a spec", function()
    local all = process.run { "sh", "-c", "cat spec/*_spec.lua" }
    for name in process.run({ "ls", "examples" }):gmatch "([%w_]+)%.lua" do
      assert.truthy(all:find(name, 1, true), "no spec runs examples/" .. name .. ".lua")
    end
  end)
end)

describe("one-liners", function()
  it("find the library by -l", function()
    local output, code = process.run { lua, "-l", "lacre", "-e", "print(lacre.VERSION, lacre.key.generate('p256'):pin())" }
    assert.equal(0, code, output)
    assert.matches("sha256//", output)
  end)

  it("lead a client through the zoo", function()
    local output, code = example "zoo"
    assert.equal(0, code, output)
    assert.matches("\ngood%s+let in", "\n" .. output)
    assert.matches("\nexpired%s+refused%s+cert_expired", output)
  end)

  it("judge hosts", function()
    local output, code = example("health", "localhost:" .. process.dead_port, "foo@@bar")
    assert.equal(1, code, output)
    assert.matches("fail%s+localhost:%d+%s+%-\n%s+CONNECT_REFUSED", output)
    assert.matches("TARGET_INVALID", output)
  end)
end)
