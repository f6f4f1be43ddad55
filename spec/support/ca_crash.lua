-- What spec/ca_crash_spec.lua runs under build/crash: each operation on a CA's directory, ended or
-- failed at each of its system calls, and what must hold afterwards.
--   crash ca_crash.lua OPERATION MODE DIRECTORY STEP      STEP 1 takes every call, 2 every second
local file = require "lacre.file"
local lacre = require "lacre"

local operation, mode, directory, step = ...
local crash = rawget(_G, "crash")
local must = lacre.assert
local template, work = directory .. "/template", directory .. "/work"

local function shell(line)
  local status = os.execute(line)
  assert(status == true or status == 0, line)
end

local function expect(condition, text, ...)
  if not condition then
    error(text:format(...), 0)
  end
end

local function known(ca)
  local all = {}
  for one in must(ca:list()) do
    expect(not all[one.serial], "the serial %s is there twice", one.serial)
    all[one.serial] = one
  end
  return all
end

-- operations: each answers what left the program --

local operations = {}

local function outcome(value, err)
  return value or "failed: " .. (err and err.code or "?")
end

function operations.init()
  local ca, err = must(lacre.ca.new { key = "ed25519" }):save(work)
  return outcome(ca and "made", err)
end

function operations.issue()
  local ca, err = lacre.ca.load(work)
  local id
  if ca then
    id, err = ca:issue { hosts = { "new.test" }, key = "ed25519" }
  end
  return outcome(id and id.cert:serial(), err)
end

local serial -- of the first certificate

local function first(ca)
  return must(ca:list())().serial
end

function operations.revoke()
  local ca, err = lacre.ca.load(work)
  local one
  if ca then
    one, err = ca:revoke(serial, "superseded")
  end
  return outcome(one and "revoked", err)
end

local held -- another, whose revocation can be taken back

function operations.release()
  local ca, err = lacre.ca.load(work)
  local one
  if ca then
    one, err = ca:release(held)
  end
  return outcome(one and "released", err)
end

-- an issuance that leaves the directory: no key of a certificate on record is lost
local out = directory .. "/out"

function operations.deliver()
  local id, err = lacre.tool.ca.issue { dir = work, names = { "new.test" }, out = out, key = "ed25519" }
  return outcome(id and id.cert:serial(), err)
end

function operations.crl()
  local ca, err = lacre.ca.load(work)
  local list
  if ca then
    list, err = ca:crl()
  end
  return outcome(list and list:number(), err)
end

-- a store that somebody left in disorder: the repair may be cut short too
function operations.repair()
  local result, err = lacre.ca.check(work, { repair = true })
  return outcome(result and "repaired", err)
end

-- what a repair needs to do: entries that are missing, a torn log, what was left behind
local disorder = ("; cd %s && sed -i 1d index.txt && printf '{\"seq' >> log.jsonl && touch x.0a.tmp && chmod 644 ca.key")
  :format(work)

-- what must hold --

local function keys_are_private()
  if operation ~= "init" then
    return
  end
  local pipe = io.popen(("find %s -name '*.key*' ! -perm 600 -size +0 2>/dev/null"):format(directory))
  local open = pipe:read "*a"
  pipe:close()
  expect(open == "", "a key is open to others: %s", open)
end

local function pins_there()
  local pins = {}
  for _, name in ipairs { "new.test.key", "new.test.key.new" } do
    local private = lacre.key.load(out .. "/" .. name)
    pins[private and private:pin() or name] = true
  end
  return pins
end

local function keys_are_there()
  local ca = must(lacre.ca.load(work))
  for one in must(ca:list()) do
    local cert = must(ca:certificate_of(one.serial))
    expect(not one.subject:find "new.test" or pins_there()[cert:pin()], "the key of serial %s is lost", one.serial)
  end
end

-- whoever tries again gets both files, or is told which certificate the key that waits is for
local function check_delivery()
  keys_are_there()
  local there = file.stat(out .. "/new.test.key") and file.stat(out .. "/new.test.crt")
  local id, err = lacre.tool.ca.issue { dir = work, names = { "new.test" }, out = out, key = "ed25519" }
  expect(id or err.code == "file_exists" and (there or err.hint:find("export", 1, true)), "the next run: %s", tostring(err))
  keys_are_there()
end

local function check_store(left)
  local result = must(lacre.ca.check(work, { repair = true }))
  local text = {}
  for _, finding in ipairs(result.findings) do
    -- a revocation that no list tells yet is no damage
    text[#text + 1] = finding.rule ~= "crl" and finding.rule .. ": " .. finding.text or nil
  end
  expect(result.ok and #text == 0, "not repaired: %s", table.concat(text, "; "))
  local ca = must(lacre.ca.load(work))
  local all = known(ca)
  if (operation == "issue" or operation == "deliver") and left ~= "" and not left:find "^failed" then
    expect(all[left], "the certificate %s left the program, and is not on record", left)
  end
  if left == "revoked" then
    expect(must(ca:find(serial)).status == "revoked", "it was said to be revoked, and is not")
  end
  if left == "released" then
    expect(must(ca:find(held)).status == "valid", "its revocation was said to be taken back, and is not")
  end
  local id = must(ca:issue { hosts = { "after.test" }, key = "ed25519" })
  expect(not all[id.cert:serial()], "a serial was used twice")
  if operation == "crl" and left ~= "" and not left:find "^failed" then
    expect(must(ca:crl()):number() > left, "the number of a list was used twice")
  end
  expect(must(lacre.ca.check(work)).ok, "not consistent after the next issuance")
end

local function check(left)
  keys_are_private()
  if operation == "init" and not file.stat(work) then
    expect(left ~= "made", "it was said to be made, and is not there")
    expect(operations.init() == "made", "it cannot be made after that")
  end
  check_store(left)
  if operation == "deliver" then
    check_delivery()
  end
end

-- the faults, one after the other --

local function prepare()
  local line = ("rm -rf %s %s.* %s; mkdir %s"):format(work, work, out, out)
  if operation ~= "init" then
    line = ("%s; cp -a %s %s"):format(line, template, work)
  end
  if operation == "repair" then
    line = line .. disorder
  end
  shell(line)
end

local function try(n)
  prepare()
  local how, left = crash(mode, n, operations[operation])
  expect(not left:find "^raised", "call %d: %s", n, left)
  local ok, why = pcall(check, left)
  expect(ok, "call %d (%s, %s): %s", n, how, left, tostring(why))
end

shell(("umask 000; mkdir -p %s"):format(directory))
local made = must(lacre.ca.new { key = "ed25519" })
for _ = 1, 3 do
  must(made:issue { hosts = { "old.test" }, key = "ed25519" })
end
local saved = must(made:save(template))
serial = first(saved)
held = must(saved:issue { hosts = { "held.test" }, key = "ed25519" }).cert:serial()
must(saved:revoke(held, "certificate_hold"))
must(saved:crl())
prepare()
local _, calls = crash("count", 0, operations[operation])
for n = 1, tonumber(calls), tonumber(step) do
  try(n)
end
print(calls .. " system calls")
