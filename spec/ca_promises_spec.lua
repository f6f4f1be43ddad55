-- What a CA has said once holds: revocations stay on the lists, numbers go up, and keys that others have
-- are never certified again, whatever somebody did to the files by hand.
local file = require "lacre.file"
local lacre = require "lacre"
local process = require "spec.support.process"

local must = lacre.assert
local base, directory, ca, first

before_each(function()
  base = process.directory()
  directory = base .. "/ca"
  ca = must(must(lacre.ca.new { key = "ed25519", not_before = "2025-12-01" }):save(directory))
  first = must(ca:issue { hosts = { "a.test" }, key = "ed25519" })
  must(ca:issue { hosts = { "b.test" }, key = "ed25519" })
end)

after_each(function()
  process.remove(base)
end)

local function shell(line)
  process.run { "sh", "-c", ("cd '%s' && %s"):format(directory, line) }
end

local function refused(code, value, err)
  assert.is_nil(value)
  assert.equal(code, err.code)
end

local function rules(result)
  local found = {}
  for _, finding in ipairs(result.findings) do
    found[finding.rule] = finding.level
  end
  return found
end

local unrevoke = "sed -i 's/^R\\(.[^\t]*.\\)[^\t]*/V\\1/' index.txt"

describe("a revocation", function()
  local function check_lost(line)
    must(ca:revoke(first.cert, "superseded"))
    must(ca:crl())
    local at = must(ca:crl():find(first.cert)).time
    shell(line)
    local entry = must(ca:crl()):find(first.cert)
    assert.is_truthy(entry, line)
    assert.same({ "superseded", at }, { entry.reason, entry.time })
    assert.is_false(must(lacre.ca.check(directory)).ok)
    assert.same({}, must(lacre.ca.check(directory, { repair = true })).findings, line)
    local one = must(ca:find(first.cert))
    assert.same({ "revoked", "superseded", at }, { one.status, one.reason, one.revoked_at })
  end

  it("stays on the list when its line is gone", function()
    check_lost "sed -i 1d index.txt"
  end)

  it("stays when its line says valid", function()
    check_lost(unrevoke)
  end)

  it("stays by the log alone, and in a delta", function()
    check_lost("rm ca.crl; " .. unrevoke)
  end)

  it("stays by the list alone, where another program kept no log", function()
    must(ca:revoke(first.cert, "superseded"))
    must(ca:crl())
    shell("rm log.jsonl; " .. unrevoke)
    assert.equal("error", rules(must(lacre.ca.check(directory))).crl)
    assert.equal("superseded", must(ca:crl():find(first.cert)).reason)
    assert.is_true(must(lacre.ca.check(directory, { repair = true })).ok)
    assert.equal("revoked", must(ca:find(first.cert)).status)
  end)

  it("is answered online too, whatever the index says", function()
    must(ca:revoke(first.cert, "superseded"))
    must(ca:crl())
    local request = must(lacre.ocsp.request { cert = first.cert, issuer = ca:cert() })
    local der = request.der
    for _, line in ipairs { unrevoke, "sed -i 1d index.txt" } do
      shell(line)
      assert.equal("revoked", must(lacre.ocsp.parse(must(ca:respond(der)))):status(first.cert), line)
    end
    local held = must(ca:issue { hosts = { "h.test" }, key = "ed25519" }).cert
    must(ca:revoke(held, "certificate_hold"))
    must(ca:crl())
    must(ca:release(held))
    request = must(lacre.ocsp.request { cert = held, issuer = ca:cert() })
    assert.equal("good", must(lacre.ocsp.parse(must(ca:respond(request.der)))):status(held))
  end)

  it("comes back with everything gone but the log", function()
    must(ca:revoke(first.cert, "superseded"))
    shell "rm newcerts/*; : > index.txt"
    assert.is_truthy(must(ca:crl()):find(first.cert))
    must(lacre.ca.check(directory, { repair = true }))
    assert.equal("revoked", must(ca:find(first.cert)).status)
  end)

  it("leaves the list when it was taken back, or has expired", function()
    must(ca:revoke(first.cert, "certificate_hold"))
    must(ca:crl())
    must(ca:release(first.cert))
    assert.is_nil((must(ca:crl()):find(first.cert)))
    local old = must(ca:issue { hosts = { "c.test" }, not_before = "2026-01-01", not_after = "2026-01-02", key = "ed25519" })
    must(ca:revoke(old.cert))
    assert.is_truthy(must(ca:crl()):find(old.cert))
    shell "sed -i '$d' index.txt"
    assert.is_nil((must(ca:crl()):find(old.cert)))
  end)

  it("never begins in the future", function()
    refused("revocation_in_future", ca:revoke(first.cert, { time = lacre.time.now() + 60 }))
    refused("revocation_in_future", lacre.ca.new({}):revoke("01", { time = "2999-01-01" }))
    assert.equal("valid", must(ca:find(first.cert)).status)
    assert.is_truthy(ca:revoke(first.cert, { time = lacre.time.now() - 60 }))
  end)
end)

