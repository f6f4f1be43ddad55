-- The code in README and docs runs: against a server on loopback, in a directory with the files it names.
-- What names a host out there, or serves for ever, is only compiled.
local lfs = require "lfs"
local loop = require "lacre.loop"
local process = require "spec.support.process"
local serve = require "lacre.serve"
local tls = require "spec.support.tls"
local lacre = require "lacre"

local load_text = loadstring or load -- luacheck: ignore
local directory = process.directory()
local here = lfs.currentdir()

local function write(name, text)
  local handle = assert(io.open(directory .. "/" .. name, "wb"))
  handle:write(text)
  handle:close()
end

local function read(path)
  local handle = assert(io.open(path))
  local text = handle:read "*a"
  handle:close()
  return text
end

local function list_pages()
  local list = { "README.md" }
  for name in lfs.dir "docs" do
    if name:find "%.md$" then
      list[#list + 1] = "docs/" .. name
    end
  end
  table.sort(list)
  return list
end

local pages = list_pages()

local function blocks(text)
  local list = {}
  for block in ("\n" .. text):gmatch "\n```lua\n(.-)\n```" do
    list[#list + 1] = block
  end
  return list
end

-- hosts of the world, devices, ports of one's own: not here
local elsewhere = { "example%.com", "intranet", "device%.local", "port = 8443", "%.corp", "%.internal\", ", "arg%[" }

local function is_elsewhere(block)
  for _, pattern in ipairs(elsewhere) do
    if block:find(pattern) then
      return true
    end
  end
  return false
end

-- answers the first line, whatever comes, and ends
local function answer(conn)
  local line = conn:read "l"
  conn:write(tostring(line), "\n")
end

local function run(block)
  loop.run(function()
    local service = assert(serve.serve({ port = 0, identity = tls.id, on_error = function() end, grace = 0 }, answer))
    local _, port = service:address()
    local environment = setmetatable({ lacre = lacre, print = function() end }, { __index = _G })
    local text = block:gsub("8443", tostring(port)):gsub("lacre%.loop%.run%(function%(%)\n(.*)\nend%)$", "%1")
    local chunk = assert(load_text("local lacre, print = ...\n" .. text))
    local ok, why = loop.pcall(chunk, lacre, environment.print)
    service:stop()
    assert(ok, tostring(why) .. "\n" .. text)
  end)
end

describe("the documentation", function()
  setup(function()
    write("ca.pem", tls.root.pem)
    write("server.crt", tls.id.pem)
    write("server.key", tls.id.key_pem)
    lfs.chdir(directory)
  end)
  teardown(function()
    lfs.chdir(here)
    process.remove(directory)
  end)

  for _, page in ipairs(pages) do
    for i, block in ipairs(blocks(read(page))) do
      it(("has code that runs: %s, block %d"):format(page, i), function()
        assert(load_text(block), page)
        if not is_elsewhere(block) then
          run(block)
        end
      end)
    end
  end

  it("has links that lead somewhere", function()
    for _, page in ipairs(pages) do
      for link in read(here .. "/" .. page):gmatch "%]%(([^)#]+)" do
        local base = page:match "^(.*/)" or ""
        if not link:find "^https?:" then
          assert.truthy(lfs.attributes(here .. "/" .. base .. link, "mode"), page .. " links to " .. link)
        end
      end
    end
  end)

  it("names every option of making, verifying, connecting and listening", function()
    local pages_of = {
      certificates = { (require("lacre.cert.issue").schema), (require("lacre.store.path").schema) },
      connections = { (require("lacre.net.dial").schema) },
      servers = { (require("lacre.net.door").schema) },
    }
    for page, schemas in pairs(pages_of) do
      local text = read(("%s/docs/%s.md"):format(here, page)) .. read(here .. "/docs/contexts.md")
      for _, schema in ipairs(schemas) do
        for name in pairs(schema) do
          assert.truthy(text:find("`" .. name .. "[` ]"), page .. " does not name " .. name)
        end
      end
    end
  end)

  it("names every option of a context", function()
    local schema = require "lacre.tls.settings.schema"
    local text = read(here .. "/docs/contexts.md")
    for _, role in ipairs { "client", "server" } do
      for name, row in pairs(schema[role]) do
        assert.truthy(row.elsewhere or text:find("`" .. name .. "`", 1, true), name)
      end
    end
    for name in pairs(schema.insecure) do
      assert.truthy(text:find(name, 1, true), name)
    end
  end)

  it("tells editors of every function of the core: make docs", function()
    local text = read(here .. "/types/lacre/core.lua")
    for part, functions in pairs(require "lacre.core") do
      for name, value in pairs(type(functions) == "table" and functions or {}) do
        local known = type(value) ~= "function" or text:find(("core.%s.%s("):format(part, name), 1, true)
        assert.truthy(known or part == "openssl" or part == "error", part .. "." .. tostring(name))
      end
    end
  end)

  for page, what in pairs { reference = "every public function", command = "every tool and its options" } do
    it(("tells %s: make docs"):format(what), function()
      local made, code = process.run { "sh", "-c", 'cd "$0" && "$LUA" docs/$1.lua', here, page }
      assert.equal(0, code, made)
      assert.equal(read(("%s/docs/%s.md"):format(here, page)), made)
    end)
  end

  it("says what an answer that is no exits with, of each tool that has one", function()
    local offer = require "lacre.cli.offer"
    for _, name in ipairs(offer.TOOLS) do
      local tool = offer.tool(name)
      for _, action in ipairs(tool.actions or { false }) do
        local one = action and tool[action] or tool
        assert.equal(one.failed ~= nil, one.exits ~= nil, one.title)
      end
    end
  end)

  it("tells every reason of health as the tool does: make docs", function()
    local text = read(here .. "/docs/reasons.md")
    local errors = require "lacre.error.codes"
    for _, row in ipairs(require("lacre.health.codes").list) do
      assert.truthy(not row.error or errors[row.error], row.code .. " names no code of the library")
      assert.truthy(text:find(("| `%s` | %s | %s |"):format(row.code, row.severity:upper(), row.meaning), 1, true), row.code)
    end
  end)

  it("tells every error code as the library does: make docs", function()
    local text = read(here .. "/docs/errors.md")
    for code, row in pairs(require "lacre.error.codes") do
      assert.truthy(text:find("| `" .. code .. "` | " .. row.category, 1, true), code)
      assert.truthy(text:find(row.summary, 1, true), code)
    end
  end)
end)
