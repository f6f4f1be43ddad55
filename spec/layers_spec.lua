-- The plan of docs/architecture.md as data: a file uses lower floors only.
local lfs = require "lfs"

local c_floors = {
  [0] = { "compat", "codes", "detour", "asn1_time", "der", "pinset", "ec_key", "ssl_outcome", "link", "signature", "quiet", "queue" },
  { "path_rules", "table", "light" },
  { "verify", "glance", "own", "fail", "args", "base64" },
  { "bytes", "pin", "disk", "lock", "clock", "terminal", "der_out", "library" },
  { "strength", "pem", "oid", "usual_key", "work", "address", "poller_backend", "signals" },
  { "spki", "name", "poller", "resolver", "net", "exchange" },
  { "socket_bio" },
  { "key", "field" },
  { "keyfile", "keyuri", "signed", "judge", "hello" },
  { "cert", "crl" },
  { "verdict", "facts", "builder", "cert_fields" },
  { "store", "pkcs12" },
  { "session", "staple" },
  { "context" },
  { "machine", "permit", "algorithms" },
  { "engine_facts", "engine_hooks", "step" },
  { "engine_data" },
  { "engine" },
  { "core" },
}

local lua_floors = {
  [0] = {
    "core", "later", "every", "sorted", "merged", "decimal", "toolkit.shared", "error.verification", "health.codes", "tls.old_suites",
    "health.target.words",
  },
  { "error.codes" },
  { "error" },
  { "time", "version", "warning", "plain", "tls.greeting", "report.style" },
  { "options.kinds", "report.cells" },
  { "options" },
  { "der.element", "options.parted" },
  { "der.number", "der.text", "name.text" },
  { "file.path", "host.idn" },
  { "file.plan" },
  { "file", "host", "wait", "der", "tls.records", "net.target" },
  {
    "environment", "pem", "name.encoding", "loop.thread", "loop.threads", "loop.timers", "tls.groups", "tls.suites",
    "tls.sigalgs", "net.reader",
  },
  { "name", "key.encoding", "key.signing", "loop.watched", "net.stream" },
  { "loop.scheduler" },
  { "loop.condition" },
  { "loop.protected", "loop.traps", "loop.task", "net.pump" },
  { "loop" },
  { "net.addresses", "net.attempt" },
  { "net.race" },
  { "net.dial", "net.door" },
  { "key.reading" },
  { "key", "net.reception" },
  {
    "x509.general_name", "x509.extension.text", "x509.shown", "x509.oid", "x509.parameters", "x509.pkcs7", "x509.network",
    "x509.several", "x509.weakness",
  },
  { "x509.extension.types" },
  { "x509.extension" },
  { "x509.extensible", "x509.extension.list", "x509.alt_names", "x509.subtree", "x509.sign", "cert.profile", "x509.views",
    "x509.forbidden" },
  { "lint.faults" },
  { "lint.rules", "lint.extensions", "lint.names", "lint.requests" },
  { "lint" },
  { "csr.parts" },
  { "csr.fields", "crl.reasons", "crl.scope" },
  { "cert.read", "csr.read", "crl.read", "cert.draft", "cert.draft_extensions", "ocsp.types",
    "ocsp.told" },
  { "ocsp.check", "ocsp.respond" },
  { "store.anchors", "pin.value", "store.verdict", "store.purpose", "crl", "csr" },
  { "store.trust", "pin.set" },
  { "pin" },
  { "store.path" },
  { "store" },
  { "cert.issue", "ocsp", "pkcs12" },
  { "cert" },
  { "x509.der_kind" },
  {
    "x509.documents", "x509.fields", "x509.chain_order", "x509.filing", "x509.forms", "tls.identity",
    "tls.settings.schema", "tcp",
  },
  { "ca.record", "ca.layout", "ca.log", "ca.mutex", "ca.patterns", "ca.installation" },
  { "ca.history", "ca.index", "ca.ledger", "ca.policy", "ca.scrutiny" },
  { "ca.promises", "ca.recovery", "ca.folder", "ca.opening", "ca.authority" },
  { "ca.books", "ca.register", "ca.renewal", "ca.revocation", "ca.answers" },
  { "ca.bookkeeping", "ca.repair", "ca.keys_lost" },
  { "ca.survey", "ca.findings_of_lists" },
  { "ca.findings" },
  { "ca.audit" },
  { "tls.hello" },
  { "tls.system_policy", "tls.lab_algorithms" },
  { "tls.algorithms", "tls.abilities", "tls.library" },
  { "tls.tickets" },
  { "tls.settings.build" },
  { "tls.settings" },
  { "tls.peer" },
  { "tls.peer_error" },
  { "tls.hooks", "tls.steps", "tls.reference" },
  { "tls.facts" },
  { "engine", "tls.handshaking", "tls.file_sending", "net.pollable" },
  { "conn" },
  { "starttls.dialogue" },
  { "starttls.lines", "starttls.packets" },
  { "starttls", "net.proxy" },
  { "connect", "health.sounding" },
  { "listener", "ca", "serve.peer" },
  { "serve", "wrap" },
  { "context" },
  { "lab.client" },
  { "lab.middle" },
  { "lab", "health.opening", "http.message" },
  { "http.body" },
  { "health.probe" },
  { "http.request", "http.answer", "http.url", "http.access_log", "http.part" },
  { "http.shelf" },
  { "http.files", "http.redirect", "http.service" },
  { "http", "adapt.luasocket", "adapt.luv", "toolkit" },
  { "health.fetching" },
  { "zoo.pki", "zoo.nobody", "zoo.raw", "zoo.keeper", "health.revocation" },
  { "zoo.entries", "zoo.office", "zoo.command" },
  { "zoo" },
  { "zoo.tour" },
  { "adapt.ngx", "adapt.copas" },
  { "adapt", "http.download" },
  { "report.json", "report.progress", "report.markup", "report.record", "report.meanings" },
  { "report.table", "report.csv", "report.junit", "report.nagios", "report.github", "report.sarif" },
  { "report.prometheus", "report.html" },
  { "report.formats", "report.info", "report.lab", "report.pins" },
  { "health.target.range", "health.target.settings", "health.interrupt", "health.outputs" },
  { "health.threshold", "health.target", "health.findings" },
  { "health.targets" },
  { "health.inquiry" },
  { "health.capabilities" },
  { "health.diagnosis.chain", "health.diagnosis.error" },
  { "health.diagnosis.verify" },
  { "health.diagnosis" },
  { "health.settings", "health.outcome", "health.options" },
  { "health.checkup" },
  { "health.survey", "health.selftest", "health.memoir" },
  { "health.exporter", "ca.responder" },
  { "health.run", "health.serving" },
  { "tool.ca.parts", "tool.ca.founding", "tool.ca.policy_text" },
  { "tool.ca.delivery", "tool.ca.completion" },
  {
    "tool.ca.init", "tool.ca.intermediate", "tool.ca.issue", "tool.ca.sign", "tool.ca.renew", "tool.ca.revoke",
    "tool.ca.crl", "tool.ca.list", "tool.ca.export", "tool.ca.trust", "tool.ca.check", "tool.ca.ocsp",
  },
  { "tool.ca" },
  {
    "tool.selfsign", "tool.csr", "tool.inspect", "tool.verify", "tool.convert", "tool.echo", "tool.get", "tool.info",
    "tool.pin", "tool.serve",
  },
  { "tool.zoo", "tool.health" },
  { "cli.password", "cli.voice", "cli.exits" },
  { "cli.offer" },
  { "cli.manual" },
  { "cli.parser", "cli.line" },
  { "cli", "init" },
}