it("a delta is of a list that has a number, which easy-rsa's have not", function()
  must(file.write(base .. "/cnf", ("[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\ndefault_md=sha256\ndefault_crl_days=7\n")
    :format(directory)))
  must(ca:revoke(first.cert))
  must(ca:crl())
  local output, status = process.run { "openssl", "ca", "-config", base .. "/cnf", "-gencrl", "-cert", directory .. "/ca.crt",
    "-keyfile", directory .. "/ca.key", "-md", "null", "-out", directory .. "/ca.crl" }
  assert.equal(0, status, output)
  assert.is_nil((must(lacre.crl.load(directory .. "/ca.crl")):number()))
  refused("crl_invalid", ca:crl { delta = true })
  local list = must(ca:crl())
  assert.same({ "02", 1 }, { list:number(), list:count() })
end)

it("a certificate that easy-rsa moved away when it revoked it is found", function()
  shell("mkdir -p ../pki/private ../pki/certs_by_serial ../pki/revoked/certs_by_serial && cp ca.crt index.txt serial ../pki && "
    .. "cp ca.key ../pki/private")
  local theirs = must(lacre.ca.load(base .. "/pki"))
  local id = must(theirs:issue { hosts = { "c.test" }, key = "ed25519" })
  must(theirs:revoke(id.cert, "key_compromise"))
  local name = id.cert:serial():upper()
  shell(("mv ../pki/certs_by_serial/%s.pem ../pki/revoked/certs_by_serial/%s.crt"):format(name, name))
  refused("key_compromised", theirs:issue { hosts = { "c.test" }, key = id.key })
  shell "chmod 700 ../pki ../pki/private"
  for _, directory_of_it in ipairs { "revoked/certs_by_serial", "renewed/certs_by_serial", "renewed/issued" } do
    shell(("cd ../pki && mkdir -p %s && mv re*/*/*.crt c.crt && mv c.crt %s/%s.crt"):format(directory_of_it, directory_of_it,
      directory_of_it == "renewed/issued" and "c" or name))
    assert.not_equal("error", rules(must(lacre.ca.check(base .. "/pki"))).certificates, directory_of_it)
  end
end)

it("what another program revoked is entered in the log when the directory is repaired", function()
  local at = "261101000000Z"
  shell(("sed -i '1s/^V\\(\t[^\t]*\t\\)/R\\1%s,superseded/' index.txt"):format(at))
  assert.equal("warning", rules(must(lacre.ca.check(directory))).agreement)
  must(lacre.ca.check(directory, { repair = true }))
  must(ca:crl())
  assert.same({}, must(lacre.ca.check(directory)).findings)
  assert.equal("superseded", must(ca:find(first.cert)).reason)
  assert.is_truthy((must(file.read(directory .. "/log.jsonl"))):find('"event":"revoked","serial":"' .. first.cert:serial(), 1, true))
end)

it("the number of a list never goes back", function()
  for _ = 1, 3 do
    must(ca:crl())
  end
  for i, line in ipairs { "rm crlnumber", "rm crlnumber ca.crl", "echo 01 > crlnumber", "rm log.jsonl crlnumber" } do
    shell(line)
    assert.equal("error", rules(must(lacre.ca.check(directory))).numbers, line)
    assert.equal(("%02x"):format(3 + i), must(ca:crl()):number(), line)
  end
  shell "rm crlnumber"
  assert.is_true(must(lacre.ca.check(directory, { repair = true })).ok)
  assert.equal("08", must(ca:crl()):number())
end)

