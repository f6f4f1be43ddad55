--- ca.installation: a CA put into the trust stores of this machine, and taken out again.
--
-- First comes a plan: a list of steps, each with the words that tell it. Nothing is done that was not
-- told before, and what was not put there by us is not taken out.

local core = require "lacre.core"
local certificate = require "lacre.cert.read"
local every = require "lacre.every"
local fail = require("lacre.error").fail
local file = require "lacre.file"

local installation = {}

---@class lacre.installation.step
---@field text string what it does, for people
---@field write? { path: string, bytes: string }
---@field remove? string
---@field run? string[]
---@field input? string what the command reads
---@field missing? string why it cannot be done

-- directories whose content a command of the system gathers into its store
local systems = {
  -- Debian, Alpine
  { directory = "/usr/local/share/ca-certificates", suffix = ".crt", update = { "update-ca-certificates" } },
  -- Fedora
  { directory = "/etc/pki/ca-trust/source/anchors", suffix = ".pem", update = { "update-ca-trust", "extract" } },
  -- openSUSE
  { directory = "/etc/pki/trust/anchors", suffix = ".pem", update = { "update-ca-certificates" } },
  -- Arch
  { directory = "/etc/ca-certificates/trust-source/anchors", suffix = ".crt", update = { "update-ca-trust" } },
}

-- where programs keep NSS databases, below the home directory; a * is a profile
local databases = {
  ".pki/nssdb", "snap/chromium/current/.pki/nssdb", ".mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*",
  ".config/mozilla/firefox/*",
}

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function quoted(words)
  local out = {}
  for i, word in ipairs(words) do
    out[i] = word:find "[^%w_./:=,-]" and quote(word) or word
  end
  return table.concat(out, " ")
end

local function find_command(name)
  for directory in ((os.getenv "PATH" or "") .. ":/usr/sbin:/sbin"):gmatch "[^:]+" do
    local stat = file.stat(file.join(directory, name))
    if stat and stat.kind == "file" then
      return file.join(directory, name)
    end
  end
end

local function expand(home, pattern)
  local parent = pattern:match "^(.*)/%*$"
  if not parent then
    return { file.join(home, pattern) }
  end
  local list = {}
  for _, name in ipairs(core.disk.list(file.join(home, parent)) or {}) do
    list[#list + 1] = file.join(file.join(home, parent), name)
  end
  table.sort(list)
  return list
end

-- the databases that are there
local function nss_databases(home)
  local found = {}
  for _, pattern in ipairs(databases) do
    for _, path in ipairs(expand(home, pattern)) do
      if file.stat(file.join(path, "cert9.db")) then
        found[#found + 1] = path
      end
    end
  end
  return found
end

local function system_place(root)
  for _, row in ipairs(systems) do
    local directory = root .. row.directory
    if file.stat(directory) then
      return { directory = directory, suffix = row.suffix, update = row.update }
    end
  end
end

--- What the CA is called in the stores: nobody else's name.
---@param cert lacre.cert
---@return string
function installation.name(cert)
  return "lacre-" .. cert:fingerprint():sub(1, 16)
end

local function system_path(place, cert)
  return file.join(place.directory, installation.name(cert) .. place.suffix)
end

local function holds(path, cert)
  local there = certificate.load(path)
  return there ~= nil and there:to_der() == cert:to_der()
end

-- Debian's leaves links to what is gone, unless it is told to begin afresh
local function update_step(place, removing)
  local command = find_command(place.update[1])
  local words = { place.update[1], place.update[2] }
  if removing and command and (file.read(command) or ""):find("--fresh", 1, true) then
    words[#words + 1] = "--fresh"
  end
  return {
    text = "run " .. quoted(words), run = words,
    missing = not command and ("%s is missing: install ca-certificates"):format(place.update[1]) or nil,
  }
end

local function certutil_step(text, words, input)
  return {
    text = text, run = words, input = input,
    missing = not find_command "certutil" and "certutil is missing: install libnss3-tools or nss-tools" or nil,
  }
end

-- os.execute answers true on 5.2 and later, 0 on 5.1
local function succeeded(line)
  local status = os.execute(line)
  return status == true or status == 0
end

local function is_in_database(path, name)
  return find_command "certutil" ~= nil
    and succeeded(quoted { "certutil", "-L", "-d", "sql:" .. path, "-n", name } .. " >/dev/null 2>&1")
end

--- Where the CA is trusted.
---@param cert lacre.cert
---@param where { root: string, home: string, system: boolean, nss: boolean }
---@return { kind: "system"|"nss", place: string, installed: boolean }[]
function installation.status(cert, where)
  local list = {}
  local place = where.system and system_place(where.root)
  if place then
    list[1] = { kind = "system", place = place.directory, installed = holds(system_path(place, cert), cert) }
  end
  for _, path in ipairs(where.nss and nss_databases(where.home) or {}) do
    local installed = is_in_database(path, installation.name(cert))
    list[#list + 1] = { kind = "nss", place = path, installed = installed }
  end
  return list
end

local plans = {}

function plans.install(cert, row, steps, place)
  if row.installed then
    return
  elseif row.kind == "system" then
    local path = system_path(place, cert)
    steps[#steps + 1] = { text = "write " .. path, write = { path = path, bytes = cert:to_pem() } }
    steps[#steps + 1] = update_step(place)
    return
  end
  steps[#steps + 1] = certutil_step(("add it to the database %s, for TLS servers"):format(row.place), {
    "certutil", "-A", "-a", "-d", "sql:" .. row.place, "-t", "C,,", "-n", installation.name(cert),
  }, cert:to_pem())
end

function plans.remove(cert, row, steps, place)
  if not row.installed then
    return
  elseif row.kind == "system" then
    local path = system_path(place, cert)
    steps[#steps + 1] = { text = "remove " .. path, remove = path }
    steps[#steps + 1] = update_step(place, true)
    return
  end
  steps[#steps + 1] = certutil_step(("remove it from the database %s"):format(row.place), {
    "certutil", "-D", "-d", "sql:" .. row.place, "-n", installation.name(cert),
  })
end

--- What has to be done.
---@param action "install"|"remove"
---@param cert lacre.cert
---@param where table as `installation.status`
---@return lacre.installation.step[]
function installation.plan(action, cert, where)
  local steps = {}
  for _, row in ipairs(installation.status(cert, where)) do
    plans[action](cert, row, steps, system_place(where.root))
  end
  return steps
end

local function run(step)
  local line = quoted(step.run) .. " >/dev/null"
  if step.input then
    line = ("printf %%s %s | %s"):format(quote(step.input), line)
  end
  if not succeeded(line) then
    return fail("save", "io_error", "%s failed", quoted(step.run))
  end
  return true
end

local function perform(step)
  if step.write then
    return file.write(step.write.path, step.write.bytes, { overwrite = true })
  elseif step.remove then
    return core.disk.remove(step.remove)
  end
  return run(step)
end

--- Does the steps of a plan in their order, telling each before it is done; stops at the first that fails, and does
--- none where one cannot be done.
---@param steps lacre.installation.step[]
---@param tell fun(text: string)
---@return true? done
---@return lacre.error? err permission_denied, unsupported (a command is missing), io_error
function installation.carry_out(steps, tell)
  for _, step in ipairs(steps) do
    if step.missing then
      return fail("config", "unsupported", "%s", step.missing)
    end
  end
  return every(steps, function(step)
    tell(step.text)
    return perform(step)
  end)
end

return installation
