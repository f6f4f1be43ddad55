-- Prints docs/reference.md, every public function and method, from what is there and the comments above it: make docs
local lacre = require "lacre"
local lfs = require "lfs"
local sorted = require "lacre.sorted"

lacre.on_warning(false)

local head = [[
# Reference

Every function and method of the library, generated from the comments in the sources (`make docs`). Functions that can
fail return `nil` and an error, whose code is listed in [errors](errors.md); misuse, such as a wrong type or an unknown
option, raises an error. Options in tables are described on the pages on [contexts](contexts.md),
[connections](connections.md), [servers](servers.md), [certificates](certificates.md), [the CA](ca.md) and
[health](health.md).]]

local key = lacre.key.generate "p256"
local cert = lacre.assert(lacre.cert.create { key = key, hosts = { "localhost" } })

local listener = lacre.assert(lacre.listen { identity = { cert = cert, key = key }, port = 0 })
local ca = lacre.ca.new {}

-- what connections and tasks can do is asked of real ones
local function live()
  local _, port = listener:address()
  local found = {}
  found.task = lacre.loop.spawn(function()
    lacre.assert(listener:accept()):handshake()
  end)
  found.conn = lacre.assert(lacre.connect("127.0.0.1", port, { trust = cert, server_name = "localhost" }))
  found.socket = lacre.assert(lacre.tcp.connect("127.0.0.1", port))
  found.service = lacre.assert(lacre.serve({ identity = { cert = cert, key = key }, port = 0 }, function() end))
  return found
end

-- a response about a certificate of the CA
local function response()
  local request = lacre.ocsp.request { cert = ca:issue({ hosts = { "localhost" } }).cert, issuer = ca:cert() }
  return lacre.assert(lacre.ocsp.parse(lacre.assert(ca:respond(request.der))))
end

local alive = lacre.loop.run(live)

-- title; what stands before its names; a table of functions, or a value that has methods; names, if not all
local subjects = {
  { "lacre", "lacre.", lacre, {
    "assert", "ciphers", "client", "connect", "digest", "groups", "listen", "on_warning", "random", "serve", "server",
    "sigalgs", "verify", "wrap",
  } },
  { "lacre.key", "lacre.key.", lacre.key },
  { "A key", "key:", key },
  { "lacre.cert", "lacre.cert.", lacre.cert },
  { "A certificate", "cert:", cert },
  { "lacre.csr", "lacre.csr.", lacre.csr },
  { "A request", "csr:", lacre.csr.create { key = key, hosts = { "localhost" } } },
  { "lacre.crl", "lacre.crl.", lacre.crl },
  { "A revocation list", "crl:", ca:crl() },
  { "lacre.name", "lacre.name.", lacre.name },
  { "A name", "name:", cert:subject() },
  { "lacre.store", "lacre.store.", lacre.store },
  { "A store", "store:", lacre.store.new { cert } },
  { "lacre.pin", "lacre.pin.", lacre.pin },
  { "A pin set", "pins:", lacre.pin.set { pins = { cert:pin() }, allow_no_backup = true } },
  { "lacre.ocsp", "lacre.ocsp.", lacre.ocsp },
  { "An OCSP response", "response:", response() },
  { "lacre.pkcs12", "lacre.pkcs12.", lacre.pkcs12 },
  { "lacre.pem", "lacre.pem.", lacre.pem },
  { "lacre.ca", "lacre.ca.", lacre.ca },
  { "A CA", "ca:", ca },
  { "lacre.context", "lacre.context.", lacre.context },
  { "A context", "context:", lacre.client { trust = cert } },
  { "An engine", "engine:", lacre.client({ trust = cert }):engine { server_name = "localhost" } },
  { "A connection", "conn:", alive.conn },
  { "A listener", "listener:", listener },
  { "A service, of `lacre.serve` inside a loop", "service:", alive.service },
  { "lacre.tcp", "lacre.tcp.", lacre.tcp },
  { "A plain socket", "socket:", alive.socket },
  { "lacre.loop", "lacre.loop.", lacre.loop },
  { "A task", "task:", alive.task },
  { "A condition", "condition:", lacre.loop.condition() },
  { "lacre.adapt", "lacre.adapt.", lacre.adapt },
  { "lacre.http", "lacre.http.", lacre.http },
  { "lacre.time", "lacre.time.", lacre.time },
  { "lacre.error", "lacre.error.", lacre.error },
  { "An error", "err:", (select(2, lacre.cert.parse "")), { "is", "category", "to_table" } },
}

local function functions_of(home, inherited)
  local found = {}
  while type(home) == "table" do
    for name, value in pairs(home) do
      if type(value) == "function" and not name:find "^_" then
        found[name] = found[name] or value
      end
    end
    home = inherited and (getmetatable(home) or {}).__index
  end
  return found
end

local function members_of(prefix, subject, names)
  if not names then
    local has_methods = prefix:sub(-1) == ":"
    return functions_of(has_methods and debug.getmetatable(subject).__index or subject, has_methods)
  end
  local found = {}
  for _, name in ipairs(names) do
    found[name] = subject[name]
  end
  return found