describe("a key that others have", function()
  for _, where in ipairs { "memory", "disk" } do
    it("is not certified again, in " .. where, function()
      local authority = where == "disk" and ca or must(lacre.ca.new {})
      local id = must(authority:issue { hosts = { "a.test" } })
      local request = must(lacre.csr.create { key = id.key, hosts = { "a.test" } })
      must(authority:revoke(id.cert, "key_compromise"))
      refused("key_compromised", authority:renew(id.cert))
      refused("key_compromised", authority:issue { csr = request, copy = { "hosts" } })
      refused("key_compromised", authority:issue { hosts = { "z.test" }, key = id.key })
      refused("key_compromised", authority:rekey(id.cert, { key = id.key }))
      local none, err = authority:renew(id.cert)
      assert.is_nil(none)
      assert.matches("rekey", err.hint)
      assert.is_truthy(authority:rekey(id.cert))
    end)
  end

  it("stays known when its line is gone, and what was noted of it too", function()
    local id = must(ca:issue { hosts = { "k.test" } })
    must(ca:revoke(id.cert, "key_compromise"))
    local function still(line)
      shell(line)
      refused("key_compromised", must(lacre.ca.load(directory)):issue { hosts = { "z.test" }, key = id.key })
    end
    still "sed -i '/eyCompromise/d' index.txt"
    still "rm compromised.txt"
    must(ca:crl())
    still "rm compromised.txt; mkdir ../kept; mv newcerts/* ../kept"
    still "mv ../kept/* newcerts; rm compromised.txt log.jsonl"
  end)

  it("is told by the check where its note is gone, and noted again", function()
    local id = must(ca:issue { hosts = { "k.test" } })
    must(ca:revoke(id.cert, "key_compromise"))
    must(ca:crl())
    shell ": > compromised.txt"
    assert.equal("warning", rules(must(lacre.ca.check(directory))).lost_keys)
    assert.same({}, must(lacre.ca.check(directory, { repair = true })).findings)
    refused("key_compromised", ca:issue { hosts = { "z.test" }, key = id.key })
  end)

  it("is known where `openssl ca` revoked it, and costs no file each time", function()
    local id = must(ca:issue { hosts = { "k.test" } })
    must(file.write(base .. "/cnf", ("[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\ndefault_md=sha256\n"):format(directory)))
    local output, status = process.run { "openssl", "ca", "-config", base .. "/cnf", "-revoke",
      directory .. "/newcerts/" .. id.cert:serial():upper() .. ".pem", "-crl_reason", "keyCompromise", "-cert",
      directory .. "/ca.crt", "-keyfile", directory .. "/ca.key" }
    assert.equal(0, status, output)
    refused("key_compromised", ca:issue { hosts = { "z.test" }, key = id.key })
    shell "rm newcerts/*"
    refused("key_compromised", ca:issue { hosts = { "z.test" }, key = id.key })
  end)

  it("for other reasons may be", function()
    must(ca:revoke(first.cert, "superseded"))
    assert.is_truthy(ca:renew(first.cert))
  end)
end)

describe("a policy", function()
  it("looks at the subject too", function()
    local authority = must(lacre.ca.new { policy = { names = { "*.corp.test", "@corp.test" }, forbidden = { "x.corp.test" },
      wildcards = false } })
    for _, subject in ipairs { "CN=evil.test", "CN=*.corp.test", "CN=x.corp.test", "CN=x.corp.test.", "CN=10.0.0.1",
      "CN=eve@evil.test", "CN=localhost", "CN=EVIL.test", "emailAddress=eve@evil.test", "CN=a.corp.test,CN=evil.test" } do
      refused("policy_refused", authority:issue { hosts = { "a.corp.test" }, subject = subject })
      refused("policy_refused", authority:issue { subject = subject, profile = "client" })
    end
    assert.is_truthy(authority:issue { hosts = { "a.corp.test" }, subject = "CN=a.corp.test" })
    assert.is_truthy(authority:issue { hosts = { "a@corp.test" }, subject = "CN=Alice Smith", profile = "client" })
  end)

  it("that is broken stops what is issued, and nothing else", function()
    must(file.write(directory .. "/policy.lua", "return {"))
    local again = must(lacre.ca.load(directory))
    refused("bad_policy", again:issue { hosts = { "c.test" } })
    refused("bad_policy", again:renew(first.cert))
    must(again:revoke(first.cert))
    assert.equal(1, must(again:crl()):count())
    must(again:responder())
    assert.is_truthy(again:list())
    assert.equal("error", rules(must(lacre.ca.check(directory))).policy)
  end)
end)

describe("a name that is taken", function()
  local function unique(hosts)
    return ca:issue { hosts = hosts, unique = true, key = "ed25519" }
  end

  it("is found by the log or by the certificates, of which few are read", function()
    must(ca:issue { hosts = { "x.test", "10.0.0.1", "http://u.test/a,b" }, key = "ed25519" })
    for _, taken in ipairs { "a.test", "b.test", "10.0.0.1", "http://u.test/a,b" } do
      refused("duplicate_names", unique { "new.test", taken })
    end
    must(unique { "test", "st", "0.0.0.1", "http://u.test/a" })
    local reading = require "lacre.cert.read"
    local read, load = 0, reading.load
    finally(function()
      reading.load = load
    end)
    reading.load = function(path)
      read = read + 1
      return load(path)
    end
    refused("duplicate_names", unique { "b.test" })
    assert.equal(1, read)
    shell "rm log.jsonl"
    refused("duplicate_names", unique { "a.test" })
    must(unique { "c.test" })
    refused("duplicate_names", unique { "c.test" })
    must(lacre.ca.check(directory, { repair = true }))
    must(ca:revoke(first.cert, "superseded"))
    must(unique { "a.test" })
  end)
end)

