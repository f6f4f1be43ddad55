--- health.options: what `lacre health` takes, and how it is made ready for a run.

local core = require "lacre.core"
local every = require "lacre.every"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local shared = require "lacre.toolkit.shared"
local target_settings = require "lacre.health.target.settings"
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"

local health_options = {}

health_options.target_help = "host, host:port, host:25/smtp, a URL, name@address; quote a target with settings: "
  .. "'host warn=14d'"

health_options.description = "Completes one handshake with each target, however outdated or broken, and reports "
  .. "everything that is wrong, with stable reason codes (explained by --explain REASON). PASS needs a chain that "
  .. "verifies, the right host name, and TLS 1.2 or newer. No application data is sent, except one request for "
  .. "--require hsts. Exit code: 0 PASS, 1 WARN, 2 FAIL, 3 could not run."

health_options.examples = {
  { "lacre health example.com mail.example.com:25/smtp", "check two hosts" },
  { "lacre health -f hosts.txt -p", "show problems only; the file has one target per line" },
  { "lacre health -f hosts.txt -o prometheus:/var/lib/node_exporter/tls.prom",
    "for node_exporter's textfile collector" },
  { "lacre health -f hosts.txt --format jsonl | jq .reason", "print results as they come" },
  { "lacre health -f hosts.txt --at +30d", "what will be wrong in 30 days" },
  { "lacre health -f hosts.txt --state seen.json", "and report changes since the last run" },
  { "lacre health --serve 9219 -f hosts.txt", "run an exporter for Prometheus" },
  { "lacre health --selftest", "check that every verdict is right on this machine" },
}

-- plugins are told seconds without a unit: -t 20
local function seconds(value)
  local length, err = time.duration(tonumber(value) or value)
  return length, err and err.message
end

local function whole(least)
  local read = options.at_least(least)
  return function(value)
    return read(tonumber(value) or value)
  end
end

-- what is done in no time is never done, and what is done without a pause does nothing else
local function some_seconds(value)
  local length, why = seconds(value)
  if length and length <= 0 then
    return nil, "more than 0 expected"
  end
  return length, why
end

--- Texts, or one of them alone.
---@param value any
---@return string[]?
---@return string? why
function health_options.texts(value)
  local list = type(value) == "string" and { value } or value
  if type(list) ~= "table" or getmetatable(list) then
    return nil, ("list of strings expected, got %s"):format(type(value))
  end
  for _, text in ipairs(list) do
    if type(text) ~= "string" then
      return nil, ("list of strings expected, got %s in it"):format(type(text))
    end
  end
  return list
end

local texts = health_options.texts

