--- lacre: TLS and certificates, safe by default.
--
-- `require "lacre"` gives one table whose members load when first used. A name it does not have
-- raises, so that a misspelling cannot pass for an absent option.

require "lacre.core" -- what is not installed well says so at once

local modules = {}
for _, name in ipairs {
  "adapt", "ca", "cert", "context", "crl", "csr", "error", "http", "key", "loop", "name", "ocsp", "pem", "pin",
  "pkcs12", "store", "time",
} do
  modules[name] = "lacre." .. name
end

-- member = { module, name in it }
local members = {
  assert = { "lacre.error", "assert" },
  client = { "lacre.context", "client" },
  server = { "lacre.context", "server" },
  connect = { "lacre.connect", "connect" },
  listen = { "lacre.listener", "listen" },
  serve = { "lacre.serve", "serve" },
  wrap = { "lacre.wrap", "wrap" },
  tcp = { "lacre.wrap", "tcp" },
  verify = { "lacre.store", "verify" },
  on_warning = { "lacre.warning", "on_warning" },
  VERSION = { "lacre.version", "NUMBER" },
  ciphers = { "lacre.tls.abilities", "ciphers" },
  groups = { "lacre.tls.abilities", "groups" },
  sigalgs = { "lacre.tls.abilities", "sigalgs" },
  openssl = { "lacre.tls.library", "openssl" },
  digest = { "lacre.tls.abilities", "digest" },
  random = { "lacre.tls.abilities", "random" },
}

local lacre = {}

--- The tools, each loaded when first used: `lacre.tool.selfsign { hosts = { "localhost" } }`.
lacre.tool = setmetatable({}, {
  __index = function(tools, name)
    local found, tool = pcall(require, "lacre.tool." .. tostring(name))
    if not found then
      local missing = tostring(tool):find("module 'lacre.tool." .. tostring(name) .. "' not found", 1, true)
      error(missing and ("lacre.tool has no '%s'"):format(tostring(name)) or tool, missing and 2 or 0)
    end
    rawset(tools, name, tool)
    return tool
  end,
})

local function load_member(name)
  if modules[name] then
    return require(modules[name])
  end
  local place = members[name]
  return place and require(place[1])[place[2]]
end

local function known_names()
  local names = { tool = true }
  for _, list in ipairs { modules, members } do
    for name in pairs(list) do
      names[name] = true
    end
  end
  return names
end

setmetatable(lacre, {
  __index = function(self, name)
    local member = load_member(name)
    if member == nil then
      local nearest = require("lacre.options").nearest(tostring(name), known_names())
      local guess = nearest and (", did you mean '%s'?"):format(nearest) or ""
      error(("lacre has no '%s'%s"):format(tostring(name), guess), 2)
    end
    rawset(self, name, member)
    return member
  end,
})

-- `lua -l lacre` makes a global on Lua 5.2 and later; on 5.1 and LuaJIT we do. Asked for by -l, this
-- chunk and `require` have only the interpreter's own C function above them.
local function is_asked_by_command_line()
  local caller = debug.getinfo(4, "S")
  return caller ~= nil and caller.what == "C" and debug.getinfo(5, "S") == nil
end

if is_asked_by_command_line() and rawget(_G, "lacre") == nil then
  rawset(_G, "lacre", lacre)
end

return lacre
