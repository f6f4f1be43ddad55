-- The plan of docs/architecture.md as data: a file uses lower floors only.
local lfs = require "lfs"

local c_floors = {
  [0] = { "compat", "codes", "light", "path_rules", "general_name", "asn1_time", "hostname", "pinset", "ssl_outcome", "link" },
  { "verify", "own", "fail", "args", "base64" },
  { "bytes", "disk", "lock", "clock", "terminal", "der" },
  { "pem", "oid", "net", "poller_backend", "signals" },
  { "spki", "name", "poller", "resolver", "socket_bio", "exchange" },
  { "key" },
  { "keyfile", "keyuri", "signed", "judge", "hello" },
  { "cert", "crl" },
  { "verdict", "facts" },
  { "store", "pkcs12" },
  { "session", "staple" },
  { "context" },
  { "machine", "permit", "algorithms" },
  { "engine_facts", "engine_hooks" },
  { "engine" },
  { "core" },
}

local lua_floors = {
  [0] = { "core", "error_codes", "health_codes", "old_suites", "target_words" },
  { "error" },
  { "time", "version", "warning", "plain", "greeting" },
  { "options" },
  { "der_element" },
  { "der_number", "der_text", "name_text" },
  { "file", "host", "wait", "der", "records", "target" },
  { "environment", "pem", "timers", "groups", "suites", "reader", "addresses" },
  { "name", "key_encoding", "key_signing", "watched", "stream" },
  { "scheduler", "dial", "door" },
  { "protected", "traps", "pump" },
  { "loop" },
  { "key" },
  { "general", "extension_text", "oid" },
  { "extension" },
  { "extensible", "extension_list", "alt_names", "sign", "profile", "views" },
  { "lint_rules", "lint_extensions", "lint_names", "lint_requests" },
  { "lint" },
  { "request_fields" },
  { "certificate", "request", "revocations", "draft", "draft_extensions", "ocsp_types" },
  { "ocsp_check", "ocsp_respond" },
  { "anchors", "pin_value", "verdict", "crl", "csr" },
  { "trust", "pin_set" },
  { "pin" },
  { "path" },
  { "store" },
  { "issue", "ocsp", "pkcs12" },
  { "cert" },
  { "documents", "chain_order", "filing", "identity", "settings_schema", "tcp" },
  { "ca.record", "ca.layout", "ca.log", "ca.mutex", "ca.patterns", "installation" },
  { "ca.index", "ca.ledger", "ca.policy", "ca.scrutiny" },
  { "ca.recovery", "ca.folder", "ca.opening", "ca.authority" },
  { "ca.books", "ca.register", "ca.renewal", "ca.revocation", "ca.answers" },
  { "ca.bookkeeping", "ca.history", "ca.repair" },
  { "ca.survey" },
  { "ca.findings" },
  { "ca.audit" },
  { "algorithms", "abilities" },
  { "settings_build" },
  { "settings" },
  { "hello" },
  { "peer" },
  { "peer_error" },
  { "hooks", "steps", "reference" },
  { "facts" },
  { "engine", "handshaking", "pollable" },
  { "conn" },
  { "dialogue" },
  { "dialogue_lines", "dialogue_packets" },
  { "starttls", "proxy" },
  { "connect" },
  { "listener", "ca" },
  { "serve", "wrap" },
  { "context" },
  { "lab_client" },
  { "lab_middle" },
  { "lab", "probe", "message" },
  { "webrequest", "webanswer", "url" },
  { "webfiles", "redirect" },
  { "http", "adapt.luasocket", "toolkit" },
  { "zoo_pki", "zoo_raw", "zoo_keeper", "revocation" },
  { "zoo_entries", "zoo_office" },
  { "zoo" },
  { "zoo_tour" },
  { "adapt", "download" },
  { "report.json", "report.style", "report.progress", "report.markup", "report.record" },
  { "report.table", "report.csv", "report.junit", "report.nagios", "report.github", "report.sarif" },
  { "report.prometheus", "report.html" },
  { "report.formats", "report.info", "report.lab" },
  { "target_range" },
  { "threshold", "targets", "sounding", "findings", "key_strength" },
  { "capabilities" },
  { "diagnosis_chain", "diagnosis_error" },
  { "diagnosis_verify" },
  { "diagnosis" },
  { "checkup_settings", "checkup_outcome", "health_options" },
  { "checkup" },
  { "survey", "selftest", "memoir" },
  { "exporter", "responder" },
  { "health_run" },
  { "tool.ca.parts", "tool.ca.founding", "tool.ca.policy_text" },
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
  { "cli.password", "cli.voice" },
  { "cli.manual" },
  { "cli.parser" },
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
      for used in read(file.path):gmatch 'require%(?%s*"lacre%.([%w_.]+)"' do
        check(file, used, floors, problems)
      end
    end
    assert.same({}, problems)
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

  it("print and exit in the command alone", function()
    for _, file in ipairs(files("lua/lacre", ".lua")) do
      local text = read(file.path):gsub("%-%-[^\n]*", "")
      local allowed = file.name == "cli"
      assert.is_true(allowed or not (text:find "os%.exit" or text:find "[^%w_.]print%("), file.path)
    end
  end)
end)
