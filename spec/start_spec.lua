-- What the command reads before it does anything: most of the time of a short run.
local process = require "spec.support.process"

local directory = process.directory()

-- runs the command in a Lua that tells at its end what was loaded; { name = true }
local tell = [[local exit = os.exit
os.exit = function(...)
  for name in pairs(package.loaded) do io.stderr:write("loaded ", name, "\n") end
  exit(...)
end]]

local function loaded_by(line)
  local words = { os.getenv "LUA", "-e", tell, "lua/bin/lacre" }
  for word in line:gsub("DIR", directory):gmatch "%S+" do
    words[#words + 1] = word
  end
  local output, code = process.run(words)
  local names, count = {}, 0
  for name in output:gmatch "loaded (%S+)" do
    names[name], count = true, count + (name:find "^lacre" and 1 or 0)
  end
  assert.equal(0, code, output)
  return names, count
end

local tls = { "lacre.engine", "lacre.conn", "lacre.context", "lacre.loop" }
local making = { "lacre.cert.issue", "lacre.csr", "lacre.crl", "lacre.ocsp", "lacre.pkcs12", "lacre.ca" }
local store = { "lacre.store", "lacre.pin" }

-- { command line, most modules of lacre, what is not among them }
local rows = {
  { "selfsign a.test --out DIR -q", 52, { "argparse", tls, store, "lacre.csr", "lacre.ca", "lacre.host.idn" } },
  { "csr b.test --out DIR -q", 54, { "argparse", tls, store, "lacre.cert.issue", "lacre.ca" } },
  { "--version", 15, { "argparse", tls, making, store } },
  { "--help", 90, { tls, making, store } },
  { "pin DIR/a.test.crt", 44, { "argparse", tls, making } },
  { "inspect DIR/a.test.crt", 58, { "argparse", tls, making, store } },
  { "verify DIR/a.test.crt --trust DIR/a.test.crt --host a.test", 60, { "argparse", tls, making } },
  { "selfsign --help", 25, { tls, making, store } },
  { "serve --help", 25, { tls, making, store } },
  { "info --help", 40, { tls, making, store } },
  { "health --help", 40, { tls, making, store } },
  { "ca issue --help", 30, { tls, making, store } },
}

teardown(function()
  process.remove(directory)
end)

describe("the command reads no more than it needs", function()
  for _, row in ipairs(rows) do
    it("for " .. row[1], function()
      local names, count = loaded_by(row[1])
      assert.is_true(count <= row[2], count .. " modules")
      for _, one in ipairs(row[3]) do
        for _, name in ipairs(type(one) == "table" and one or { one }) do
          assert.is_nil(names[name], name)
        end
      end
    end)
  end
end)

describe("the library", function()
  it("reads nothing but its core until it is used", function()
    local output = process.run { os.getenv "LUA", "-e", [[require "lacre"
      for name in pairs(package.loaded) do if name:find "^lacre" then print(name) end end]] }
    local names = {}
    for name in output:gmatch "%S+" do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({ "lacre", "lacre.core" }, names)
  end)
end)

describe("what is installed", function()
  local prefix = directory .. "/it's here"
  local command = prefix .. "/bin/lacre"
  local version = _VERSION:match "[%d.]+"
  local compiled = prefix .. "/lib/lua/" .. version .. "/lacre/compiled/"

  setup(function()
    local output, code = process.run { "make", "-s", "install", "PREFIX=" .. prefix:gsub("'", [['\'']]),
      "LUA=" .. os.getenv "LUA", "BUILD=" .. os.getenv "BUILD" }
    assert.equal(0, code, output)
  end)

  it("runs wherever it is moved to, and through links", function()
    prefix, command = directory .. "/moved", directory .. "/moved/bin/lacre"
    compiled = directory .. "/moved/lib/lua/" .. version .. "/lacre/compiled/"
    assert(os.rename(directory .. "/it's here", prefix))
    process.run { "ln", "-s", "moved/bin/lacre", directory .. "/link" }
    process.run { "ln", "-s", directory .. "/link", directory .. "/further" }
    for _, path in ipairs { command, directory .. "/link", directory .. "/further" } do
      local output, code = process.run { path, "selfsign", "moved.test", "--out", directory, "--overwrite" }
      assert.equal(0, code, output)
      assert.matches("pin sha256//", output)
    end
  end)

  it("runs compiled modules, which know where their lines came from", function()
    local chunk = assert(loadfile(compiled .. "lacre.cli.voice"))
    assert.matches("^@.*/share/lua/.*/lacre/cli/voice%.lua$", debug.getinfo(chunk, "S").source)
    process.write(compiled .. "lacre.version", 'return { text = function() return "compiled" end }')
    assert.equal("compiled\n", (process.run { command, "--version" }))
  end)

  it("runs the source of a module that was changed since", function()
    local source = prefix .. "/share/lua/" .. version .. "/lacre/version.lua"
    process.write(source, 'return { text = function() return "changed" end }')
    assert.equal("changed\n", (process.run { command, "--version" }))
    process.run { "touch", "-d", "2001-01-01", source }
    assert.equal("compiled\n", (process.run { command, "--version" }))
  end)

  it("runs its sources where another Lua has compiled them", function()
    for _, name in ipairs { "lacre.cli", "lacre.cli.voice", "lacre.error" } do
      local handle = assert(io.open(compiled .. name, "wb"))
      handle:write "\27Lua\1not of this Lua"
      handle:close()
    end
    local output, code = process.run { command, "--version" }
    assert.equal(0, code, output)
  end)
end)