end

local files = {}

local function lines_of(path)
  if not files[path] then
    files[path] = {}
    for line in io.lines(path) do
      table.insert(files[path], line)
    end
  end
  return files[path]
end

-- the line that gives a function its name, with a comment above it; of several the one nearest to the body
local function commented(path, owner, name, body)
  local lines, best = lines_of(path), nil
  for i = 2, #lines do
    local is_it = lines[i]:find("^function " .. owner .. name .. "%(") or lines[i]:find("^[%w_.]+%." .. name .. " = ")
    if is_it and lines[i - 1]:find "^%-%-%-" and (not best or math.abs(i - body) < math.abs(best - body)) then
      best = i
    end
  end
  return best
end

-- where a function gets its name: in the file of its body, in that of its noun, or in what is told of the C module,
-- as `cert:version() -> integer: 3`
local function place_of(prefix, name, value)
  local place = debug.getinfo(value, "S")
  local noun = "lua/lacre/" .. (prefix:match "^lacre%.(%w+)%.$" or "") .. ".lua"
  for _, path in ipairs { noun, place.source:sub(2) } do
    local found = lfs.attributes(path) and commented(path, "[%w_]+[.:]", name, place.linedefined)
    if found then
      return path, found
    end
  end
  if place.what ~= "C" then
    return place.source:sub(2), place.linedefined
  end
  local told = "types/lacre/core.lua"
  return told, commented(told, prefix, name, 0)
end

-- the comment above a function: its text, and its tags, each with the lines that follow it
local function comment_of(prefix, name, value)
  local path, at = place_of(prefix, name, value)
  local lines, text, tags = path and lines_of(path) or {}, {}, {}
  local first = at
  while first and lines[first - 1] and lines[first - 1]:find "^%s*%-%-%-" do
    first = first - 1
  end
  for i = first or 1, (at or 1) - 1 do
    local line = lines[i]:match "^%s*%-%-%-%s?(.*)"
    if line:find "^@" then
      tags[#tags + 1] = line
    elseif #tags > 0 then
      tags[#tags] = tags[#tags] .. " " .. line
    else
      text[#text + 1] = line
    end
  end
  return text, tags
end

-- a type and what is said about it: the type ends at a space outside of brackets, or behind a comma or colon
local function typed(rest)
  local depth, from = 0, 1
  while from <= #rest do
    local char = rest:sub(from, from)
    depth = depth + (char:find "[{(<]" and 1 or char:find "[})>]" and -1 or 0)
    if char == " " and depth == 0 and not rest:sub(1, from - 1):find "[,:]$" then
      break
    end
    from = from + 1
  end
  return rest:sub(1, from - 1), rest:sub(from + 1)
end

local function bullet(name, rest)
  local kind, said = typed(rest)
  if name then
    return ("- `%s` `%s`%s"):format(name, kind, said ~= "" and ": " .. said or "")
  end
  local called, more = said:match "^([%w_.]*),? ?(.*)"
  return ("- returns `%s` %s%s"):format(kind, called, more ~= "" and ": " .. more or ""):gsub(" $", "")
end

local function described(prefix, name, value)
  local text, tags = comment_of(prefix, name, value)
  local parameters, bullets = {}, {}
  for _, tag in ipairs(tags) do
    local parameter, rest = tag:match "^@param (%S+) (.*)"
    if parameter then
      parameters[#parameters + 1] = parameter
      bullets[#bullets + 1] = bullet(parameter, rest)
    elseif tag:find "^@return " then
      bullets[#bullets + 1] = bullet(nil, tag:sub(9))
    elseif tag:find "^@package" then
      return nil
    end
  end
  local said = table.concat(text, "\n")
  if said:find("^" .. prefix:gsub("%p", "%%%0") .. name .. "%(") then
    return ("### `%s`\n"):format(said)
  end
  assert(said ~= "", prefix .. name .. " has no comment")
  local call = ("### `%s%s(%s)`\n"):format(prefix, name, table.concat(parameters, ", "))
  return call .. "\n" .. said .. "\n" .. (#bullets > 0 and "\n" .. table.concat(bullets, "\n") .. "\n" or "")
end

-- the house's own in C; what is so in Lua says `---@package`
local internal = {}
for name in ("key:is_pair store:add_cert store:add_crl store:check store:list cert:has_address cert:has_dns_name "
  .. "cert:spki_pin cert:key_strength cert:names_issuer cert:raw_extension cert:raw_extensions cert:raw_alt_names "
  .. "csr:raw_extensions csr:raw_alt_names crl:raw_extensions "
  .. "crl:raw_count crl:raw_entry crl:raw_find"):gmatch "%S+" do
  internal[name] = true
end

print(head)
for _, row in ipairs(subjects) do
  print(("\n## %s\n"):format(row[1]))
  local members = members_of(row[2], row[3], row[4])
  for _, name in ipairs(sorted(members)) do
    local text = not internal[row[2] .. name] and described(row[2], name, members[name])
    if text then
      print(text)
    end
  end
end