describe("the check", function()
  it("knows what a delta says", function()
    must(ca:crl())
    must(ca:revoke(first.cert, "superseded"))
    assert.equal("warning", rules(must(lacre.ca.check(directory))).crl)
    must(ca:crl { delta = true })
    assert.same({}, must(lacre.ca.check(directory)).findings)
    must(ca:crl())
    must(ca:revoke(must(ca:issue { hosts = { "d.test" }, key = "ed25519" }).cert))
    assert.equal("warning", rules(must(lacre.ca.check(directory))).crl)
  end)

  it("looks at the list", function()
    must(ca:revoke(first.cert, "superseded"))
    must(ca:crl())
    local other = must(lacre.ca.new {})
    must(must(other:crl()):save(base .. "/other.crl"))
    for line, level in pairs {
      ["echo garbage > ca.crl"] = "error", [": > ca.crl"] = "error", ["rm ca.crl"] = "warning",
      ["cp ../other.crl ca.crl"] = "error",
    } do
      shell("cp ca.crl ../kept; " .. line)
      assert.equal(level, rules(must(lacre.ca.check(directory))).crl, line)
      shell "cp ../kept ca.crl"
    end
    assert.same({}, must(lacre.ca.check(directory)).findings)
  end)

  it("looks at reasons and dates, and mends them from the log", function()
    must(ca:revoke(first.cert, "superseded"))
    must(ca:crl())
    local before = must(file.read(directory .. "/index.txt"))
    for _, line in ipairs { "sed -i s/superseded/keyCompromise/ index.txt", "sed -i 's/[0-9]*Z,super/200101000000Z,super/' index.txt",
      "sed -i 's/[0-9]*Z,super/490101000000Z,super/' index.txt" } do
      shell(line)
      assert.equal("error", rules(must(lacre.ca.check(directory))).revocations, line)
      assert.same({}, must(lacre.ca.check(directory, { repair = true })).findings)
      assert.equal(before, must(file.read(directory .. "/index.txt")))
    end
  end)

  it("looks at the key", function()
    assert.equal("good", must(lacre.ca.check(directory)).key)
    local other = must(lacre.ca.new {})
    must(other:save(base .. "/sealed", { password = "secret" }))
    assert.equal("sealed", must(lacre.ca.check(base .. "/sealed")).key)
    for line, level in pairs {
      ["rm ca.key"] = "warning", ["echo garbage > ca.key"] = "error",
      ["openssl genpkey -algorithm ed25519 -out ca.key"] = "error",
    } do
      shell("cp -p ca.key ../kept; " .. line)
      assert.equal(level, rules(must(lacre.ca.check(directory))).key, line)
      shell "cp -p ../kept ca.key"
    end
  end)

  it("enters no certificate twice for a file with a wrong name", function()
    local before = must(file.read(directory .. "/index.txt"))
    shell "set newcerts/*.pem; cp $1 newcerts/AB.pem"
    local result = must(lacre.ca.check(directory, { repair = true }))
    assert.equal("error", rules(result).certificates)
    assert.equal(before, must(file.read(directory .. "/index.txt")))
    shell "set newcerts/*.pem; rm newcerts/AB.pem; mv $2 newcerts/AB.pem"
    assert.same({}, must(lacre.ca.check(directory, { repair = true })).findings)
    assert.equal(before, must(file.read(directory .. "/index.txt")))
  end)
end)

it("what is refused leaves no key behind", function()
  local command = os.getenv "PWD" .. "/" .. os.getenv "BUILD" .. "/bin/lacre"
  must(file.write(directory .. "/policy.lua", 'return { names = { "*.corp.test" } }'))
  for _, names in ipairs { "a.test", "bad..name", "x.corp.test --valid-for 99y", "--subject CN=evil.test", "a.corp.test --valid-for 0s" } do
    local output, code = process.run { "sh", "-c", ("mkdir -p %s/out; cd %s/out; %s ca issue ../ca %s; "
      .. "status=$?; ls; exit $status"):format(base, base, command, names) }
    assert.is_true(code ~= 0, output)
    assert.falsy(output:find("key.new", 1, true), output)
    assert.falsy(output:find("%.key\n"), output)
  end
end)
