-- A CA on disk: the books that openssl reads and writes too, the lock, the log, and what may go wrong.
local file = require "lacre.file"
local index = require "lacre.ca.index"
local lacre = require "lacre"
local log = require "lacre.ca.log"
local mutex = require "lacre.ca.mutex"
local process = require "spec.support.process"

local must = lacre.assert

local function is_root()
  return process.run { "id", "-u" } == "0\n"
end

local function code(value, err)
  return value == nil and err.code or value
end

describe("index.txt", function()
  local serial = "0A1B"
  local cases = {
    { "V\t301231235959Z\t\t0A1B\tunknown\t/CN=a", { not_after = 1924991999 } },
    { "V\t20501231235959Z\t\t0A1B\tunknown\t/CN=a", { not_after = 2556143999 } },
    { "R\t301231235959Z\t250101000000Z\t0A1B\tunknown\t/CN=a", { revoked_at = 1735689600, reason = "unspecified" } },
    { "R\t301231235959Z\t250101000000Z,keyCompromise\t0A1B\tx.pem\t/CN=a", { reason = "key_compromise", file = "x.pem" } },
    { "R\t301231235959Z\t250101000000Z,keyTime,20250101000000Z\t0A1B\tunknown\t/CN=a",
      { reason = "key_compromise", invalidity_date = 1735689600 } },
    {
      "R\t301231235959Z\t250101000000Z,holdInstruction,1.2.840.10040.2.2\t0A1B\tunknown\t/CN=a",
      { reason = "certificate_hold" },
    },
    { "V\t301231235959Z\t\t0A1B\tunknown\t/CN=a\\\tb\\x00c", { subject = "/CN=a\tb\\x00c" } },
    { "V\t301231235959Z\t\t0A1B\tunknown\t", { subject = "" } },
  }

  it("is read and written as it was", function()
    for _, case in ipairs(cases) do
      local one = must(index.read_line(case[1]))
      for name, value in pairs(case[2]) do
        assert.equal(value, one[name], case[1])
      end
      assert.equal("0a1b", one.serial)
      assert.equal(case[1] .. "\n", index.line(one))
    end
  end)

  it("says which line is wrong, and how", function()
    local good = cases[1][1] .. "\n"
    local wrong = {
      ["V\t301231235959Z\t\t0A1B\tunknown\n"] = "5 fields instead of 6",
      ["X\t301231235959Z\t\t0A1B\tunknown\t/CN=a\n"] = "the status 'X' is not V, R or E",
      ["V\tsoon\t\t0A1B\tunknown\t/CN=a\n"] = "'soon' is not a time",
      ["V\t301331235959Z\t\t0A1B\tunknown\t/CN=a\n"] = "'301331235959Z' is not a time",
      ["V\t301231235959Z\t\tzz\tunknown\t/CN=a\n"] = "'zz' is not a serial number",
      ["R\t301231235959Z\t\t0A1B\tunknown\t/CN=a\n"] = "the revocation time '' is not a time",
      ["R\t301231235959Z\t250101000000Z,why\t0A1B\tunknown\t/CN=a\n"] = "the reason 'why' is unknown",
      ["V\t301231235959Z\t\t0A1B\tunkn"] = "it has no end",
    }
    for text, why in pairs(wrong) do
      local none, err = index.parse(good .. text)
      assert.is_nil(none)
      assert.equal("index_corrupt", err.code)
      assert.equal(2, err.detail.line)
      assert.equal("line 2: " .. why, err.message)
    end
    assert.equal(2, #must(index.parse("# by hand\n" .. good .. "\n" .. good)))
  end)

  it("changes one line and no other", function()
    local text = ""
    for _, other in ipairs { "01", serial, "0A1B0C" } do
      text = text .. "V\t301231235959Z\t\t" .. other .. "\tunknown\t/CN=\\\t0A1B\\\t\n"
    end
    local one = index.find(text, "0a1b")
    one.revoked_at, one.reason = 1735689600, "superseded"
    local changed = index.replace(text, one)
    assert.equal((text:gsub("V(\t%d+Z\t)(\t0A1B\t)", "R%1250101000000Z,superseded%2", 1)), changed)
    assert.is_nil(index.find(text, "0a1b0"))
  end)
end)

describe("log", function()
  local directory, path

  before_each(function()
    directory = process.directory()
    path = directory .. "/log"
  end)

  after_each(function()
    process.remove(directory)
  end)

  local function fill()
    local head = must(log.head(path))
    for i = 1, 5 do
      must(log.append(path, head, { event = "issue", serial = ("%02x"):format(i), subject = 'CN="\\\n' }))
    end
    return head
  end

  it("goes on where it ended", function()
    local head = fill()
    local again = must(log.head(path))
    assert.equal(5, again.seq)
    assert.equal(head.hash, again.hash)
    assert.equal('CN="\\\n', again.entry.subject)
    local entries, state = log.verify(must(file.read(path)))
    assert.equal(5, #entries)
    assert.is_nil(state.problem)
    assert.equal(head.hash, state.hash)
  end)

  it("shows any change of a line", function()
    fill()
    local text = must(file.read(path))
    local lines = {}
    for line in text:gmatch "[^\n]+\n" do
      lines[#lines + 1] = line
    end
    local changed = {
      { text:gsub('"serial":"02"', '"serial":"09"'), 3 },
      { lines[1] .. lines[3] .. lines[4], 2 },
      { lines[2], 1 },
      { text .. lines[5], 6 },
      { lines[1] .. "nonsense\n", 2 },
    }
    for _, case in ipairs(changed) do
      local _, state = log.verify(case[1])
      assert.is_truthy(state.problem)
      assert.equal(type(case[2]) == "number" and case[2] or case[3], state.line)
    end
  end)

  it("is mended where its last line was cut", function()
    fill()
    must(file.write(path, must(file.read(path)) .. '{"seq":6,"ti', { overwrite = true }))
    assert.is_true(must(log.head(path)).torn)
    assert.equal(12, must(log.mend(path)))
    assert.equal(5, must(log.head(path)).seq)
  end)

  it("has lines of any length", function()
    local head = must(log.head(path))
    must(log.append(path, head, { event = "issue", names = ("x"):rep(100000) }))
    must(log.append(path, head, { event = "issued", names = ("y"):rep(5000) }))
    assert.equal(2, must(log.head(path)).seq)
  end)
end)

describe("a CA on disk", function()
  local directory, ca

  before_each(function()
    directory = process.directory() .. "/ca"
    ca = must(must(lacre.ca.new { name = "Disk" }):save(directory))
  end)

  after_each(function()
    process.remove(file.directory(directory))
  end)

  local function at(name)
    return directory .. "/" .. name
  end

  it("has files that only their owner can change, and a key only he can read", function()
    local modes = { ["ca.key"] = "600", ["log.jsonl"] = "600", lock = "600", newcerts = "700", [""] = "700" }
    for name, mode in pairs(modes) do
      assert.equal(tonumber(mode, 8), must(file.stat(at(name))).mode, name)
    end
    assert.equal("unique_subject = no\n", must(file.read(at "index.txt.attr")))
  end)

  it("records what it issues, in the form of openssl ca", function()
    local id = must(ca:issue { hosts = { "a.test" }, subject = "C=PT,CN=a.test" })
    local serial = id.cert:serial():upper()
    local line = must(file.read(at "index.txt"))
    assert.equal(("V\t%s\t\t%s\tunknown\t/CN=a.test/C=PT\n"):format(lacre.time.format(id.cert:not_after(), "asn1"), serial), line)
    assert.equal(id.cert:to_pem(), must(file.read(at("newcerts/" .. serial .. ".pem"))))
    local again = must(lacre.ca.load(directory, { key = false }))
    assert.equal("valid", must(again:find(id.cert)).status)
    local none, err = again:issue { hosts = { "a.test" } }
    assert.is_nil(none)
    assert.equal("no_key", err.code)
  end)

  it("keeps what was issued in memory, and a locked key", function()
    local first = must(lacre.ca.new {})
    local id = must(first:issue { hosts = { "a.test" } })
    must(first:save(directory .. "2", { password = "secret" }))
    assert.equal("password_required", code(lacre.ca.load(directory .. "2")))
    assert.equal("bad_password", code(lacre.ca.load(directory .. "2", { password = "wrong" })))
    local second = must(lacre.ca.load(directory .. "2", { password = function()
      return "secret"
    end }))
    assert.equal(id.cert:to_der(), must(second:certificate_of(id.cert:serial())):to_der())
    assert.is_truthy(second:issue { hosts = { "a.test" } })
  end)

  it("is never made over something", function()
    assert.equal("file_exists", code(lacre.ca.new({}):save(directory)))
    assert.equal("file_not_found", code(lacre.ca.new({}):save(directory .. "/none/ca")))
    assert.equal("ca_not_found", code(lacre.ca.load "/"))
  end)

  it("waits for its lock, and not for ever", function()
    local lock = must(mutex.take(at "lock", 0))
    local waited
    local other = must(lacre.ca.load(directory, { lock_timeout = 0.2, on_wait = function()
      waited = true
    end }))
    local none, err = other:issue { hosts = { "a.test" } }
    lock:close()
    assert.is_nil(none)
    assert.equal("locked", err.code)
    assert.is_true(err.timeout)
    assert.is_true(waited)
    assert.is_truthy(other:issue { hosts = { "a.test" } })
  end)

  it("gives the lock back whatever happens inside", function()
    assert.has_error(function()
      ca:issue { hosts = {} }
    end)
    assert.is_truthy(ca:issue { hosts = { "a.test" } })
  end)

  it("lets others work while a task of the loop waits", function()
    local lock = must(mutex.take(at "lock", 0))
    local order = {}
    lacre.loop.run(function()
      local task = lacre.loop.spawn(function()
        must(ca:issue { hosts = { "a.test" } })
        order[#order + 1] = "issued"
      end)
      lacre.loop.sleep(0.02)
      order[#order + 1] = "released"
      lock:close()
      task:join()
    end)
    assert.same({ "released", "issued" }, order)
  end)

  it("refuses a corrupt index and loses nothing", function()
    must(ca:issue { hosts = { "a.test" } })
    local text = must(file.read(at "index.txt")) .. "V\tgarbage\n"
    must(file.write(at "index.txt", text, { overwrite = true }))
    local none, err = ca.books:records()
    assert.is_nil(none)
    assert.equal("index_corrupt", err.code)
    assert.equal(2, err.detail.line)
    assert.equal(at "index.txt", err.path)
    must(ca:issue { hosts = { "b.test" } })
    assert.equal(text, must(file.read(at "index.txt")):sub(1, #text))
    must(file.write(at "index.txt", "V\tno end", { overwrite = true }))
    assert.equal("index_corrupt", code(ca:issue { hosts = { "b.test" } }))
    assert.equal("V\tno end", must(file.read(at "index.txt")))
  end)

  it("says when it may not write", function()
    if is_root() then
      return pending "root may write everywhere"
    end
    os.execute("chmod 500 " .. directory)
    assert.equal("permission_denied", code(ca:issue { hosts = { "a.test" } }))
    os.execute("chmod 700 " .. directory)
    assert.equal("", must(file.read(at "index.txt")))
  end)

  it("misses a file with its name", function()
    for _, name in ipairs { "index.txt", "newcerts" } do
      os.rename(at(name), at "aside")
      local none, err = ca:issue { hosts = { "a.test" } }
      assert.is_nil(none)
      assert.equal("file_not_found", err.code)
      os.rename(at "aside", at(name))
    end
    assert.is_truthy(ca:issue { hosts = { "a.test" } })
  end)

  it("reads its policy, which sees nothing of the program", function()
    local policies = {
      ['return { names = { "*.corp.test" } }'] = "policy_refused",
      ["return 7"] = "bad_policy",
      ["return {"] = "bad_policy",
      ["return { nmaes = {} }"] = "bad_policy",
      ["os.exit(9)"] = "bad_policy",
    }
    for text, expected in pairs(policies) do
      must(file.write(at "policy.lua", text, { overwrite = true }))
      local opened, err = lacre.ca.load(directory)
      if opened then
        opened, err = opened:issue { hosts = { "a.test" } }
      end
      assert.is_nil(opened)
      assert.equal(expected, err.code, text)
    end
  end)

  it("says what is wrong with its policy, in that file", function()
    local function refused_by(policy, what)
      must(file.write(at "policy.lua", "return " .. policy, { overwrite = true }))
      return select(2, must(lacre.ca.load(directory)):issue(what or { hosts = { "a.test" } })).message
    end
    local file_name = at "policy.lua"
    assert.equal(file_name .. ": it does not return a table", refused_by "7")
    assert.equal(file_name .. ": bad option 'nmaes' to 'policy' (unknown; did you mean 'names'?)", refused_by "{ nmaes = {} }")
    for _, pattern in ipairs { ".evil.test", "*", "10.0.0.0/33", "[::1]", "evil.test/", "@", "a b", "*.*.test", "" } do
      local message = refused_by(("{ forbidden = { %q } }"):format(pattern))
      assert.is_truthy(message:find(("no name fits '%s'"):format(pattern), 1, true), message)
    end
    assert.matches("xn%-%-bro%-hoa", refused_by('{ forbidden = { "**.B\195\188ro.test" } }', { hosts = { "a.b\195\188ro.test" } }))
    assert.equal("rule 'subject': the subject has no O; it must be Acme", refused_by "{ subject = { O = 'Acme' } }")
  end)
end)

describe("a CA of openssl", function()
  local directory

  before_each(function()
    directory = process.directory()
  end)

  after_each(function()
    process.remove(directory)
  end)

  local function openssl(...)
    local output, status = process.run { "openssl", ... }
    assert.equal(0, status, output)
    return output
  end

  local function config(paths)
    local text = { "[ca]", "default_ca=d", "[p]", "commonName=supplied", "[d]", "policy=p", "default_md=sha256",
      "default_days=30", "default_crl_days=7", "unique_subject=no" }
    for name, path in pairs(paths) do
      text[#text + 1] = name .. "=" .. directory .. "/" .. path
    end
    must(file.write(directory .. "/openssl.cnf", table.concat(text, "\n") .. "\n", { overwrite = true }))
  end

  it("is opened, and goes on being one", function()
    config {
      database = "index.txt", serial = "serial", crlnumber = "crlnumber", new_certs_dir = "newcerts",
      certificate = "cacert.pem", private_key = "private/cakey.pem",
    }
    os.execute(("cd %s && mkdir newcerts private && : > index.txt && echo 1000 > serial && echo 01 > crlnumber"):format(directory))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Theirs", "-days", "90",
      "-keyout", directory .. "/private/cakey.pem", "-out", directory .. "/cacert.pem", "-addext", "keyUsage=keyCertSign,cRLSign")
    local function theirs(name)
      openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" .. name, "-keyout", directory .. "/k",
        "-out", directory .. "/csr")
      openssl("ca", "-batch", "-config", directory .. "/openssl.cnf", "-in", directory .. "/csr", "-out", directory .. "/crt", "-notext")
      return must(lacre.cert.load(directory .. "/crt"))
    end
    local first = theirs "one"
    local ca = must(lacre.ca.load(directory))
    assert.equal("valid", must(ca:find(first)).status)
    assert.equal("/CN=one", must(ca:find(first)).subject)
    assert.equal(first:to_der(), must(ca:certificate_of "1000"):to_der())
    local ours = must(ca:issue { hosts = { "ours.test" }, valid_for = "30d" }).cert
    local second = theirs "two"
    assert.equal(#ours:serial(), #second:serial())
    openssl("ca", "-config", directory .. "/openssl.cnf", "-revoke", directory .. "/newcerts/" .. ours:serial():upper() .. ".pem",
      "-crl_reason", "superseded")
    local one = must(ca:find(ours))
    assert.equal("revoked", one.status)
    assert.equal("superseded", one.reason)
    openssl("ca", "-config", directory .. "/openssl.cnf", "-gencrl", "-out", directory .. "/crl.pem")
    local text = openssl("crl", "-in", directory .. "/crl.pem", "-noout", "-text")
    assert.is_truthy(text:find(ours:serial():upper(), 1, true))
    local subjects = {}
    for each in ca:list() do
      subjects[#subjects + 1] = each.subject
    end
    assert.same({ "/CN=one", "/CN=ours.test", "/CN=two" }, subjects)
  end)

  it("and ours is one: openssl revokes, lists and answers from it", function()
    local ca = must(must(lacre.ca.new {}):save(directory .. "/ca"))
    local id = must(ca:issue { hosts = { "a.test" } })
    must(ca:responder())
    config { database = "ca/index.txt", serial = "ca/serial", crlnumber = "ca/crlnumber", new_certs_dir = "ca/newcerts",
      certificate = "ca/ca.crt", private_key = "ca/ca.key" }
    must(id.cert:save(directory .. "/a.pem"))
    openssl("ca", "-config", directory .. "/openssl.cnf", "-revoke", directory .. "/a.pem", "-crl_reason", "superseded")
    openssl("ca", "-config", directory .. "/openssl.cnf", "-gencrl", "-out", directory .. "/ca/ca.crl")
    local at = directory .. "/ca/"
    openssl("ocsp", "-issuer", at .. "ca.crt", "-cert", directory .. "/a.pem", "-reqout", directory .. "/q")
    openssl("ocsp", "-index", at .. "index.txt", "-CA", at .. "ca.crt", "-rsigner", at .. "ocsp.crt", "-rkey", at .. "ocsp.key",
      "-reqin", directory .. "/q", "-respout", directory .. "/r")
    local response = must(lacre.ocsp.parse(must(file.read(directory .. "/r"))))
    assert.equal("revoked", response:status(id.cert))
    assert.equal("superseded", must(ca:find(id.cert)).reason)
    local result = must(lacre.ca.check(directory .. "/ca", { repair = true }))
    assert.is_true(result.ok)
    assert.equal("02", must(ca:crl()):number())
  end)

  it("and easy-rsa's is found by its files", function()
    local made = must(lacre.ca.new {})
    must(made:save(directory .. "/x"))
    os.execute(([[cd %s && mkdir -p pki/private pki/issued pki/certs_by_serial && cp x/ca.crt x/index.txt x/index.txt.attr x/serial pki &&
      cp x/ca.key pki/private]]):format(directory))
    for _, place in ipairs { directory, directory .. "/pki" } do
      local ca = must(lacre.ca.load(place))
      local id = must(ca:issue { hosts = { "a.test" } })
      assert.is_truthy(file.stat(directory .. "/pki/certs_by_serial/" .. id.cert:serial():upper() .. ".pem"))
      assert.equal("valid", must(ca:find(id.cert)).status)
    end
  end)
end)
