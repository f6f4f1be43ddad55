--- tool.info: what a TLS server is and shows.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local old_suites = require "lacre.tls.old_suites"
local shared = require "lacre.toolkit.shared"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local capabilities = later "lacre.health.capabilities"
local diagnosis = later "lacre.health.diagnosis"
local findings = later "lacre.health.findings"
local inquiry = later "lacre.health.inquiry"
local loop = later "lacre.loop"
local report = later "lacre.report.info"
local starttls = later "lacre.starttls"
local target = later "lacre.health.target"
local threshold = later "lacre.health.threshold"

local info = {
  name = "info",
  summary = "show a host's TLS version, cipher suite and certificates, and whether they verify",
  description = "Completes one handshake, even if the server is outdated, weak or does not verify, and reports what "
    .. "is wrong with it. No application data is sent; only --probe, which makes many more connections, sends one "
    .. "HEAD request if the server verifies.",
  examples = {
    { "lacre info example.com", "port 443" },
    { "lacre info mail.example.com:25/smtp", "with STARTTLS" },
    { "lacre info example.com --probe", "test every version, suite and group, resumption, HSTS" },
    { "lacre info example.com --text", "explain everything in sentences" },
    { "lacre info mail.example.com:993 --json", "output for programs" },
    { "lacre info localhost:8443 --trust localhost.crt --warn auto",
      "trust your own certificate; warn only in the last third of its lifetime" },
  },
  argument = { name = "target", type = "string", value = "HOST[:PORT][/PROTOCOL]", help = "where to connect" },
  options = {
    { name = "probe", type = "boolean", default = false, help = "test everything the server supports" },
    { name = "text", type = "boolean", default = false, help = "explain the result in sentences" },
    shared.trust, shared.client_cert, shared.cert_key,
    { name = "server_name", value = "NAME", help = "host name to send (SNI) and verify (default: the host)" },
    { name = "warn", short = "w", type = "any", value = "TIME", default = "30d",
      help = "warn if it expires within: 30d, 33% of its lifetime, 30d,33% (the shorter), or auto" },
    { name = "starttls", type = starttls.option, value = "PROTOCOL", help = "use STARTTLS: smtp, imap, ..." },
    { name = "timeout", type = "duration", value = "TIME", default = 10, help = "time limit for the handshake" },
  },
  exits = { { 1, "the host does not verify, or its verdict is FAIL" } },
}

-- suites that were taken when they were asked for, and should not be
local function check_suites(out, facts)
  local weak = {}
  for _, names in pairs(facts.capabilities and facts.capabilities.suites or {}) do
    for _, name in ipairs(names) do
      local weakness = old_suites.weakness_of(name)
      weak[#weak + 1] = weakness and ("%s (%s)"):format(name, weakness) or nil
    end
  end
  if #weak > 0 then
    out:add("WEAK_CIPHER", "it accepts " .. table.concat(weak, ", "))
  end
end

local function judged(facts, set, row, warn)
  facts.server_name = set.server_name or row.name or row.host
  local out = facts.refusal or diagnosis.of_facts(facts, {
    now = time.now(), warn = warn, server_name = facts.server_name,
    is_public = set.trust == nil or set.trust == "system",
  })
  check_suites(out, facts)
  facts.problems, facts.notes = out:sorted()
  facts.grade = findings.grade(facts.problems)
end

local function first_hybrid(names)
  for _, name in ipairs(names or {}) do
    if name:find "MLKEM" then
      return name
    end
  end
end

-- what the many questions found, and did not, counts for the verdict too
local function learn(facts, found, why)
  facts.capabilities, facts.supports, facts.hsts = found, found.versions, found.hsts
  local spoken = facts.version or ""
  found.versions[spoken] = spoken ~= "" and true or nil
  for version, number in pairs { ["1.1"] = 0x0302, ["1.0"] = 0x0301, ["SSL 3.0"] = 0x0300 } do
    if found.versions[version] and spoken >= "1.2" and number < (facts.old and facts.old.version or 0x0303) then
      facts.old = { kind = "server_hello", version = number }
    end
  end
  if spoken >= "1.2" and not facts.old and (found.versions["1.1"] == nil or found.versions["1.0"] == nil) then
    facts.old_error = why
  end
  local hybrid = first_hybrid(found.groups)
  facts.hybrid_error = found.groups and not hybrid and first_hybrid(found.unanswered) and why or nil
  facts.hybrid_group = hybrid or found.groups and not facts.hybrid_error and false or nil
end

-- a server that refused us, or that nobody should talk to
local function refused(set, row, err, answers)
  local out = diagnosis.of_error(err, answers)
  if not set.probe then
    local first = out:sorted()[1]
    return nil, lacre_error.annotate(err, { hint = first.message ~= err.message and first.message
      or "run lacre info HOST --probe to see what it supports" })
  end
  return {
    host = row.host, port = row.port, address = err.address, refusal = out, chain = {}, pins = {}, timing = {},
    verify = { ok = false, error = err, err = err, findings = {} }, client_cert = "no",
  }
end

local PROBING = 6 -- times the time for one handshake: for all that is asked

local function ask_everything(set, row, facts)
  local terms = inquiry.terms({
    timeout = set.timeout, deadline = time.monotonic() + PROBING * set.timeout,
    server_name = set.server_name or row.name,
  }, facts.timing, facts.address)
  terms.trust, terms.verified, terms.group = set.trust, facts.verify.ok, facts.offered
  learn(facts, capabilities.find(row, terms))
end

local function look(set, row)
  local facts, err, answers = inquiry.reach(row, set)
  if not facts and answers then
    facts, err = refused(set, row, err, answers)
  end
  if facts and set.probe then
    ask_everything(set, row, facts)
  end
  return facts, err
end

--- Connects and tells. A server that does not verify is a result, with `verify.ok` false.
---@param set table see `info.options`
---@return table? result version, cipher, group, alpn, cert, chain, verified_chain, verify, pins, timing, problems ...
---@return lacre.error? err bad_time, bad_name, or why there was no handshake: connection_refused, not_tls ...
function info.run(set)
  local warn, err = threshold.parse(set.warn)
  local row, facts
  if warn then
    row, err = target.parse(set.target)
  end
  if row then
    row.starttls = set.starttls or row.starttls
    facts, err = loop.enter(look, set, row)
  end
  if not facts then
    return nil, err
  end
  judged(facts, set, row, warn)
  facts.starttls, facts.explained = row.starttls, set.text
  return facts
end

info.text = report.text
info.to_table = report.to_table

--- A host that does not verify, or whose TLS is broken, is a "no".
function info.failed(result)
  return not result.verify.ok or result.grade == "fail"
end

return toolkit.define(info)