local function floor_of(floors)
  local of = {}
  for floor, names in pairs(floors) do
    for _, name in ipairs(names) do
      of[name] = floor
    end
  end
  return of
end

local function read(path)
  local handle = assert(io.open(path))
  local text = handle:read "*a"
  handle:close()
  return text
end

local function files(directory, suffix, prefix, out)
  out, prefix = out or {}, prefix or ""
  for entry in lfs.dir(directory) do
    local path = directory .. "/" .. entry
    if entry:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
      files(path, suffix, prefix .. entry .. ".", out)
    elseif entry:sub(-#suffix) == suffix then
      out[#out + 1] = { name = prefix .. entry:sub(1, -#suffix - 1), path = path }
    end
  end
  return out
end

local function check(file, used, floors, problems)
  local mine = floors[file.name]
  if not mine then
    problems[#problems + 1] = file.path .. " stands on no floor"
  elseif used ~= file.name and floors[used] and floors[used] >= mine then
    problems[#problems + 1] = ("%s (floor %d) uses %s (floor %d)"):format(file.path, mine, used, floors[used])
  end
end

describe("layers", function()
  it("of the C core look down only", function()
    local floors, problems = floor_of(c_floors), {}
    for _, suffix in ipairs { ".c", ".h" } do
      for _, file in ipairs(files("src", suffix)) do
        check(file, file.name, floors, problems)
        for used in read(file.path):gmatch '#include "([%w_]+)%.h"' do
          check(file, used, floors, problems)
        end
      end
    end
    assert.same({}, problems)
  end)

  it("of the library look down only", function()
    local floors, problems = floor_of(lua_floors), {}
    for _, file in ipairs(files("lua/lacre", ".lua")) do
      check(file, file.name, floors, problems)
      for _, how in ipairs { "require", "later" } do
        for used in read(file.path):gmatch(how .. '%(?%s*"lacre%.([%w_.]+)"') do
          check(file, used, floors, problems)
        end
      end
    end
    assert.same({}, problems)
  end)

  it("have a file for every name", function()
    local there = {}
    for _, where in ipairs { { "src", ".c" }, { "src", ".h" }, { "lua/lacre", ".lua" } } do
      for _, file in ipairs(files(where[1], where[2])) do
        there[file.name] = true
      end
    end
    for _, floors in ipairs { c_floors, lua_floors } do
      for name in pairs(floor_of(floors)) do
        assert.is_true(there[name], name .. " stands on a floor, and is no file")
      end
    end
  end)

  it("of the C core are told file by file in docs/architecture.md", function()
    local text = read "docs/architecture.md"
    for _, file in ipairs(files("src", ".h")) do
      assert.truthy(text:find("`" .. file.name .. "`", 1, true), file.name)
    end
  end)

  it("test versions in compat.h alone", function()
    for _, suffix in ipairs { ".c", ".h" } do
      for _, file in ipairs(files("src", suffix)) do
        local text = read(file.path)
        local found = text:find "LUA_VERSION_NUM" or text:find "OPENSSL_VERSION_NUMBER"
        assert.is_true(file.name == "compat" or not found, file.path)
      end
    end
  end)

  it("begin with their own name and what they are", function()
    local problems = {}
    for _, file in ipairs(files("lua/lacre", ".lua")) do
      local name = file.name == "init" and "lacre" or file.name
      if read(file.path):sub(1, #name + 6) ~= ("--- %s: "):format(name) then
        problems[#problems + 1] = file.path
      end
    end
    assert.same({}, problems)
  end)

  it("are files that one sitting reads: what grows beyond is two nouns", function()
    for _, where in ipairs { { "src", ".c", 400 }, { "src", ".h", 200 }, { "lua/lacre", ".lua", 250 } } do
      for _, file in ipairs(files(where[1], where[2])) do
        local lines = select(2, read(file.path):gsub("\n", ""))
        assert.is_true(lines <= where[3], ("%s has %d lines"):format(file.path, lines))
      end
    end
  end)

  it("print and exit in the command alone", function()
    for _, file in ipairs(files("lua/lacre", ".lua")) do
      local text = read(file.path):gsub("%-%-[^\n]*", "")
      local allowed = file.name == "cli"
      assert.is_true(allowed or not (text:find "os%.exit" or text:find "[^%w_.]print%("), file.path)
    end
  end)
end)
