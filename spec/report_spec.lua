local core = require "lacre.core"
local exporter = require "lacre.health.exporter"
local formats = require "lacre.report.formats"
local health_options = require "lacre.health.options"
local http = require "lacre.http"
local json = require "lacre.report.json"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local plain = require "lacre.plain"
local process = require "spec.support.process"
local results = require "spec.support.results"
local targets = require "lacre.health.targets"
local time = require "lacre.time"
local tool = require "lacre.tool.health"
local zoo = require "lacre.zoo"

core.signals.watch "WINCH"
core.signals.forget "WINCH"

local function render(name, set)
  return assert(formats.render(name, results.made(), set))
end

local has = process.has

describe("the forms of results", function()
  it("are all there, and end with a line feed", function()
    for _, name in ipairs(formats.names) do
      assert.matches("\n$", render(name), name)
    end
  end)

  it("table: tells a person what is wrong, without control characters", function()
    local text = render "table"
    assert.matches("^PASS  good%.example:443", text)
    assert.matches("\nFAIL  =cmd.- HOSTNAME_MISMATCH quote .- %(%+1: EXPIRES_SOON%)\n", text)
    assert.matches("4 targets: 1 PASS, 1 WARN, 2 FAIL in 1%.50 s; first to expire: good", text)
    local colored = render("table", { style = require("lacre.report.style").new(true) })
    assert.matches("\27%[31mFAIL\27%[0m", colored)
    assert.matches("\27%[31mHOSTNAME_MISMATCH\27%[0m quote [^\n]*\27%[2m  %(%+1: EXPIRES_SOON%)\27%[0m\n", colored)
    assert.equal(text, (colored:gsub("\27%[%d+m", "")))
    assert.is_nil(render("table", { problems_only = true }):find "good.example:443  TLS")
  end)

  it("table: columns are as wide as their letters, and what was expected is told", function()
    local list = results.made()
    list[1].target = "b\195\188cher.example:443"
    list[1].notes = { { code = "CERT_EXPIRED", severity = "info", message = "expired", expected = true } }
    local first, second = assert(formats.render("table", list)):match "^(.-)\n(.-)\n"
    assert.equal(#first:match "^(.-)TLSv" - 1, #second:match "^(.-)TLSv")
    assert.matches("as expected: CERT_EXPIRED$", first)
    list[1].target = "\230\151\165\230\156\172.\237\149\156\234\181\173.\240\159\153\130" -- two columns each
    first, second = assert(formats.render("table", list)):match "^(.-)\n(.-)\n"
    assert.equal(#first:match "^(.-)TLSv" - #list[1].target + 12, #second:match "^(.-)TLSv")
    list[1].target = "b\195\188cher.example:443"
    for _, name in ipairs { "html", "markdown" } do
      assert.matches("as expected: CERT_EXPIRED", formats.render(name, list), name)
    end
    list[1].addresses = { { address = "192.0.2.1", grade = "pass", reasons = {} },
      { address = "192.0.2.2", grade = "fail", reasons = { "CERT_EXPIRED" } } }
    assert.matches("\n      PASS  192.0.2.1\n      FAIL  192.0.2.2  CERT_EXPIRED\n", (formats.render("table", list)))
  end)

  it("json and jsonl: the same objects, in one document and in lines", function()
    local whole = assert(json.decode(render "json"))
    assert.equal(4, #whole.results)
    assert.equal("FAIL", whole.worst)
    local lines = {}
    for line in render("jsonl"):gmatch "[^\n]+" do
      lines[#lines + 1] = assert(json.decode(line))
    end
    assert.equal(4, #lines)
    assert.equal(results.nasty, lines[2].problems[1].message)
    assert.same(whole.results[1].cert.san, lines[1].cert.san)
    assert.equal("connection_refused", lines[4].error.code)
  end)

  it("csv: RFC 4180, and no formula for a spreadsheet", function()
    local text = render "csv"
    local header, first, second = text:match "^(.-)\r\n(.-)\r\n(.-)\r\n"
    assert.matches("^verdict,target,reason,", header)
    assert.matches("^PASS,good.example:443,,,,1.3,", first)
    assert.matches("^FAIL,'=cmd|' /C calc'!A0,HOSTNAME_MISMATCH,", second)
    assert.truthy(text:find('"quote "" less', 1, true))
  end)

  it("junit: failures, errors, and warnings that pass", function()
    local text = render "junit"
    assert.matches('<testsuites name="lacre health" tests="4" failures="1" errors="1"', text)
    assert.matches('<error type="CONNECT_REFUSED"', text)
    assert.matches("<system%-out>NO_AEAD: old</system%-out>", text)
    assert.matches('<failure type="NO_AEAD"', render("junit", { fail_on = "warn" }))
    assert.is_nil(text:find("less <", 1, true))
    if has "xmllint" then
      for _, report in ipairs { text, render("junit", { fail_on = "warn" }) } do
        local output, code = process.run({ "xmllint", "--noout", "--schema", "spec/support/junit.xsd", "-" }, report)
        assert.equal(0, code, output)
      end
    end
  end)

  it("nagios: one status line, perfdata that its guidelines allow", function()
    local text = render "nagios"
    local line = text:match "^[^\n]+"
    assert.matches("^TLS CRITICAL: 2 FAIL, 1 WARN of 4; =cmd", line)
    local _, bars = line:gsub("|", "")
    assert.equal(1, bars)
    assert.matches("'good%.example:443'=%d+s;2592000:;0: ", line)
    assert.matches("fail=2;;0 warn=1;0 time=1%.500s$", line)
    local twice = results.made()
    twice[2].target, twice[1].fatal = "good.example:443", 86400
    line = assert(formats.render("nagios", twice)):match "^[^\n]+"
    assert.matches("| 'good%.example:443'=%d+s;2592000:;86400: fail=2", line)
    local warned, said = results.made(), {}
    local cases = { { "warn", "warn" }, { "fail", "warn" }, { "fail", "never" }, { "fail", "fail" }, { "warn" }, {} }
    for i, case in ipairs(cases) do
      warned.worst = case[1]
      said[i] = formats.render("nagios", warned, { fail_on = case[2] }):match "^TLS (%u+)"
    end
    assert.same({ "CRITICAL", "CRITICAL", "OK", "CRITICAL", "WARNING", "OK" }, said)
    warned.worst = "warn"
    assert.matches("^TLS OK", formats.render("nagios", warned, { fail_on = "fail" }))
  end)

  it("github: annotates the lines of the list", function()
    local text = render "github"
    assert.matches("^::error file=hosts%%2C old%%3A1%.txt,line=17,title=HOSTNAME_MISMATCH::", text)
    assert.matches("line%%0Aend %%25 back", text)
    assert.matches("\n::warning title=NO_AEAD::warn.example:443: old\n", text)
  end)

  it("sarif: rules, and results at the lines of the list", function()
    local run = assert(json.decode(render "sarif")).runs[1]
    assert.equal("lacre", run.tool.driver.name)
    assert.equal(4, #run.results)
    local one = run.results[1]
    assert.equal("HOSTNAME_MISMATCH", one.ruleId)
    assert.equal("HOSTNAME_MISMATCH", run.tool.driver.rules[one.ruleIndex + 1].id)
    assert.equal(17, one.locations[1].physicalLocation.region.startLine)
    assert.equal("warning", run.results[2].level)
    local none = results.made()
    for i = #none, 1, -1 do
      none[i] = nil
    end
    assert.matches('"results": *%[%]', assert(formats.render("sarif", none)))
  end)

  it("prometheus: metrics that a collector takes", function()
    local text = render "prometheus"
    assert.matches('tls_health_status{target="good.example:443"} 0\n', text)
    assert.matches('tls_health_reason{target="=cmd|\' /C calc\'!A0",code="HOSTNAME_MISMATCH",severity="fail"} 1\n', text)
    assert.matches('probe_success{target="dead.example:443"} 0\n', text)
    assert.matches('tls_cert_not_after_timestamp_seconds{target="=cmd', text) -- also of one that fails
    assert.matches("tls_health_last_run_timestamp_seconds 1800000001\n", text)
    local typed = {}
    for line in text:gmatch "[^\n]+" do
      local name = line:match "^# TYPE (%S+) gauge$"
      typed[name or ""] = true
      if not line:find "^#" then
        assert.is_true(typed[line:match "^[%w_]+"], line)
        assert.matches("} %-?[%d.]+$", (line:gsub("^([%w_]+) ", "%1{} ")))
      end
    end
    if has "promtool" then
      local output = process.run({ "promtool", "check", "metrics" }, text)
      assert.is_nil(output:find "error", output)
    end
  end)

  it("html: one page that needs nothing and hides nothing", function()
    local text = render "html"
    assert.is_nil(text:find "<script")
    assert.is_nil(text:find "https?://")
    assert.is_nil(text:find("less <", 1, true))
    assert.truthy(text:find("quote &quot; less &lt;", 1, true))
    assert.truthy(text:find "HOSTNAME_MISMATCH")
    assert.truthy(text:find "EXPIRES_SOON")
  end)

  it("html: what each reason means, once, and the verdicts to choose from", function()
    local list = results.made()
    list[2].addresses = { { address = "192.0.2.1", grade = "pass", reasons = {} },
      { address = "192.0.2.2", grade = "fail", reasons = { "HOSTNAME_MISMATCH" } } }
    local text = formats.render("html", list)
    local links = 0
    for code in text:gmatch 'href="#([%u_]+)"' do
      links = links + 1
      assert.equal(1, select(2, text:gsub(('<dt id="%s"'):format(code), "")), code)
    end
    assert.is_true(links >= 3)
    for id in text:gmatch 'for="(%l+)"' do
      assert.matches(('<input type="radio" name="show" id="%s"'):format(id), text)
    end
    assert.matches("FAIL 192.0.2.2 HOSTNAME_MISMATCH", text)
    assert.is_nil(render("html"):find "192.0.2.2")
  end)

  it("tap and markdown too", function()
    assert.matches("^TAP version 13\n1%.%.4\nok 1 %- good", render "tap")
    assert.matches("\nnot ok 2 ", render "tap")
    assert.matches("| FAIL | =cmd\\|", render "markdown")
  end)

  it("hold nothing that their readers stumble over, whatever a target is called", function()
    local list = results.made()
    list[1].target = "\27[31mred\7\255\254\195\0\194\155\226\128\174\239\191\190"
    list[2].target, list[2].problems[1].message = "[x](javascript:alert(1))<script>", "a\27b\255c"
    list[3].target, list[3].grade, list[3].reasons = "\195\188\226\134\146", "pass", {}
    list.earliest.target = list[1].target
    for _, name in ipairs(formats.names) do
      local text = assert(formats.render(name, list))
      assert.equal(text, plain.text(text), name .. " is UTF-8")
      assert.is_nil(text:gsub("\r?\n", ""):find "%c", name)
      assert.is_nil(text:find "\194[\128-\159]", name)
      local whole = name == "json" and text or name == "jsonl" and text:match "^[^\n]+"
      assert.is_truthy(not whole or json.decode(whole), name)
    end
    assert.matches("| \\%[x\\%]%(javascript:alert%(1%)%)\\<script\\> | %-36h |", formats.render("markdown", list))
    assert.equal("\\[x\\](javascript:alert(1))<script>: a\27b\\xffc",
      json.decode(formats.render("sarif", list)).runs[1].results[1].message.text)
    if has "xmllint" and has "promtool" then
      assert.equal("", (process.run({ "xmllint", "--noout", "-" }, formats.render("junit", list))))
      assert.is_nil((process.run({ "promtool", "check", "metrics" }, formats.render("prometheus", list))):find "error")
    end
  end)

  -- lists that a reader may stumble over: all there is to say, hostile names, nothing, a part
  local function hard_lists()
    local nasty, none, cut = results.made(), results.made(), results.made()
    nasty[1].target, nasty[1].file = "\27[31mred\7\255 # TODO later", "my hosts 100%.txt"
    nasty[2].target, nasty[2].file = "[x](javascript:alert(1)) # SKIP <b>", "a:b [c].txt"
    nasty[2].problems[1].message = "220 ready # TODO x\nnot ok 9 - y\n1..1\nBail out! z [a](b)"
    nasty[3].target, nasty[3].file, nasty[3].line = "", "/etc/h\195\188sts.txt", 1
    nasty[4].file = "-"
    for i = #none, 1, -1 do
      none[i] = nil
    end
    none.counts, none.worst, none.earliest = { pass = 0, warn = 0, fail = 0 }, nil, nil
    cut.interrupted, cut.total = true, 9
    return { usual = results.made(), nasty = nasty, none = none, cut = cut }
  end

  it("sarif: as its schema wants it, and each result by the rule that it names", function()
    if select(2, process.run { "python3", "-c", "import jsonschema" }) ~= 0 then
      return pending "python3-jsonschema is missing"
    end
    local function validate(text)
      return process.run({ "python3", "spec/support/validate.py", "spec/support/sarif.schema.json" }, text)
    end
    for name, list in pairs(hard_lists()) do
      local text = assert(formats.render("sarif", list))
      assert.equal("", (validate(text)), name)
      local run = json.decode(text).runs[1]
      for _, one in ipairs(run.results) do
        local rule = run.tool.driver.rules[one.ruleIndex + 1]
        assert.same({ one.ruleId, one.level }, { rule.id, rule.defaultConfiguration.level })
      end
    end
    for fault, text in pairs { -- the schema sees what it should
      kind = render("sarif"):gsub('"kind": *"fail"', '"kind":"pass"'), uri = render("sarif"):gsub("%%20", " "),
      level = render("sarif"):gsub('"error"', '"fatal"'), line = render("sarif"):gsub('"startLine": *17', '"startLine":0'),
    } do
      assert.equal(1, select(2, validate(text)), fault)
    end
  end)

  it("tap: as Perl's harness reads it, whatever a target and a server say", function()
    if select(2, process.run { "perl", "-MTAP::Parser", "-e", "1" }) ~= 0 then
      return pending "perl is missing"
    end
    local lists = hard_lists()
    local function read(name)
      return (process.run({ "perl", "spec/support/read_tap.pl" }, formats.render("tap", lists[name])))
    end
    local four = "planned 4, run 4\npassed 1 3; failed 2 4\nskipped 0, todo 0\n"
    assert.equal("version 13\n" .. four, read "usual")
    assert.equal("version 13\n" .. four, read "nasty")
    assert.is_nil(formats.render("tap", lists.nasty):find "# *TODO") -- which other readers find behind another #
    assert.equal("version 13\nplanned 0, run 0\npassed ; failed \nskipped 0, todo 0\n", read "none")
    assert.matches("^bailed out: interrupted after 4 of 9 targets\n", read "cut")
  end)

  it("name the list by a reference, which is a path to GitHub", function()
    local list, uris = results.made(), {}
    for i, path in ipairs { "my hosts 100%.txt", "/etc/hosts.txt", "a:b.txt", "-" } do
      list[2].file = path
      local place = json.decode(formats.render("sarif", list)).runs[1].results[1].locations[1].physicalLocation
      uris[i] = place and place.artifactLocation.uri or "none"
    end
    assert.same({ "my%20hosts%20100%25.txt", "file:///etc/hosts.txt", "a%3Ab.txt", "none" }, uris)
    assert.matches("^::error title=HOSTNAME_MISMATCH::", formats.render("github", list))
  end)

  it("tell a target that is listed twice by its worst result", function()
    local list = results.made()
    list[2].target = "good.example:443"
    local text = formats.render("prometheus", list)
    assert.matches('tls_health_status{target="good.example:443"} 2\n', text)
    assert.is_nil(text:find('tls_health_status{target="good.example:443"} 0', 1, true))
  end)

  it("leave out what passes, where they are lists to be read", function()
    for name, left in pairs { json = false, jsonl = false, csv = false, markdown = false, html = false,
      junit = true, prometheus = true, nagios = true, tap = true } do
      local text = render(name, { problems_only = true }):gsub("first to expire: good.example", "")
      local found = text:gsub('"earliest":%b{}', ""):find("good.example", 1, true) ~= nil
      assert.equal(left, found, name)
    end
    assert.equal(1, json.decode(render("json", { problems_only = true })).counts.pass)
    assert.matches("4 targets in", render("html", { problems_only = true }))
  end)

  it("have points in their numbers and no other capitals, whatever the locale", function()
    local directory = process.directory()
    process.run { "localedef", "-i", "tr_TR", "-f", "UTF-8", directory .. "/tr_TR.UTF-8" }
    local output, code = process.run { "env", "LOCPATH=" .. directory, os.getenv "LUA", "-e", [[
      if not os.setlocale "tr_TR.UTF-8" or ("%.1f"):format(0.5) ~= "0,5" then os.exit(9) end
      local formats, texts = require "lacre.report.formats", {}
      for _, name in ipairs(formats.names) do
        texts[name] = assert(formats.render(name, require("spec.support.results").made()))
      end
      local time, threshold = require "lacre.time", require "lacre.health.threshold"
      assert(time.duration "1.5h" == 5400 and time.parse "1970-01-01T00:00:01.25Z" == 1.25)
      assert(threshold.seconds(assert(threshold.parse "12.5%"), 800) == 100)
      os.setlocale "C"
      io.write(require("lacre.report.json").encode(texts))]] }
    process.remove(directory)
    if code == 9 then
      return pending "needs localedef, and the locales of Debian's package of that name"
    end
    local texts = assert(json.decode(output), output)
    assert.matches(" time=1%.500s", texts.nagios)
    assert.matches('time="0%.100"', texts.junit)
    assert.matches("\nFAIL,.-,%-1%.50,", texts.csv)
    assert.matches("probe_duration_seconds 1%.500000\n", texts.prometheus)
    assert.equal(1.5, json.decode(texts.json).seconds)
    assert.matches("\n| FAIL |", texts.markdown)
  end)

  it("say when there was no time for all", function()
    local list = results.made()
    list.interrupted, list.total = true, 9
    assert.matches("\n4 of 9 targets: .-; interrupted\n$", formats.render("table", list))
    assert.matches("^TLS UNKNOWN: interrupted; 2 FAIL, 1 WARN of 4; ", formats.render("nagios", list))
    assert.equal(9, json.decode(formats.render("json", list)).total)
    assert.is_true(json.decode(formats.render("json", list)).interrupted)
    for _, name in ipairs(formats.names) do
      local text = formats.render(name, list)
      assert.equal(formats.tells_interruption(name), text:lower():find "interrupted" ~= nil, name)
      assert.is_nil(render(name):lower():find ": interrupted", name)
    end
    assert.matches("\n1%.%.9\n.*\nBail out! interrupted after 4 of 9 targets\n$", "\n" .. formats.render("tap", list))
    assert.matches('tests="5" failures="1" errors="2"', formats.render("junit", list))
    assert.is_false(json.decode(formats.render("sarif", list)).runs[1].invocations[1].executionSuccessful)
    assert.is_true(json.decode(render "sarif").runs[1].invocations[1].executionSuccessful)
    if has "xmllint" then
      local output, code = process.run({ "xmllint", "--noout", "--schema", "spec/support/junit.xsd", "-" },
        formats.render("junit", list))
      assert.equal(0, code, output)
    end
  end)

  it("stream as results come, and are written to files whole", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "good", "expired" } })
      local list, pieces = {}, {}
      for i, entry in ipairs(menagerie.entries) do
        list[i] = "localhost:" .. entry.port
      end
      local path = pki.file("out.prom", "old")
      local found = assert(tool {
        targets = list, trust = menagerie.pki:trust(), format = "jsonl", output = { "prometheus:" .. path, "csv" },
        on_data = function(bytes)
          pieces[#pieces + 1] = bytes
          return true
        end,
      })
      menagerie:close()
      assert.equal(3, #pieces)
      assert.truthy(json.decode(pieces[1]))
      assert.matches("^verdict,", pieces[3])
      assert.is_nil(tool.text(found, {}) or nil)
      assert.matches("tls_health_status", io.open(path):read "*a")
      assert.truthy(tool.prometheus(found):find "tls_health_status")
      assert.is_true(tool.write_prometheus(path, found))
      pki.clean()
    end)
  end)
end)

describe("the exporter", function()
  local function with_exporter(names, given, run, settings)
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "good", "expired", "silent" } })
      local rows, at = {}, {}
      for _, entry in ipairs(menagerie.entries) do
        at[entry.name] = "localhost:" .. entry.port
      end
      for i, name in ipairs(names) do
        rows[i] = targets.read(at[name] .. (settings or ""))[1]
      end
      local set = { trust = menagerie.pki:trust(), host = "127.0.0.1", port = 0, cache = 60, interval = 60, timeout = 1.5,
        concurrency = 4, retries = 1, warn = "30d", min_tls = "1.2" }
      for name, value in pairs(given) do
        set[name] = value
      end
      local made = assert(exporter.open(rows, assert(health_options.prepare(set))))
      local _, port = made:address()
      local ok, why = loop.pcall(run, function(path, headers)
        return assert(http.request { url = ("http://127.0.0.1:%d%s"):format(port, path), plaintext = true, timeout = 5,
          headers = headers })
      end, at, made)
      made:close()
      menagerie:close()
      if not ok then
        error(why, 0)
      end
    end)
  end

  it("tells the list at /metrics", function()
    with_exporter({ "good", "expired" }, {}, function(get, at)
      local response = get "/metrics"
      assert.equal(200, response.status)
      assert.matches("^text/plain; version=0%.0%.4", response.headers["content-type"])
      assert.truthy(response.body:find(('tls_health_status{target="%s"} 0'):format(at.good), 1, true))
      assert.truthy(response.body:find(('tls_health_status{target="%s"} 2'):format(at.expired), 1, true))
    end)
  end)

  it("examines one target at /probe, keeps the answer, and asks once", function()
    with_exporter({}, {}, function(get, at, made)
      local first = get("/probe?target=" .. at.expired:gsub(":", "%%3A"))
      assert.matches('tls_health_reason{code="CERT_EXPIRED",severity="fail"} 1', first.body)
      assert.matches("\nprobe_success 0\n", first.body)
      assert.equal(first.body, get("/probe?target=" .. at.expired).body)
      local began = time.monotonic()
      local bodies = loop.map({ 1, 2, 3 }, function()
        return get("/probe?target=" .. at.silent).body
      end)
      assert.is_true(time.monotonic() - began < 4)
      assert.equal(bodies[1], bodies[3])
      assert.matches('code="TIMEOUT"', bodies[1])
      assert.equal(2, #made.order)
    end)
  end)

  it("keeps the answer of one that was asked again and again", function()
    with_exporter({}, { cache = 0.001, interval = 3600 }, function(get, at, made)
      for _ = 1, 5 do
        get("/probe?target=" .. at.expired)
        loop.sleep(0.01)
      end
      assert.equal(1, #made.order)
    end)
  end)

  it("examines a target of its list with the settings it has there", function()
    with_exporter({ "expired" }, {}, function(get, at)
      assert.matches("probe_success 1", get("/probe?target=" .. at.expired).body)
      assert.matches("probe_success 1", get("/probe?target=shop").body)
      assert.matches("probe_success 0", get("/probe?target=127.0.0.1:" .. at.expired:match "%d+$").body)
    end, " expect=CERT_EXPIRED label=shop")
  end)

  it("answers before Prometheus stops waiting", function()
    with_exporter({}, { timeout = 4 }, function(get, at)
      local began = time.monotonic()
      local body = get("/probe?target=" .. at.silent, { ["X-Prometheus-Scrape-Timeout-Seconds"] = "1.0" }).body
      assert.is_true(time.monotonic() - began < 1)
      assert.matches('code="TIMEOUT"', body)
      get("/probe?target=" .. at.good, { ["X-Prometheus-Scrape-Timeout-Seconds"] = "-1x" })
      assert.matches("probe_success 1", get("/probe?target=" .. at.good).body)
    end)
  end)

  it("does not tell who waits longer what it found for somebody in a hurry", function()
    with_exporter({}, {}, function(get, at)
      local path = "/probe?target=" .. at.good
      local hurried = get(path, { ["X-Prometheus-Scrape-Timeout-Seconds"] = "1e-9" }).body
      assert.matches("probe_success 0", hurried)
      assert.matches("probe_success 1", get(path).body)
    end)
  end)

  it("refuses what it cannot do, and more than it may", function()
    with_exporter({}, { concurrency = 1 }, function(get, at)
      assert.equal(404, get("/nothing").status)
      for _, path in ipairs { "/probe", "/probe?target=", "/probe?x=y" } do
        local nothing = get(path)
        assert.equal(400, nothing.status)
        assert.equal("# no target: use /probe?target=host:port\n", nothing.body)
      end
      assert.equal(400, get("/probe?target=" .. at.good .. "+ca%3D/etc/passwd").status)
      assert.equal(200, get("/").status)
      local first = loop.spawn(function()
        return get("/probe?target=" .. at.silent).status
      end)
      loop.sleep(0.1)
      assert.equal(503, get("/probe?target=" .. at.good).status)
      assert.equal(200, first:join())
      assert.matches("no list of targets", get("/metrics").body)
    end)
  end)
end)
