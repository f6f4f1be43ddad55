-- What a check of a CA's directory finds, what it repairs, and many processes at once.
local file = require "lacre.file"
local lacre = require "lacre"
local lfs = require "lfs"
local process = require "spec.support.process"

local must = lacre.assert

local function memory_directory()
  local base = lfs.attributes("/dev/shm", "mode") == "directory" and "/dev/shm" or "/tmp"
  local name = ("%s/lacre-ca-%s"):format(base, os.tmpname():match "[^/]*$")
  os.execute("mkdir " .. name)
  return name
end

describe("the check of a CA", function()
  local base, directory, ca, ids

  before_each(function()
    base = process.directory()
    directory = base .. "/ca"
    ca = must(must(lacre.ca.new { key = "ed25519" }):save(directory))
    ids = {}
    for i = 1, 3 do
      ids[i] = must(ca:issue { hosts = { "a.test" }, key = "ed25519" })
    end
    must(ca:revoke(ids[1].cert, "superseded"))
    must(ca:crl())
  end)

  after_each(function()
    process.remove(base)
  end)

  local function shell(line)
    process.run { "sh", "-c", ("cd '%s' && %s"):format(directory, line) }
  end

  local function rules(result)
    local found = {}
    for _, finding in ipairs(result.findings) do
      found[finding.rule] = finding.level
    end
    return found
  end

  it("finds nothing where nothing is wrong", function()
    local result = must(lacre.ca.check(directory))
    assert.is_true(result.ok)
    assert.same({}, result.findings)
    assert.same({ valid = 2, revoked = 1, expired = 0 }, result.certificates)
    assert.equal(10, result.log_entries)
    assert.matches("^%x+$", result.log_head)
  end)

  it("writes an index anew that is missing, and nobody else goes on without it", function()
    local before = must(file.read(directory .. "/index.txt"))
    shell "rm index.txt"
    for _, try in ipairs { function() return lacre.ca.load(directory) end, function() return ca:issue { hosts = { "b.test" } } end,
      function() return ca:revoke(ids[2].cert) end, function() return ca:crl() end } do
      local done, err = try()
      assert.is_nil(done)
      assert.is_truthy(err.code == "index_corrupt" or err.code == "file_not_found")
    end
    assert.matches("check .* %-%-repair", select(2, lacre.ca.load(directory)).hint)
    assert.equal("error", rules(must(lacre.ca.check(directory))).index)
    assert.same({}, must(lacre.ca.check(directory, { repair = true })).findings)
    local function sorted(text)
      local lines = {}
      for line in text:gmatch "[^\n]+" do
        lines[#lines + 1] = line
      end
      table.sort(lines)
      return lines
    end
    assert.same(sorted(before), sorted(must(file.read(directory .. "/index.txt"))))
    shell "rm ca.crt"
    assert.matches("ca.crt is missing", select(2, lacre.ca.load(directory)).message)
  end)

  it("is content where a process died between the chain and the certificate of a renewed CA", function()
    local below = must(must(ca:intermediate { name = "Below", key = "ed25519" }):save(base .. "/below"))
    must(below:crl())
    local renewed = must(must(lacre.ca.load(directory)):issue { csr = must(lacre.csr.create { key = must(below:key()),
      subject = { CN = "Below" } }), copy = { "subject" }, profile = "intermediate" })
    must(file.write(base .. "/below/chain.pem", renewed.cert:to_pem() .. ca:cert():to_pem(), { overwrite = true }))
    assert.same({}, must(lacre.ca.check(base .. "/below")).findings)
    assert.equal(2, #must(lacre.ca.load(base .. "/below")):chain() + 1)
  end)

  it("misses the certificates above a CA", function()
    local below = must(must(ca:intermediate { name = "Below", key = "ed25519" }):save(base .. "/below"))
    must(below:crl())
    assert.same({}, must(lacre.ca.check(base .. "/below")).findings)
    shell "rm ../below/chain.pem"
    assert.equal("warning", rules(must(lacre.ca.check(base .. "/below"))).chain)
  end)

  local serial
  local mendable = {
    { "chmod 644 ca.key", "modes" },
    { "chmod 777 newcerts", "modes" },
    { "sed -i 2s/V/X/ index.txt", "index" },
    { "sed -i 2d index.txt", "records" },
    { ": > index.txt", "agreement" },
    { "printf '{torn' >> log.jsonl", "log" },
    { "echo 01 > crlnumber", "numbers" },
    { "touch newcerts/X.pem.0abc.tmp", "leftovers" },
    { "sed -i 's/^R\\(.[^\t]*.\\)[^\t]*/V\\1/' index.txt", "agreement" },
  }

  it("repairs what it can, and the books say the same as before", function()
    local before = must(file.read(directory .. "/index.txt"))
    for _, case in ipairs(mendable) do
      shell(case[1])
      local result = must(lacre.ca.check(directory))
      assert.is_truthy(rules(result)[case[2]], case[1])
      result = must(lacre.ca.check(directory, { repair = true }))
      assert.same({}, result.findings, case[1])
      assert.is_true(#result.repaired > 0)
      for one in must(ca:list()) do
        serial = ids[1].cert:serial()
        assert.equal(one.serial == serial and "revoked" or "valid", one.status)
        assert.equal(one.serial == serial and "superseded" or nil, one.reason)
      end
      assert.equal(#before, #must(file.read(directory .. "/index.txt")))
    end
  end)

  it("completes what was begun and not finished", function()
    local id = must(ca:issue { hosts = { "b.test" } })
    shell "sed -i '$d' log.jsonl; sed -i '$d' index.txt"
    local result = must(lacre.ca.check(directory))
    assert.equal("error", rules(result).log)
    assert.equal("error", rules(result).records)
    assert.same({}, must(lacre.ca.check(directory, { repair = true })).findings)
    assert.equal("valid", must(ca:find(id.cert)).status)
  end)

  it("tells what nobody can mend", function()
    local broken = {
      { "rm newcerts/*.pem", "certificates" },
      { "for f in newcerts/*.pem; do echo garbage > $f; done", "certificates" },
      { "set newcerts/*.pem; cp $1 $2", "certificates" },
      { "cat index.txt index.txt > i && mv i index.txt", "index" },
      { "sed -i 's/superseded/key_compromise/' log.jsonl", "log" },
      { "sed -i 2d log.jsonl", "log" },
      { "echo zz > serial", "numbers" },
    }
    for _, case in ipairs(broken) do
      shell(("rm -rf %s/copy && cp -a . %s/copy"):format(base, base))
      shell(("cd %s/copy && %s"):format(base, case[1]))
      for _, repair in ipairs { false, true } do
        local result, err = lacre.ca.check(base .. "/copy", { repair = repair })
        assert.is_true(result and not result.ok or err and err.code == "log_corrupt", case[1])
        assert.is_true(result == nil or rules(result)[case[2]] == "error", case[1])
      end
    end
  end)

  it("proves that the log still holds what was noted", function()
    local head = must(lacre.ca.check(directory)).log_head
    must(ca:issue { hosts = { "b.test" } })
    assert.is_true(must(lacre.ca.check(directory, { expect = head })).ok)
    local result = must(lacre.ca.check(directory, { expect = ("0"):rep(64) }))
    assert.equal("error", rules(result).noted_head)
  end)

  it("notices a clock that jumped, a CA that ends and a list that ended", function()
    local line = [[sed -i 's/"time":"2[0-9]*-/"time":"2999-/' log.jsonl]]
    shell(line)
    assert.equal("warning", rules(must(lacre.ca.check(directory))).clock)
    local short = must(lacre.ca.new { valid_for = "10d" })
    must(short:save(base .. "/short"))
    assert.equal("warning", rules(must(lacre.ca.check(base .. "/short"))).authority)
    local past = must(must(lacre.ca.new { not_before = "2020-01-01", valid_for = "1d" }):save(base .. "/past"))
    assert.equal("error", rules(must(lacre.ca.check(base .. "/past"))).authority)
    must(past:crl { this_update = "2020-01-01", next_update = "1d" })
    assert.equal("warning", rules(must(lacre.ca.check(base .. "/past"))).crl)
  end)

  it("issues nothing while the clock is before the log, but revokes", function()
    local time = require "lacre.time"
    local now = time.now
    finally(function()
      time.now = now
    end)
    time.now = function()
      return now() - 400
    end
    for _, try in ipairs { function() return ca:issue { hosts = { "b.test" }, not_before = now() } end,
      function() return ca:renew(ids[2].cert) end, function() return ca:crl() end } do
      local done, err = try()
      assert.is_nil(done)
      assert.equal("clock_set_back", err.code)
    end
    must(ca:revoke(ids[2].cert))
    assert.equal("clock_set_back", select(2, ca:crl()).code)
    must(ca:crl { this_update = now() })
    assert.equal("warning", rules(must(lacre.ca.check(directory))).clock)
    time.now = now
    must(ca:issue { hosts = { "b.test" }, key = "ed25519" })
  end)

  it("goes on from a log that is ahead once it was told so", function()
    local time = require "lacre.time"
    local now = time.now
    time.now = function()
      return now() + 40 * 86400
    end
    must(ca:issue { hosts = { "b.test" }, key = "ed25519" })
    time.now = now
    assert.equal("clock_set_back", select(2, ca:issue { hosts = { "c.test" } }).code)
    assert.is_truthy(must(lacre.ca.check(directory, { repair = true })).repaired[1].text:find("future", 1, true))
    must(ca:issue { hosts = { "c.test" }, key = "ed25519" })
  end)

  it("tries the key where it is given the password", function()
    local made = must(lacre.ca.new {})
    must(made:save(base .. "/locked", { password = "secret" }))
    assert.is_true(must(lacre.ca.check(base .. "/locked")).ok)
    assert.is_true(must(lacre.ca.check(base .. "/locked", { password = "secret" })).ok)
    local none, err = lacre.ca.check(base .. "/locked", { password = "wrong" })
    assert.is_nil(none)
    assert.equal("bad_password", err.code)
  end)

  it("adopts what another program issued", function()
    shell "rm log.jsonl"
    local result = must(lacre.ca.check(directory))
    assert.is_true(result.ok)
    assert.equal("warning", rules(result).log)
    result = must(lacre.ca.check(directory, { repair = true }))
    assert.is_nil(rules(result).log)
    must(ca:issue { hosts = { "b.test" } })
    assert.is_true(must(lacre.ca.check(directory)).ok)
  end)
end)

describe("a full disk", function()
  it("is a typed error, and loses nothing", function()
    local base = process.directory()
    local mounted = select(2, process.run { "mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", base }) == 0
    if not mounted then
      process.remove(base)
      return pending "no tmpfs may be mounted here"
    end
    local ca = must(must(lacre.ca.new { key = "ed25519" }):save(base .. "/ca"))
    local issued, id, err = -1
    repeat
      issued = issued + 1
      id, err = ca:issue { hosts = { "a.test" }, key = "ed25519" }
    until not id
    local before = must(lacre.ca.check(base .. "/ca"))
    os.execute("rm -f " .. base .. "/ca/ca.crl; mount -o remount,size=256k tmpfs " .. base)
    local after = must(lacre.ca.check(base .. "/ca", { repair = true }))
    local again = ca:issue { hosts = { "a.test" }, key = "ed25519" }
    process.run { "umount", base }
    process.remove(base)
    assert.equal("io_error", err.code)
    assert.equal("ENOSPC", err.reason)
    assert.equal(issued, before.certificates.valid)
    assert.same({}, after.findings)
    assert.is_truthy(again)
  end)
end)

describe("eight processes", function()
  it("issue a thousand certificates, each with its own serial and on record", function()
    local base = memory_directory()
    local ca = must(must(lacre.ca.new { key = "ed25519" }):save(base .. "/ca"))
    must(file.write(base .. "/issue.lua", [[
      local lacre = require "lacre"
      local ca = lacre.assert(lacre.ca.load(arg[1]))
      for _ = 1, 125 do
        print(lacre.assert(ca:issue { hosts = { "a.test" }, key = "ed25519" }).cert:serial())
      end
    ]]))
    local running = {}
    for i = 1, 8 do
      running[i] = process.start { os.getenv "LUA" or "lua", base .. "/issue.lua", base .. "/ca" }
    end
    local given, count = {}, 0
    for _, one in ipairs(running) do
      while one:is_alive() do
        os.execute "sleep 0.05"
      end
      local output = one:output()
      one:stop()
      for serial in output:gmatch "[^\n]+" do
        assert.is_nil(given[serial], output)
        given[serial], count = true, count + 1
      end
    end
    assert.equal(1000, count)
    for one in must(ca:list()) do
      given[one.serial] = nil
    end
    assert.is_nil(next(given))
    local result = must(lacre.ca.check(base .. "/ca"))
    process.remove(base)
    assert.same({}, result.findings)
    assert.equal(1000, result.certificates.valid)
    assert.equal(2001, result.log_entries)
  end)
end)
