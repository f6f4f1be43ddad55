local cert = require "lacre.cert"
local core = require "lacre.core"
local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
local diagnosis = require "lacre.health.diagnosis"
local file = require "lacre.file"
local findings = require "lacre.health.findings"
local health = require "lacre.tool.health"
local health_codes = require "lacre.health.codes"
local inquiry = require "lacre.health.inquiry"
local key = require "lacre.key"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local selftest = require "lacre.health.selftest"
local tls_settings = require "lacre.tls.settings"
local target = require "lacre.health.target"
local targets = require "lacre.health.targets"
local tcp = require "lacre.tcp"
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"
local tls = require "spec.support.tls"
local zoo = require "lacre.zoo"
local in_zoo = require "spec.support.zoo"

local DAY = 86400

local function judge(menagerie, list, given)
  local set = { targets = list, trust = menagerie.pki:trust(), timeout = 3 }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return assert(health(set))
end

describe("health", function()
  it("gives every server of the zoo its verdict, and every reason", function()
    local result = assert(health { selftest = true })
    for _, one in ipairs(result.entries) do
      assert.is_true(one.right, ("%s: %s %s, not %s %s"):format(one.name, one.grade, table.concat(one.reasons, " "),
        one.expected, table.concat(one.expected_reasons, " ")))
    end
    assert.equal(0, result.wrong)
    assert.equal(#zoo.rows, result.right + #result.unavailable)
    assert.is_false(health.failed(result))
    local text = selftest.text(result, require("lacre.report.style").new(false))
    assert.matches("0 wrong", text)
    assert.is_nil((text .. "\n"):find " \n")
  end)

  it("says of a selftest that it looks at no targets", function()
    for _, set in ipairs { { "localhost", selftest = true }, { selftest = true, file = { "hosts.txt" } } } do
      local result, err = health(set)
      assert.is_nil(result)
      assert.equal("unsupported", err.code)
      assert.matches("takes no targets", err.message)
    end
  end)

  it("judges a large Diffie-Hellman prime in a moment, for others wait meanwhile", function()
    local pipe = io.popen "openssl genpkey -algorithm DH -pkeyopt group:ffdhe8192 -outform DER 2>/dev/null"
    local parameters = pipe:read "*a"
    pipe:close()
    local _, at = parameters:find("\2\130\4\1", 1, true) -- INTEGER of 1025 octets, of which the first is 0
    local server = assert(tls_settings.lab("server", {
      identity = pki.issue(tls.inter, { key_type = "rsa" }), ciphers = { "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
      min_version = "1.2", max_version = "1.2", session_tickets = false,
    }, { prime = parameters:sub(at + 2, at + 1025) }))
    local client = assert(tls_settings.lab("client", { trust = tls.root.cert })):engine { server_name = "localhost" }
    assert.is_true(tls.shake(client, server:engine()))
    local before = os.clock()
    assert.same({ bits = 8192, prime = true, safe = true }, client:info().dh)
    assert.is_true(os.clock() - before < 6)
  end)

  it("gives each line one result, in the order of the list, whatever it says", function()
    in_zoo({ "good", "expired", "silent", "refused" }, function(at, menagerie)
      local list = { at.silent, at.good, "foo@@bar", at.expired, at.good .. " nonsense=1", at.refused, "", at.good }
      local results = judge(menagerie, list, { timeout = 1.5, concurrency = 3 })
      local shown = {}
      for i, result in ipairs(results) do
        shown[i] = result.grade .. " " .. tostring(result.reason)
      end
      assert.same({
        "fail TIMEOUT", "pass nil", "fail TARGET_INVALID", "fail CERT_EXPIRED", "fail TARGET_INVALID", "fail CONNECT_REFUSED",
        "fail TARGET_INVALID", "pass nil",
      }, shown)
      assert.equal("fail", results.worst)
      assert.same({ pass = 2, warn = 0, fail = 6 }, results.counts)
    end)
  end)

  it("never says PASS without a chain, a name and a version", function()
    for _, facts in ipairs {
      { version = "1.3", cipher = "TLS_AES_128_GCM_SHA256", chain = {}, verify = { ok = true, findings = {} } },
      { version = "1.1", cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", chain = {}, verify = { ok = true, findings = {} } },
    } do
      local problems = diagnosis.of_facts(facts, { now = time.now(), warn = threshold.parse "30d" }):sorted()
      assert.equal("fail", findings.grade(problems))
    end
    local leaf = pki.self_signed()
    local problems = diagnosis.of_facts({
      version = "1.3", cipher = "TLS_AES_128_GCM_SHA256", chain = { leaf.cert }, verify = { ok = false, findings = {} },
    }, { now = time.now(), warn = threshold.parse "30d", server_name = "localhost" }):sorted()
    assert.equal("VERIFY", problems[1].code)
  end)

  it("makes a fault of its own a FAIL, and goes on", function()
    in_zoo({ "good" }, function(at, menagerie)
      local of_facts = diagnosis.of_facts
      diagnosis.of_facts = function() -- luacheck: ignore
        error "boom"
      end
      local results = judge(menagerie, { at.good, at.good })
      diagnosis.of_facts = of_facts -- luacheck: ignore
      for i = 1, 2 do
        assert.equal("INTERNAL", results[i].reason)
        assert.matches("boom", results[i].problems[1].message)
      end
    end)
  end)

  it("is not held up by lines that go on and on", function()
    local started, lines = os.clock(), { "#" .. ("x"):rep(300000) }
    for _, piece in ipairs { "0", "0.", "a/", " ", "[", "a@", ":", "://" } do
      lines[#lines + 1] = ("x" .. piece:rep(8190 / #piece) .. "y"):sub(1, 8192)
      lines[#lines + 1] = "x" .. piece:rep(300000) .. "y"
    end
    local rows = require("lacre.health.targets").read(table.concat(lines, "\n"), "list")
    assert.equal(16, #rows)
    assert.matches("a line of %d+ bytes is not a target", rows[2].error.message)
    assert.is_true(os.clock() - started < 5)
  end)

  it("warns by thresholds, literally or by lifetime", function()
    in_zoo({ "expires-20d", "short-6d" }, function(at, menagerie)
      local function grades(warn, fail)
        local results = judge(menagerie, { at["expires-20d"], at["short-6d"] }, { warn = warn, fail = fail })
        return results[1].grade .. " " .. results[2].grade
      end
      assert.equal("warn warn", grades "30d")
      local told = judge(menagerie, { at["expires-20d"], at["short-6d"] })
      assert.is_nil(told[1].problems[1].message:find "auto")
      assert.matches("try %-%-warn auto", told[2].problems[1].message)
      assert.equal("pass warn", grades "7d")
      assert.equal("pass pass", grades "1d")
      assert.equal("warn pass", grades "auto")
      assert.equal("pass pass", grades "10%")
      assert.equal("warn fail", grades("30d", "10d"))
      assert.equal("fail fail", grades("10d", "30d"))
      local results = judge(menagerie, { at["expires-20d"] .. " warn=1d", at["expires-20d"] .. " fail=25d",
        at["expires-20d"] .. " fail=soon" }, { fail = "1d" })
      assert.same({ "pass", "fail", "TARGET_INVALID" }, { results[1].grade, results[2].grade, results[3].reason })
      assert.matches("^not a threshold: soon %(write 30d, ", results[3].problems[1].message)
    end)
  end)

  it("looks into the future", function()
    in_zoo({ "good" }, function(at, menagerie)
      assert.equal("CERT_EXPIRED", judge(menagerie, { at.good }, { at = "+100d" })[1].reason)
      assert.equal("EXPIRES_SOON", judge(menagerie, { at.good }, { at = time.now() + 70 * DAY })[1].reason)
      assert.equal("CERT_NOT_YET_VALID", judge(menagerie, { at.good }, { at = "2026-01-01" })[1].reason)
    end)
  end)

  it("knows international names, and says them as they stand on the wire", function()
    in_zoo({ "idn" }, function(at, menagerie)
      local results = judge(menagerie, { "B\195\156cher.zoo.test@127.0.0.1:" .. at.idn:match "%d+$", "b\195\188cher.invalid" })
      assert.equal("pass", results[1].grade)
      assert.same({ "DNS_FAILED", "xn--bcher-kva.invalid" },
        { results[2].reason, results[2].problems[1].message:match "^[^:]+" })
    end)
    local sounding = require "lacre.health.sounding"
    for name, said in pairs { ["b\195\188cher.example"] = "xn--bcher-kva.example", ["A.example."] = "a.example", ["2001:db8::a"] = false,
      ["192.0.2.1"] = false } do
      local hello
      sounding.ask({
        write = function(_, bytes)
          hello = bytes
          return require("lacre.error").fail("write", "closed", "closed")
        end, close = function() end,
      }, sounding.questions.hybrid, name)
      assert.equal(said ~= false, hello:find(said or name, 1, true) ~= nil, name)
    end
  end)

  it("takes settings of a target from its line", function()
    in_zoo({ "good", "pin-mismatch", "untrusted-root", "client-cert-13" }, function(at, menagerie)
      local root = pki.file("root.pem", menagerie.pki:trust():to_pem())
      local agent = menagerie.pki:client()
      local chain = agent.cert:to_pem() .. agent.chain[1]:to_pem()
      local crt, private = pki.file("agent.crt", chain), pki.file("agent.key", agent.key:to_pem())
      local pin = judge(menagerie, { at.good })[1].cert:pin()
      local results = assert(health { targets = {
        at.good .. " ca=" .. root, at.good .. " pin=" .. pin .. " ca=" .. root,
        at["pin-mismatch"] .. " pin=" .. pin .. " ca=" .. root,
        at["untrusted-root"] .. " expect=UNTRUSTED_ROOT ca=" .. root .. " label=lab",
        at.good .. " expect=FAIL:CERT_EXPIRED ca=" .. root,
        at["client-cert-13"] .. " ca=" .. root .. " cert=" .. crt .. " key=" .. private,
        "wrong.example@" .. at.good .. " ca=" .. root,
        "nobody.test:" .. at.good:match "%d+$" .. " ip=127.0.0.1 name=good.zoo.test ca=" .. root,
      } })
      local shown = {}
      for i, result in ipairs(results) do
        shown[i] = result.grade .. " " .. tostring(result.reason)
      end
      assert.same({
        "pass nil", "pass nil", "fail PIN_MISMATCH", "pass nil", "fail EXPECTATION_MISSED", "pass nil",
        "fail HOSTNAME_MISMATCH", "pass nil",
      }, shown)
      assert.equal("lab", results[4].target)
      pki.clean()
    end)
  end)

  it("requires more where that is said", function()
    in_zoo({ "tls12", "good" }, function(at, menagerie)
      local results = judge(menagerie, { at.tls12, at.good }, { require = { "tls13" } })
      assert.equal("REQUIREMENT_MISSED", results[1].reason)
      assert.equal("pass", results[2].grade)
      assert.same({ "REQUIREMENT_MISSED" }, judge(menagerie, { at.good }, { require = { "sct" } })[1].reasons)
      assert.same({ "REQUIREMENT_MISSED" }, judge(menagerie, { at.good }, { require = { "hsts" } })[1].reasons)
      assert.same({ "REQUIREMENT_MISSED", "REQUIREMENT_MISSED" },
        judge(menagerie, { at.good }, { require = { "sct", "staple" } })[1].reasons)
      assert.same({ "EXPECTATION_MISSED", "EXPECTATION_MISSED" },
        judge(menagerie, { at.good }, { expect = { "CERT_EXPIRED", "WEAK_KEY" } })[1].reasons)
      assert.equal("TLS_TOO_OLD", judge(menagerie, { at.tls12 }, { min_tls = "1.3" })[1].reason)
    end)
  end)

  it("finds post-quantum key exchange that this OpenSSL may not have", function()
    loop.run(function()
      local raw = require "lacre.zoo.raw"
      local menagerie = assert(zoo.open { only = { "good" } })
      local door = assert(tcp.listen { port = 0 })
      local _, port = door:address()
      local server = loop.spawn(function()
        local plain = door:accept()
        raw.only_group(0x11ec)(plain)
        plain:close()
      end)
      local sounding = require "lacre.health.sounding"
      local answer = assert(sounding.ask(assert(tcp.connect("127.0.0.1", port)), sounding.questions.hybrid, "localhost"))
      assert.equal(0x11ec, answer.group)
      server:join()
      door:close()
      menagerie:close()
    end)
  end)

  it("examines every address, and tells when they differ", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "good" } })
      local first, second = menagerie.pki:identity({}, "a"), menagerie.pki:identity({}, "b")
      local listen = require("lacre.listener").listen
      local doors = { assert(listen { port = 0, identity = first }) }
      local _, port = doors[1]:address()
      doors[2] = assert(listen { host = "127.0.0.2", port = port, identity = second })
      for _, door in ipairs(doors) do
        loop.spawn(function()
          repeat
            local visitor = door:accept()
            if visitor then
              visitor:handshake()
              visitor:close()
            end
          until not visitor
        end)
      end
      local dial = require "lacre.net.dial"
      local resolve = dial.resolve
      dial.resolve = function(host, ...) -- luacheck: ignore
        if host == "twice.zoo.test" then
          return { { address = "127.0.0.1", family = "ipv4" }, { address = "127.0.0.2", family = "ipv4" } }
        elseif host == "broken.zoo.test" then
          return { { address = "127.0.0.1", family = "ipv4" }, { address = "127.0.0.3", family = "ipv4" } }
        elseif host == "half.zoo.test" then
          return { { address = "127.0.0.3", family = "ipv4" }, { address = "127.0.0.1", family = "ipv4" } }
        end
        return resolve(host, ...)
      end
      local broken = judge(menagerie, { ("x.zoo.test@broken.zoo.test:%d"):format(port) }, { all_addresses = true })[1]
      assert.same({ "CONNECT_REFUSED", "HOSTNAME_MISMATCH" }, { unpack(broken.reasons) })
      assert.matches("127.0.0.3", broken.problems[1].message)
      assert.same({ { "HOSTNAME_MISMATCH" }, { "CONNECT_REFUSED" } },
        { broken.addresses[1].reasons, broken.addresses[2].reasons })
      local half = judge(menagerie, { ("localhost@half.zoo.test:%d"):format(port) }, { all_addresses = true })[1]
      assert.same({ "CONNECT_REFUSED" }, half.reasons)
      assert.equal(half.addresses[2].pin, half.cert and half.cert:pin()) -- when it ends does not vanish with one address
      assert.is_true(half.days_left > 1 and half.soonest_not_after ~= nil)
      local results = judge(menagerie, { ("localhost@twice.zoo.test:%d"):format(port) }, { all_addresses = true })
      dial.resolve = resolve -- luacheck: ignore
      assert.same({ "ADDRESSES_DIFFER" }, results[1].reasons)
      assert.equal(2, #results[1].addresses)
      assert.is_true(results[1].addresses[1].pin ~= results[1].addresses[2].pin)
      doors[1]:close()
      doors[2]:close()
      menagerie:close()
    end)
  end)

  it("tells a port where TLS begins at once from one that wants STARTTLS", function()
    in_zoo({ "good", "smtp", "silent", "starttls" }, function(at, menagerie)
      local began = time.monotonic()
      for _, protocol in ipairs { "imap", "ldap", "mysql", "postgres", "smtp", "xmpp" } do
        local result = judge(menagerie, { at.good .. "/" .. protocol }, { timeout = 3 })[1]
        assert.equal("STARTTLS_REFUSED", result.reason)
        assert.equal("TLS begins at once on this port, without STARTTLS of " .. protocol, result.problems[1].message)
        assert.matches("^leave STARTTLS out", result.err.hint)
      end
      assert.is_true(time.monotonic() - began < 6)
      local results = judge(menagerie, { at.smtp, at.silent .. "/smtp", at.starttls .. "/smtp" }, { timeout = 1 })
      assert.equal("NOT_TLS", results[1].reason)
      assert.equal(("the peer speaks SMTP, not TLS: write %s/smtp"):format(at.smtp), results[1].problems[1].message)
      assert.equal("TIMEOUT", results[2].reason)
      assert.equal("pass", results[3].grade)
    end)
  end)

  it("waits a moment for the answer to a question, and says what it does not know", function()
    in_zoo({ "old-ignored", "good" }, function(at, menagerie)
      local began = time.monotonic()
      local result = judge(menagerie, { at["old-ignored"] }, { timeout = 10, deep = true })[1]
      assert.is_true(time.monotonic() - began < 5)
      assert.equal("pass", result.grade)
      assert.equal("OLD_TLS_UNKNOWN", result.notes[#result.notes - 2].code)
      assert.equal("timeout", result.notes[#result.notes - 2].error)
      for _, note in ipairs(judge(menagerie, { at.good })[1].notes) do
        assert.is_true(note.code ~= "OLD_TLS_UNKNOWN")
      end
    end)
    local terms = inquiry.terms({ timeout = 10 }, {}, "127.0.0.1")
    assert.same({ 2, "127.0.0.1" }, { terms.patience, terms.rows[1].address })
    assert.equal(0.2, inquiry.terms({ timeout = 1 }, { connect = 0.01, handshake = 0.02 }).patience)
    assert.equal(5, inquiry.terms({ timeout = 60 }, { connect = 0.25, starttls = 0.25, handshake = 0.5 }).patience)
  end)

  it("waits for the late word of TLS 1.3 as long as the way is", function()
    in_zoo({ "client-cert-13" }, function(at, menagerie)
      local door = assert(tcp.listen { port = 0 })
      local function carry(from, to)
        local bytes = from:receive()
        while bytes do
          loop.sleep(0.2)
          to:write(bytes)
          bytes = from:receive()
        end
        to:close()
      end
      loop.spawn(function()
        local near = door:accept()
        local far = assert(tcp.connect("127.0.0.1", tonumber(at["client-cert-13"]:match "%d+$")))
        loop.spawn(carry, near, far)
        carry(far, near)
      end)
      local _, port = door:address()
      local results = judge(menagerie, { "localhost:" .. port }, { timeout = 8, no_old = true })
      door:close()
      assert.same({ "CLIENT_CERT_REQUIRED" }, results[1].reasons)
    end)
  end)

  it("examines the one address of a name as it does several", function()
    in_zoo({ "silent", "good" }, function(at, menagerie)
      local dial = require "lacre.net.dial"
      local resolve, asked = dial.resolve, 0
      dial.resolve = function(host, ...) -- luacheck: ignore
        asked = asked + 1
        return resolve(host == "two.zoo.test" and "127.0.0.1" or host, ...)
      end
      local first = judge(menagerie, { "localhost@two.zoo.test:" .. at.good:match "%d+$" }, { all_addresses = true })
      dial.resolve = resolve -- luacheck: ignore
      assert.equal("pass", first[1].grade)
      assert.same({ "127.0.0.1" }, { first[1].addresses[1].address })
      assert.is_true(asked >= 1)
    end)
  end)

  it("blames no target where this process has no descriptors left", function()
    local list, port = {}, process.dead_port
    for i = 1, 100 do
      list[i] = ("localhost@127.0.0.%d:%d"):format(i, port)
    end
    local command = (os.getenv "BUILD" or "build/lua5.4") .. "/bin/lacre"
    local root = pki.file("root.pem", pki.root().cert:to_pem())
    local output, code = process.run({ "sh", "-c", "ulimit -n 16; exec " .. command .. " health -f - -j 100 --trust " .. root
      .. " --format csv" }, table.concat(list, "\n"))
    pki.clean()
    assert.same({ 2, 100 }, { code, select(2, output:gsub("\nFAIL,[^,]+,CONNECT_REFUSED,", "")) })
    assert.same({ 101, false }, { select(2, output:gsub("\r\n", "")), output:find("x0d", 1, true) ~= nil })
  end)

  it("ends when its time is over, with a result for each", function()
    in_zoo({ "silent" }, function(at, menagerie)
      local list = {}
      for i = 1, 60 do
        list[i] = at.silent
      end
      local began = time.monotonic()
      local results = judge(menagerie, list, { timeout = 10, deadline = 0.3, concurrency = 2 })
      assert.is_true(time.monotonic() - began < 4)
      judge(menagerie, { at.silent }, { timeout = 10, deadline = 0.3, all_addresses = true })
      assert.is_true(time.monotonic() - began < 8)
      assert.equal(60, #results)
      assert.equal(60, results.counts.fail)
    end)
  end)

  it("limits the time to connect apart, and tells what was waited for", function()
    in_zoo({ "silent" }, function(at, menagerie)
      local full = assert(tcp.listen { port = 0, backlog = 1 })
      local port, queued = select(2, full:address()), {}
      for i = 1, 8 do -- more than it has room for
        queued[i] = core.net.connect("127.0.0.1", port)
      end
      local place = "127.0.0.1:" .. port
      local results = judge(menagerie, { place, place .. " connect_timeout=0.1", at.silent, at.silent .. "/smtp" },
        { connect_timeout = 0.3, timeout = 1.5 })
      assert.equal("CONNECT_TIMEOUT", results[1].reason)
      assert.is_true(results[1].seconds < 0.6 and results[2].seconds < 0.25)
      assert.matches("in the handshake$", results[3].problems[1].message)
      assert.matches("before TLS began$", results[4].problems[1].message)
      for _, socket in ipairs(queued) do
        socket:close()
      end
      full:close()
    end)
  end)

  it("raises what a function of the caller's raises, and examines no list in part", function()
    in_zoo({ "good", "silent" }, function(at, menagerie)
      for _, name in ipairs { "on_count", "on_data", "on_event" } do
        local ok, why = loop.pcall(judge, menagerie, { at.good, at.silent, at.good }, {
          concurrency = 2, format = name == "on_data" and "jsonl" or "table", watch = name == "on_event" and 1 or nil,
          timeout = 1, [name] = function()
            error "boom"
          end,
        })
        assert.same({ false, "boom" }, { ok, tostring(why):match "boom$" }, name)
      end
      assert.is_true(judge(menagerie, { at.good }).interrupted == false)
    end)
  end)

  it("is told at once what it cannot take", function()
    for _, given in ipairs {
      { 5 }, { true }, { {} }, { targets = 5 }, { targets = print }, { "a", output = { 5 } }, { "a", require = { {} } },
      { "a", expect = 5 }, { file = { 5 } },
    } do
      local ok, why = pcall(health, given)
      assert.is_false(ok)
      assert.matches("^spec/health_spec.lua:%d+: bad option '%l+' to 'tool.health' %(list of strings expected, got", why)
    end
    for _, moment in ipairs { 1e300, -1, "+99999999y" } do
      assert.equal("bad_time", select(2, health { "a", at = moment }).code)
    end
  end)

  it("counts on while nothing comes", function()
    in_zoo({ "good", "silent" }, function(at, menagerie)
      local counts = {}
      judge(menagerie, { at.good, at.silent }, { timeout = 1, on_count = function(done, total)
        counts[#counts + 1] = done .. "/" .. total
      end })
      assert.is_true(#counts >= 4)
      local all = table.concat(counts, " ")
      assert.matches("1/2 1/2 .*2/2$", all) -- a tick may come between the last answer and the end
    end)
  end)

  it("tells what it knows when it is interrupted", function()
    in_zoo({ "silent", "good" }, function(at, menagerie)
      local list = { at.good, at.silent, at.silent, at.good }
      loop.spawn(function()
        loop.sleep(1)
        io.popen("kill -INT " .. core.signals.process()):close() -- os.execute would ignore the signal meanwhile
      end)
      local outputs, events = { "json", "junit", "prometheus", "csv", "jsonl" }, {}
      local paths = {}
      for i, form in ipairs(outputs) do
        paths[form] = pki.file("interrupted." .. form, "old")
        outputs[i] = form .. ":" .. paths[form]
      end
      local results = judge(menagerie, list, { timeout = 10, concurrency = 2, output = outputs, on_event = function(text)
        events[#events + 1] = text
      end })
      assert.is_true(results.interrupted)
      assert.equal("pass", results[1].grade)
      assert.equal(130, health.failed(results))
      assert.matches('"interrupted":true', assert(file.read(paths.json)))
      assert.matches("interrupted after %d of 4 targets", assert(file.read(paths.junit)))
      for i, form in ipairs { "prometheus", "csv", "jsonl" } do
        assert.equal("old", file.read(paths[form]), form)
        assert.equal(paths[form] .. " is left as it was: the run was interrupted", events[i])
      end
      pki.clean()
    end)
  end)

  it("watches until it is interrupted, and tells each round", function()
    in_zoo({ "good" }, function(at, menagerie)
      local rounds = {}
      loop.spawn(function()
        loop.sleep(1.5)
        io.popen("kill -INT " .. core.signals.process()):close()
      end)
      local results = judge(menagerie, { at.good }, { watch = 0.1, on_event = function(text)
        rounds[#rounds + 1] = text
      end })
      assert.is_true(results.interrupted)
      assert.is_true(#rounds >= 2)
      assert.matches("1 target: 1 PASS", rounds[1])
      assert.same({}, results[1].changes or {})
    end)
  end)

  it("tells in a watch what changed, and only that", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "good" } })
      local listen, reception = require("lacre.listener").listen, require "lacre.net.reception"
      local settings = require "lacre.tls.settings"
      local server = assert(listen { port = 0, identity = menagerie.pki:identity({}, "first") })
      local door = reception.open(server, function(visitor)
        if visitor:handshake() then
          visitor:receive()
        end
      end)
      local rounds = {}
      local list = { "localhost:" .. select(2, server:address()), "localhost:" .. menagerie.entries[1].port }
      judge(menagerie, list, { watch = 0.1, on_event = function(text)
        rounds[#rounds + 1] = text
        if #rounds == 2 then
          server:set_context(assert(settings.server { identity = menagerie.pki:identity({ days = { -80, 5 } }, "second") }))
        elseif #rounds == 4 then
          io.popen("kill -INT " .. core.signals.process()):close()
        end
      end })
      door:close()
      menagerie:close()
      assert.matches("^PASS .-\nPASS .-\n2 targets: 2 PASS", rounds[1])
      assert.matches("^%S+Z  2 targets: 2 PASS", rounds[2])
      assert.matches("^WARN .-EXPIRES_SOON.-\nchanged localhost:%d+: WARN, was PASS .-\nchanged .-another certificate\n", rounds[3])
      assert.matches("\nchanged .-: key sha256//%S+, was sha256//%S+\n%S+Z  2 targets: 1 PASS, 1 WARN", rounds[3])
      assert.matches("^%S+Z  2 targets: 1 PASS, 1 WARN", rounds[4])
    end)
  end)

  it("remembers, and tells what changed", function()
    in_zoo({ "good", "expired" }, function(at, menagerie)
      local path = pki.file("state.json", "")
      os.remove(path)
      local first = judge(menagerie, { at.good .. " label=a", at.good .. " label=b" }, { state = path })
      assert.is_nil(first[1].changes)
      local second = judge(menagerie, { at.good .. " label=a", at.expired .. " label=c" }, { state = path })
      assert.same({}, second[1].changes)
      assert.same({ "new" }, second[2].changes)
      assert.same({ "b" }, second.gone)
      local third = judge(menagerie, { at.expired .. " label=a" }, { baseline = path })
      assert.equal("FAIL, was PASS (CERT_EXPIRED)", third[1].changes[1])
      assert.matches("another certificate", third[1].changes[2])
      assert.matches("^key sha256//.* was sha256//", third[1].changes[3])
      pki.file("nonsense.json", "{}")
      local results, err = health { targets = { at.good }, trust = menagerie.pki:trust(), baseline = path .. ".no" }
      assert.is_nil(results)
      assert.equal("file_not_found", err.code)
      for _, text in ipairs {
        "{}", "null", "[]", "{", '{"v":1,"targets":{"a":5}}', '{"v":1,"targets":{"a":{}}}', ("["):rep(300000),
        '{"v":1,"targets":{"a":{"grade":"pass","pin":[]}}}', '{"v":1,"targets":{"a":{"grade":"pass","not_after":"x"}}}',
      } do
        results, err = health { targets = { at.good }, trust = menagerie.pki:trust(), state = pki.file("bad.json", text) }
        assert.is_nil(results)
        assert.truthy(err.code == "bad_state" or err.code == "bad_json", err.code)
      end
      pki.clean()
    end)
  end)

  it("tells servers of one name apart, and remembers what is listed twice", function()
    in_zoo({ "good" }, function(at, menagerie)
      local port, path = at.good:match "%d+$", pki.file("state.json", "")
      os.remove(path)
      local list = {
        "good.zoo.test@127.0.0.1:" .. port, "good.zoo.test@127.0.0.2:" .. port, "good.zoo.test:" .. port .. " ip=127.0.0.1",
        at.good .. " label=x", at.good .. " label=x expect=CERT_EXPIRED",
      }
      local results, shown = judge(menagerie, list, { state = path }), {}
      for i, result in ipairs(results) do
        shown[i] = result.target:gsub(":%d+$", "")
      end
      assert.same({ "good.zoo.test@127.0.0.1", "good.zoo.test@127.0.0.2", "good.zoo.test@127.0.0.1", "x", "x" }, shown)
      for _, result in ipairs(judge(menagerie, list, { state = path })) do
        assert.same({}, result.changes)
      end
      pki.clean()
    end)
  end)

  it("tells a renewal from a change", function()
    local memoir = require "lacre.health.memoir"
    local ca = pki.root()
    local old, new = pki.issue(ca, { valid_for = "10d" }), pki.issue(ca, { valid_for = "90d" })
    local function result(identity)
      return { target = "a", grade = "pass", reasons = {}, cert = identity.cert, notes = {} }
    end
    local before = memoir.of { result(old) }
    local after = result(new)
    local changes = memoir.changes(after, before.a)
    assert.matches("^certificate renewed until", changes[1])
    assert.equal("RENEWED", after.notes[1].code)
    local part = { interrupted = true }
    memoir.compare(part, before)
    assert.same({}, part.gone)
  end)

  it("tells what changed behind an outage, and a problem that became another", function()
    local memoir = require "lacre.health.memoir"
    local ca = pki.root()
    local function result(grade, reason, identity)
      return { target = "a", grade = grade, reason = reason, reasons = { reason }, cert = identity and identity.cert, notes = {} }
    end
    local up = memoir.of { result("pass", nil, pki.issue(ca)) }
    local down = memoir.of({ result("fail", "CONNECT_REFUSED") }, up)
    assert.same({ up.a.sha256, up.a.pin }, { down.a.sha256, down.a.pin })
    local other = pki.issue(ca)
    local changes = memoir.changes(result("pass", nil, other), down.a)
    assert.same({ "PASS, was FAIL", "another certificate",
      ("key %s, was %s"):format(other.cert:pin(), up.a.pin) }, changes)
    assert.same({ "FAIL for CERT_EXPIRED, was for CONNECT_REFUSED" }, memoir.changes(result("fail", "CERT_EXPIRED"), down.a))
    assert.same({}, memoir.changes(result("fail", "CONNECT_REFUSED"), down.a))
  end)

  it("divides a list into shards, each target in one of them", function()
    local rows = {}
    for i = 1, 200 do
      rows[i] = assert(target.parse("host" .. i .. ".example"))
    end
    local seen = {}
    for index = 1, 8 do
      local mine = targets.shard(rows, { index = index, count = 8 })
      assert.is_true(#mine > 10 and #mine < 40)
      for _, row in ipairs(mine) do
        assert.is_nil(seen[row.text])
        seen[row.text] = true
      end
    end
    local count = 0
    for _ in pairs(seen) do
      count = count + 1
    end
    assert.equal(200, count)
  end)

  it("could not run without targets, with a file that is not there, or with nonsense", function()
    for _, given in ipairs {
      {}, { shard = "1/2" }, { file = { "/no/such/file" } }, { "./no/such/file" }, { "/no/such/file" }, { "a", warn = "soon" }, { "a", at = "later" }, { "a", require = { "beauty" } },
      { "a", output = { "papyrus" } }, { "a", shard = "9/8" }, { "a", pin = { "sha1/abc" } },
    } do
      local results, err = health(given)
      if results then
        assert.equal("TARGET_INVALID", results[1] and results[1].reason)
      else
        assert.truthy(err.code)
      end
    end
    assert.has_error(function()
      health { "a", concurency = 3 }
    end, "bad option 'concurency' to 'tool.health' (unknown; did you mean 'concurrency'?)")
  end)

  it("explains its reasons", function()
    for _, row in ipairs(health_codes.list) do
      assert.equal(row, assert(health { explain = row.code }).explained)
      assert.matches("%.$", row.meaning)
    end
    assert.is_nil((health { explain = "NOTHING" }))
  end)
end)

describe("targets", function()
  local cases = {
    { "example.com", "example.com", 443 },
    { "example.com:8443", "example.com", 8443 },
    { "[2001:db8::1]:8443", "2001:db8::1", 8443 },
    { "2001:db8::1", "2001:db8::1", 443 },
    { "https://example.com/path?q", "example.com", 443 },
    { "https://example.com:8443", "example.com", 8443 },
    { "smtp://mail.example", "mail.example", 25, "smtp" },
    { "imaps://mail.example", "mail.example", 993 },
    { "mail.example:587/smtp", "mail.example", 587, "smtp" },
    { "mail.example/imap", "mail.example", 143, "imap" },
    { "postgres://db.example", "db.example", 5432, "postgres" },
    { "a.example@192.0.2.7", "192.0.2.7", 443, nil, "a.example" },
    { "a.example@[::1]:8443", "::1", 8443, nil, "a.example" },
    { "[fe80::1%eth0]:8443", "fe80::1%eth0", 8443 }, { "a.example@[fe80::1%eth0.2]", "fe80::1%eth0.2", 443, nil, "a.example" },
  }
  for _, case in ipairs(cases) do
    it("reads " .. case[1], function()
      local row = assert(target.parse(case[1]))
      assert.same({ case[2], case[3] }, { row.host, row.port })
      assert.equal(case[4], row.starttls)
      assert.equal(case[5], row.name)
    end)
  end

  for _, text in ipairs { "", "a b", "host:99999", "host:port", "gopher://a", "a:25/nonsense", "@a", "a@", "host:0", "label=x",
    "www.example:443:smtp", "root:*:20228:0:99999:7:::", "[2001:db8::1", "[group", "[]", ".", "./hosts" } do
    it(("refuses %q"):format(text), function()
      local row, err = target.parse(text)
      assert.is_nil(row)
      assert.equal("bad_name", err.code)
    end)
  end

  it("reads ranges of addresses, each an own target", function()
    local function texts(list)
      local out = {}
      for i, row in ipairs(assert(targets.gather(list))) do
        out[i] = row.error and "error" or row.text
      end
      return table.concat(out, " ")
    end
    assert.equal("192.0.2.4:8443 192.0.2.5:8443 192.0.2.6:8443 192.0.2.7:8443", texts { "192.0.2.5/30:8443" })
    assert.equal("192.0.2.9 192.0.2.10", texts { "192.0.2.9-10" })
    assert.equal("a.example@192.0.2.1:443 a.example@192.0.2.2:443", texts { "a.example@192.0.2.1-2:443" })
    assert.equal("error", texts { "10.0.0.0/8" })
    assert.equal("error", texts { "192.0.2.9-3" })
    assert.equal("error", texts { "192.0.2.9-300" })
    assert.equal("192.0.2.9:25/smtp", texts { "192.0.2.9:25/smtp" })
  end)

  it("refuses settings that mean nothing, here and for the whole run", function()
    for _, word in ipairs { "min_tls=9", "require=tls13,beauty", "ocsp=maybe", "expect=NONSENSE", "timeout=0", "timeout=x",
      "nonsense=1", "nonsense", "pin=", "pin=,", "ca=", "label=", "warn=" } do
      local row = targets.read("a.example " .. word)[1]
      assert.equal("bad_name", row.error and row.error.code, word)
    end
    for _, word in ipairs { "min-tls=1.3", "require=tls13,pq", "expect=FAIL:CERT_EXPIRED", "timeout=5", "timeout=5s" } do
      assert.is_nil(targets.read("a.example " .. word)[1].error, word)
    end
    local _, err = health { "a.example", expect = { "NONSENSE" } }
    assert.same({ "bad_name", "see lacre health --help for the targets it takes" }, { err.code, err.hint })
  end)

  it("adds up what may be repeated on a line, and refuses what may not", function()
    local rows = targets.read "[g] expect=NO_AEAD warn=9d\na expect=CERT_EXPIRED,REVOKED expect=SELF_SIGNED warn=3d\nb\nc warn=3d warn=4d"
    assert.same({ { "CERT_EXPIRED", "REVOKED", "SELF_SIGNED" }, "3d" }, { rows[1].set.expect, rows[1].set.warn })
    assert.same({ { "NO_AEAD" }, "9d" }, { rows[2].set.expect, rows[2].set.warn })
    assert.matches("%(write the port as host:8443%)$", targets.read("a 8443")[1].error.message)
    assert.equal("warn= is given twice", rows[3].error and rows[3].error.message)
  end)

  it("reads lists with comments, groups and settings", function()
    local rows = targets.read("\239\187\191# hosts\r\na.example # the first\r\n\r\n[mail] starttls=smtp warn=14d\r\n"
      .. "m.example:25\r\nn.example:587 warn=7d\r\n[plain]\r\nbad host=1\r\n", "hosts.txt")
    assert.same({ "a.example", "m.example:25", "n.example:587", "bad" },
      { rows[1].text, rows[2].text, rows[3].text, rows[4].text })
    assert.same({ 2, 5, 6, 8 }, { rows[1].line, rows[2].line, rows[3].line, rows[4].line })
    assert.same({ "smtp", "14d", "mail" }, { rows[2].starttls, rows[2].set.warn, rows[2].group })
    assert.equal("7d", rows[3].set.warn)
    assert.truthy(rows[4].error)
    assert.equal("hosts.txt", rows[4].file)
    rows = targets.read "[one] warn=14d\na\n[B\195\188ro]\nb\n[192.0.2.1]:443\n[2001:db8::1]:443\n"
    assert.same({ nil, "B\195\188ro" }, { rows[2].set.warn, rows[2].group })
    assert.same({ "192.0.2.1", "2001:db8::1" }, { rows[3].host, rows[4].host })
    rows = targets.read('a label="the shop" ca="our ca.pem"  warn=1d # "b"\nb label="c\nd label="c"d\n[x] ' .. ("e=f "):rep(9999))
    assert.same({ label = "the shop", ca = "our ca.pem", warn = "1d" }, rows[1].set)
    assert.same({ '"c', '"c"d' }, { rows[2].set.label, rows[3].set.label })
    local said = targets.read 'a label="b # c" # d="e"\na label=5" # b"\n  # label="\na #\n'
    assert.same({ "b # c", '5"', 3 }, { said[1].set.label, said[2].set.label, #said })
    assert.truthy(rows[4].error)
  end)
end)

describe("thresholds", function()
  local cases = {
    { "30d", 90, 30 }, { "30d", 6, 30 }, { "33%", 90, 29.7 }, { "30d,10%", 90, 9 }, { "auto", 90, 30 }, { "auto", 398, 30 },
    { "auto", 6, 2 }, { "12h", 90, 0.5 }, { 86400, 90, 1 },
  }
  for _, case in ipairs(cases) do
    it(("%s of %d days"):format(case[1], case[2]), function()
      assert.is_true(math.abs(threshold.seconds(assert(threshold.parse(case[1])), case[2] * DAY) - case[3] * DAY) < 1)
    end)
  end

  it("are refused where they mean nothing", function()
    for _, text in ipairs { "", "soon", "30", "200%", "30d,x", -1 } do
      assert.is_nil((threshold.parse(text)))
    end
  end)
end)

describe("the strength of a certificate's key", function()
  local function strength_of(made)
    return ("%s %d"):format(assert(cert.create { key = made, hosts = { "a.test" } }):key_strength())
  end

  local cases = { p256 = "ec 256", p384 = "ec 384", p521 = "ec 528", ["rsa:2048"] = "rsa 2048", ed25519 = "other 0" }
  for kind, expected in pairs(cases) do
    it("is known of " .. kind, function()
      assert.equal(expected, strength_of(key.generate(kind)))
    end)
  end

  it("is nothing where the key is nonsense", function()
    local der = assert(cert.create { key = key.generate "rsa:2048", hosts = { "a.test" } }):to_der()
    local at = assert(der:find("\48\130\1\10\2\130\1\1\0", 1, true)) -- RSAPublicKey and its modulus
    for i = at, at + 8 do
      for _, octet in ipairs { 0, 2, 48, 127, 128, 130, 255 } do
        local broken = cert.parse(der:sub(1, i - 1) .. string.char(octet) .. der:sub(i + 1))
        local kind, bits = assert(broken):key_strength()
        assert.is_true(kind == "rsa" and bits >= 0 and bits <= 2056)
      end
    end
  end)
end)

describe("the rules of chains", function()
  local chain_rules = require "lacre.health.diagnosis.chain"

  local function reasons(leaf, set)
    local out = findings.new()
    local all = { now = time.now(), warn = threshold.parse "30d" }
    for name, value in pairs(set or {}) do
      all[name] = value
    end
    chain_rules.check(out, { chain = { leaf }, verified_chain = { leaf } }, all)
    local list = {}
    for _, problem in ipairs((out:sorted())) do
      list[#list + 1] = problem.code
    end
    return table.concat(list, " ")
  end

  it("know how long public CAs may issue, and leave private ones alone", function()
    local private = key.generate "p256"
    local function lived(from, days)
      local start = time.parse(from)
      return assert(cert.create { key = private, hosts = { "a.test" }, not_before = start, not_after = start + days * DAY })
    end
    local now = time.parse "2026-08-01"
    assert.equal("LIFETIME_TOO_LONG", reasons(lived("2026-05-01", 300.5), { is_public = true, now = now }))
    assert.equal("", reasons(lived("2026-05-01", 300), { is_public = false, now = now }))
    assert.equal("", reasons(lived("2026-05-01", 199), { is_public = true, now = now }))
    assert.equal("", reasons(lived("2026-03-01", 398), { is_public = true, now = now }))
  end)

  it("know keys that are too large", function()
    local fake = setmetatable({}, { __index = function(_, name)
      return ({
        key_strength = function() return "rsa", 8192 end,
        names_issuer = function() return false end,
        raw_extension = function() return nil end,
        not_after = function() return time.now() + 90 * DAY end,
        not_before = function() return time.now() end,
        signature_algorithm = function() return "sha256WithRSAEncryption" end,
        hosts = function() return { "a" } end,
        scts = function() return {} end,
        subject = function() return "CN=a" end,
        issuer = function() return "CN=b" end,
        is_self_issued = function() return false end,
      })[name]
    end })
    assert.equal("OVERSIZED_KEY", reasons(fake))
  end)
end)

describe("lacre health", function()
  local command = (os.getenv "BUILD" or "build/lua5.4") .. "/bin/lacre"
  local server, root, ports

  setup(function()
    root = pki.file("zoo.pem", "")
    server = process.start { command, "zoo", "good", "expires-20d", "expired", "--ca", root }
    ports = {}
    for _ = 1, 200 do
      local output = server:output()
      for name, port in output:gmatch "([%w-]+)%s+https://localhost:(%d+)" do
        ports[name] = port
      end
      if output:find "front door" then
        break
      end
      os.execute "sleep 0.05"
    end
  end)

  teardown(function()
    server:stop()
    pki.clean()
  end)

  local function run(...)
    local words = { command, "health", "--trust", root }
    for _, word in ipairs { ... } do
      words[#words + 1] = word
    end
    return process.run(words)
  end

  local function host(name)
    return "localhost:" .. ports[name]
  end

  it("exits with 0, 1, 2 and 3", function()
    local cases = {
      { 0, host "good", "-t", "5" }, { 1, host "expires-20d" }, { 2, host "expired" }, { 2, host "good", host "expired" },
      { 0, host "expires-20d", "--fail-on", "fail" }, { 2, host "expires-20d", "--fail-on", "warn" },
      { 0, host "expired", "--fail-on", "never" }, { 3 }, { 3, "--bogus" }, { 3, "-f", "/no/such/file" },
      { 3, host "good", "--warn", "x" }, { 3, host "good", "--timeout", "x" },
      { 3, host "good", "--watch", "0" }, { 3, host "good", "-t", "0" }, { 3, "--serve", "localhost" }, { 3, "--serve", "::1" },
      { 3, "--serve", "0", "--watch", "1s" }, { 3, "--serve", "0", "-o", "csv" }, { 3, "--serve", "0", "--interval", "0" },
      { 3, host "good", "-j", "0" }, { 3, host "good", "--retries=-1" },
      { 3, host "good", "--trust", "/no/such/ca.pem" }, { 3, host "good", "--pin", "nonsense" },
      { 3, host "good", "--cert", root, "--key", "/no/such.key" }, { 2, host "good" .. " ca=/no/such/ca.pem" },
    }
    for _, case in ipairs(cases) do
      local output, code = run(unpack(case, 2)) -- luacheck: ignore
      assert.equal(case[1], code, table.concat(case, " ") .. "\n" .. output)
    end
  end)

  it("prints a line a target and a summary", function()
    local output = run(host "good", host "expired")
    assert.matches("^PASS  localhost:%d+  TLSv1%.3 ", output)
    assert.matches("\nFAIL  localhost:%d+  TLSv1%.3 .* CERT_EXPIRED expired 20", output)
    assert.matches("2 targets: 1 PASS, 0 WARN, 1 FAIL in", output)
    assert.is_nil(output:find("\27", 1, true))
  end)

  it("blames no name where this process has no descriptors left to resolve it", function()
    local output = process.run({ "sh", "-c", "ulimit -n 20; exec " .. process.line {
      command, "health", "--trust", root, "-f", "-", "-j", "500", "--format", "csv" } }, ("localhost:%d\n"):format(process.dead_port):rep(1000))
    assert.equal(1000, select(2, output:gsub("\nFAIL,localhost:%d+,CONNECT_REFUSED,", "")))
  end)

  it("prints the rounds of a watch where results belong, and complains of a disk that is full", function()
    local line = ("%s health --trust %s %s "):format(command, root, host "good")
    local function shell(rest)
      return process.run { "sh", "-c", line .. rest }
    end
    local output = shell "--watch 0.3s --color always 2>/dev/null & sleep 1; kill -INT $!; wait"
    assert.matches("^\27%[32mPASS\27%[0m  localhost.-1 target: 1 PASS.-Z  \27%[0m\27%[1m1 target: 1 PASS", output)
    assert.equal(1, select(2, output:gsub("TLSv1", "")))
    for _, rest in ipairs { "", "--format jsonl ", "--watch 0.1s ", "-o csv " } do
      local said, code = shell(rest .. "2>&1 >/dev/full")
      assert.matches("standard output cannot be written", said)
      assert.equal(3, code, rest)
    end
  end)

  it("is quiet where all is well, and only there", function()
    assert.same({ "", 0 }, { run(host "good", "-q") })
    local output, code = run(host "good", host "expired", "-q", "-p")
    assert.matches("^FAIL  localhost.-CERT_EXPIRED.-2 targets", output)
    assert.equal(2, code)
    assert.matches('"worst": *"WARN"', (run(host "expires-20d", "-q", "--json")))
  end)

  it("prints what it found where it cannot be saved", function()
    for _, what in ipairs { "-o junit:/dev/full", "--state /no/such/directory/state" } do
      local output, code = process.run { "sh", "-c", ("%s health --trust %s %s %s"):format(command, root, host "good", what) }
      assert.matches("1 target: 1 PASS.-lacre: [%l_]+: ", output)
      assert.equal(3, code)
    end
  end)

  it("has a line for a monitor, whatever keeps it from answering", function()
    for _, words in ipairs {
      { "--bogus", "--format", "nagios" }, { "x", "--format=nagios", "-t", "x" }, { "--format", "nagios", "-j", "x", "x" },
      { "--format", "nagios" },
    } do
      local output, code = process.run { "sh", "-c", process.line { command, "health", unpack(words) } .. " 2>/dev/null" }
      assert.matches("^TLS UNKNOWN: [^\n]+\n$", output)
      assert.equal(3, code)
    end
  end)

  it("takes no file or directory for a list because it is called as a host is", function()
    local directory = process.directory()
    local place = "localhost:" .. process.dead_port
    local other = "127.0.0.1:" .. place:match "%d+"
    os.execute("mkdir " .. directory .. "/" .. place)
    process.write(directory .. "/" .. other, "x.invalid\n")
    process.write(directory .. "/list", place .. "\n" .. other .. "\n")
    local line = "cd " .. directory .. " && " .. os.getenv "PWD" .. "/" .. command .. " health --format csv --trust " .. root
    for _, case in ipairs { { place, 1 }, { other, 1 }, { "./list", 2 } } do
      local output = process.run { "sh", "-c", line .. " " .. case[1] }
      assert.equal(case[2], select(2, output:gsub("\nFAIL,[%w.]+:%d+,CONNECT_REFUSED", "")), output)
    end
    process.remove(directory)
  end)

  it("reads a list from standard input", function()
    local output, code = process.run({ command, "health", "--trust", root, "-f", "-" }, "# two\n" .. host "good" .. "\n")
    assert.equal(0, code, output)
    assert.matches("1 target: 1 PASS", output)
    output, code = process.run { "sh", "-c", process.line { command, "health", "-f", "-" } .. " < /" }
    assert.matches("lacre: io_error: standard input cannot be read: ", output)
    assert.equal(3, code)
  end)
end)