health_options.options = {
  { name = "file", short = "f", type = texts, many = true, value = "FILE",
    help = "read targets from this file; - is standard input" },
  { name = "warn", short = "w", type = "any", value = "TIME", default = "30d",
    help = "WARN if it expires within: 30d, 33% of its lifetime, 30d,33% (the shorter), or auto" },
  { name = "fail", short = "c", type = "any", value = "TIME", help = "FAIL if it expires within this time" },
  { name = "format", value = "FORM", default = "table", values = {
    "table", "json", "jsonl", "csv", "junit", "prometheus", "nagios", "sarif", "github", "html", "tap", "markdown" },
    help = "output format" },
  { name = "output", short = "o", type = texts, many = true, value = "FORM[:FILE]",
    help = "also write the results in this format; may be repeated" },
  { name = "problems_only", short = "p", type = "boolean", default = false, help = "leave out targets that pass" },
  { name = "fail_on", value = "GRADE", values = { "warn", "fail", "never" },
    help = "exit with 2 on warnings too (warn), with 0 on warnings (fail), or always with 0 (never)" },
  { name = "trust", type = "any", many = true, value = "FILE",
    help = "trusted certificates (default: the system's CAs)" },
  shared.client_cert, shared.cert_key,
  { name = "pin", type = texts, many = true, value = "PIN",
    help = "require a key with this pin in the chain; may be repeated" },
  { name = "min_tls", value = "VERSION", values = { "1.2", "1.3" }, default = "1.2",
    help = "lowest TLS version that passes" },
  { name = "require", type = texts, many = true, value = "WHAT",
    help = "FAIL if missing: tls13, pq, sct, staple, hsts; may be repeated" },
  { name = "expect", type = texts, many = true, value = "REASON",
    help = "expect this reason: no problem if it occurs, FAIL if not" },
  { name = "ocsp", value = "HOW", values = { "off", "staple", "soft", "hard" }, default = "staple",
    help = "check stapled OCSP, ignore it (off), or ask the responder: no answer is WARN (soft) or FAIL (hard)" },
  { name = "crl", type = "any", value = "FILE|fetch|try",
    help = "check revocation with this CRL, or fetch those the certificates name: without one FAIL, or WARN (try)" },
  { name = "crl_cache", value = "DIR", help = "keep fetched CRLs here until they expire" },
  { name = "at", type = "any", value = "TIME", help = "check as of this time: 2027-01-31, or +30d" },
  { name = "timeout", short = "t", type = some_seconds, value = "TIME", default = 10,
    help = "time limit for one target" },
  { name = "connect_timeout", type = some_seconds, value = "TIME",
    help = "time limit, within that, for resolving the name and connecting (default: the same)" },
  { name = "deadline", type = some_seconds, value = "TIME", help = "time limit for the whole run" },
  { name = "concurrency", short = "j", type = whole(1), value = "N", default = 64,
    help = "how many targets to check at once" },
  { name = "retries", type = whole(0), value = "N", default = 1,
    help = "retries after a temporary network failure" },
  { name = "all_addresses", type = "boolean", default = false, help = "check every address of a host" },
  { name = "family", value = "FAMILY", values = { "any", "ipv4", "ipv6" }, default = "any", help = "address family" },
  { name = "no_old", type = "boolean", default = false, help = "do not test for TLS 1.1 and older" },
  { name = "deep", type = "boolean", default = false,
    help = "test for post-quantum key exchange even if this OpenSSL lacks it" },
  { name = "shard", value = "I/N", help = "check only the I-th of N parts of the list" },
  { name = "baseline", value = "FILE", help = "report changes since this state file" },
  { name = "state", value = "FILE", help = "report changes since this state file, and update it" },
  { name = "watch", type = some_seconds, value = "TIME", help = "repeat at this interval, and report changes" },
  { name = "serve", value = "[HOST:]PORT",
    help = "run a Prometheus exporter: /metrics for the list, /probe?target=..." },
  { name = "interval", type = some_seconds, value = "TIME", default = 60,
    help = "with --serve: how often to check the list" },
  { name = "cache", type = seconds, value = "TIME", default = 15, help = "with --serve: how long to cache a probe" },
  { name = "explain", value = "REASON", help = "explain a reason" },
  { name = "selftest", type = "boolean", default = false,
    help = "check the zoo's servers, and that every verdict is right" },
  { name = "on_event", type = "function", from_lua = true, help = "called with a line of text for each event" },
  { name = "on_data", type = "function", from_lua = true,
    help = "called with results as they come if the format is jsonl, and with each round of a watch" },
  { name = "style", type = "table", from_lua = true, help = "colours for messages on the way" },
  { name = "on_count", type = "function", from_lua = true,
    help = "called with the number done and the total" },
}

local LAST = 253402300799 -- of the year 9999, and of certificates

local function instant(value)
  local ahead = type(value) == "string" and value:match "^%+(.+)$"
  local moment, err
  if ahead then
    moment, err = time.duration(ahead)
    moment = moment and time.now() + moment
  else
    moment, err = time.parse(value)
  end
  if moment and (moment < 0 or moment > LAST) then
    return lacre_error.fail("parse", "bad_time", "no certificate lives then: %s", tostring(value))
  end
  return moment, err
end

-- lists of words mean what they mean behind a target
local function check_words(set)
  return every({ "require", "expect" }, function(name)
    return every(set[name] or {}, function(word)
      return target_settings.read(name .. "=" .. word)
    end)
  end)
end

-- what a target holds at the most (a pipe to the resolver and its files; sockets and a poller), and what else is open
local HELD, OPEN = 5, 20

local function affordable(concurrency)
  return math.max(1, math.min(concurrency, math.floor((core.poller.most() - OPEN) / HELD)))
end

--- The settings of a run, from checked options.
---@param given table
---@return table? set
---@return lacre.error? err bad_time, bad_name
function health_options.prepare(given)
  local set = {}
  for name, value in pairs(given) do
    set[name] = value
  end
  local done, err = check_words(set)
  if done then
    done, err = threshold.parse(set.warn)
  end
  if done and set.fail then
    done, err = threshold.parse(set.fail)
  end
  if done and set.at then
    set.at, err = instant(set.at)
    done = set.at
  end
  if not done then
    return nil, lacre_error.annotate(err, { stage = "config" })
  end
  set.trust = type(set.trust) == "table" and #set.trust == 1 and getmetatable(set.trust) == nil and set.trust[1]
    or set.trust
  set.pins, set.probe_old = set.pin, not set.no_old
  set.concurrency = affordable(set.concurrency)
  return set
end

return health_options
