-- A plain command line is read without argparse, to the same effect; every other is left to it.
local line = require "lacre.cli.line"
local offer = require "lacre.cli.offer"
local parser = require "lacre.cli.parser"

local function words(text)
  local list = {}
  for word in text:gmatch "%S+" do
    list[#list + 1] = word ~= "''" and word or ""
  end
  return list
end

local function by_argparse(list)
  local parsed = parser.parse(parser.new(list), list)
  if not parsed then
    return nil
  end
  parsed[list[1]] = nil -- argparse also marks the command and the action
  parsed[list[2] or ""] = nil
  for name, value in pairs(parsed) do
    if type(value) == "table" and #value == 0 then
      parsed[name] = nil
    end
  end
  return parsed
end

local plain = {
  "selfsign a.test", "selfsign a.test --json -q", "selfsign a.test --days 9 b.test --valid-for=1y c.test", "selfsign -q a.test",
  "selfsign a.test --days 0x10 --days=", "selfsign a.test --subject=CN=a --color always", "selfsign a.test --subject ''",
  "selfsign a.test --password-file - --encrypt", "csr a.test --key k.pem", "inspect -", "inspect a b c", "inspect a --field pin",
  "pin a", "pin a b --expect x --expect=y --same-as z", "pin a --timeout 5", "pin a --timeout 5s", "verify a --host b",
  "verify a", "info a.test", "get https://a.test/ -H a:b -H=b:c", "serve", "serve --port 0", "serve . --port 8443",
  "echo", "echo --listen 7443", "health", "health a b -f c --timeout 3", "zoo", "zoo expired", "zoo --list",
  "ca init", "ca issue a.test b.test --valid-for 9d", "ca list --json", "ca revoke 01 --reason superseded", "convert a --to der",
}

local others = {
  "", "--help", "--version", "nothing", "selfsign", "selfsign --help", "selfsign -h", "selfsign a --nothing", "selfsign a --days x",
  "selfsign a --days", "selfsign a --days --json", "selfsign a --json=yes", "selfsign a --json --json", "selfsign a --color red",
  "selfsign a --days 1 --days 2", "selfsign a --", "selfsign -- a", "selfsign -qx a", "selfsign --profile none a", "zoo --list x --list",
  "ca", "ca nothing", "ca --help", "ca init --help", "completion bash", "manual", "selfsign a --password x", "serve a b",
}

describe("a command line", function()
  for _, text in ipairs(plain) do
    it("is read as argparse has it: " .. text, function()
      assert.same(by_argparse(words(text)), line.read(words(text)))
    end)
  end

  for _, text in ipairs(others) do
    it("is left to argparse: " .. text, function()
      assert.is_nil(line.read(words(text)))
    end)
  end

  it("may have every option of every tool", function()
    local function try(command, tool)
      for _, row in ipairs(offer.options(tool)) do
        local list = words(command)
        for _ = 1, #tool.arguments do
          list[#list + 1] = "x"
        end
        list[#list + 1] = offer.dashed(row.name)
        if row.type ~= "boolean" then
          list[#list + 1] = row.values and row.values[1] or "1"
        end
        assert.same(by_argparse(list), line.read(list))
        assert.is_table(line.read(list))
      end
    end
    for _, name in ipairs(offer.TOOLS) do
      local tool = offer.tool(name)
      for _, action in ipairs(tool.actions or {}) do
        try(name .. " " .. action, tool[action])
      end
      if not tool.actions then
        try(name, tool)
      end
    end
  end)
end)
