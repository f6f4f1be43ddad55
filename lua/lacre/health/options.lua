--- health.options: what `lacre health` takes, and how it is made ready for a run.

local core = require "lacre.core"
local every = require "lacre.every"
local lacre_error = require "lacre.error"
local target_settings = require "lacre.health.target_settings"
local threshold = require "lacre.health.threshold"
local time = require "lacre.time"

local health_options = {}

health_options.target_help = "host, host:port, host:25/smtp, a URL, name@address; settings in quotes: 'host warn=14d'"

health_options.description = "Completes one handshake with each target, however old or broken, and tells "
  .. "everything that is wrong by stable reasons (--explain REASON). PASS needs a chain that verifies, the right name, "
  .. "and TLS 1.2 or newer. No application data is ever sent. "
  .. "Exit code: 0 PASS, 1 WARN, 2 FAIL, 3 could not run."

health_options.examples = {
  { "lacre health example.com mail.example.com:25/smtp", "two hosts, now" },
  { "lacre health -f hosts.txt -p", "only what is not well; the file has one target a line" },
  { "lacre health -f hosts.txt -o prometheus:/var/lib/node_exporter/tls.prom", "for the textfile collector" },
  { "lacre health -f hosts.txt --format jsonl | jq .reason", "as results come" },
  { "lacre health -f hosts.txt --at +30d", "what will be wrong in thirty days" },
  { "lacre health -f hosts.txt --state seen.json", "and what changed since the last run" },
  { "lacre health --serve 9219 -f hosts.txt", "an exporter for Prometheus" },
  { "lacre health --selftest", "is every verdict right on this machine?" },
}

-- plugins are told seconds without a unit: -t 20
local function seconds(value)
  local length, err = time.duration(tonumber(value) or value)
  return length, err and err.message
end

-- what is done in no time is never done, and what is done without a pause does nothing else
local function some_seconds(value)
  local length, why = seconds(value)
  if length and length <= 0 then
    return nil, "more than nothing expected"
  end
  return length, why
end

health_options.options = {
  { name = "file", short = "f", type = "list", value = "FILE", help = "a list of targets; - is standard input" },
  { name = "warn", short = "w", type = "any", value = "TIME", default = "30d",
    help = "warn before the end: 30d, 33%, 30d,33%, or auto" },
  { name = "fail", short = "c", type = "any", value = "TIME", help = "and fail, from there on" },
  { name = "format", value = "FORM", default = "table", values = {
    "table", "json", "jsonl", "csv", "junit", "prometheus", "nagios", "sarif", "github", "html", "tap", "markdown" },
    help = "how results are printed" },
  { name = "output", short = "o", type = "list", value = "FORM[:FILE]", help = "write them in another form too" },
  { name = "problems_only", short = "p", type = "boolean", default = false, help = "leave out what passes" },
  { name = "fail_on", value = "GRADE", values = { "warn", "fail", "never" },
    help = "warnings exit with 2 (warn) or 0 (fail); or nothing fails (never)" },
  { name = "trust", type = "any", many = true, value = "FILE", help = "what is trusted (default: the system's CAs)" },
  { name = "cert", type = "any", value = "FILE", help = "our certificate, for servers that want one" },
  { name = "key", type = "any", value = "FILE", help = "its private key" },
  { name = "pin", type = "list", value = "PIN", help = "a key the chain must hold; may be repeated" },
  { name = "min_tls", value = "VERSION", values = { "1.2", "1.3" }, default = "1.2",
    help = "the least version that passes" },
  { name = "require", type = "list", value = "WHAT", help = "fail without it: tls13, pq, sct, staple, hsts" },
  { name = "expect", type = "list", value = "REASON", help = "a reason that is as it should be" },
  { name = "ocsp", value = "HOW", values = { "off", "staple", "soft", "hard" }, default = "staple",
    help = "judge staples, or none (off), or ask the responder: without an answer it warns (soft) or fails (hard)" },
  { name = "crl", type = "any", value = "FILE|fetch|try", help = "a revocation list, or those that certificates name" },
  { name = "crl_cache", value = "DIR", help = "keep fetched lists there until they end" },
  { name = "at", type = "any", value = "TIME", help = "judge as of then: 2027-01-31, or +30d" },
  { name = "timeout", short = "t", type = some_seconds, value = "TIME", default = 10, help = "for one target, in all" },
  { name = "connect_timeout", type = some_seconds, value = "TIME",
    help = "of that, to resolve the name, and to connect (default: all of it)" },
  { name = "deadline", type = some_seconds, value = "TIME", help = "for the whole run" },
  { name = "concurrency", short = "j", type = "integer", value = "N", default = 64, help = "targets at once" },
  { name = "retries", type = "integer", value = "N", default = 1, help = "after passing troubles of the network" },
  { name = "all_addresses", type = "boolean", default = false, help = "examine every address of a name" },
  { name = "family", value = "FAMILY", values = { "any", "ipv4", "ipv6" }, default = "any", help = "of addresses" },
  { name = "no_old", type = "boolean", default = false, help = "do not ask whether old versions are spoken too" },
  { name = "deep", type = "boolean", default = false, help = "ask for post-quantum key exchange by hand" },
  { name = "shard", value = "I/N", help = "only the I-th of N parts of the list" },
  { name = "baseline", value = "FILE", help = "tell what changed since this state" },
  { name = "state", value = "FILE", help = "the same, and remember this run there" },
  { name = "watch", type = some_seconds, value = "TIME", help = "run again and again, and tell what changed" },
  { name = "serve", value = "[HOST:]PORT", help = "for Prometheus: /metrics of the list, /probe?target=..." },
  { name = "interval", type = some_seconds, value = "TIME", default = 60,
    help = "with --serve: between runs of the list" },
  { name = "cache", type = seconds, value = "TIME", default = 15, help = "with --serve: how long a probe is kept" },
  { name = "explain", value = "REASON", help = "what a reason means" },
  { name = "selftest", type = "boolean", default = false, help = "judge the zoo, and see that every verdict is right" },
  { name = "on_event", type = "function", from_lua = true, help = "called with a line about what happens" },
  { name = "on_data", type = "function", from_lua = true,
    help = "called with results as they come, in the form jsonl, and with the rounds of a watch" },
  { name = "style", type = "table", from_lua = true, help = "colours for what is told on the way" },
  { name = "on_count", type = "function", from_lua = true,
    help = "called with how many are done, and how many there are" },
}

local function instant(value)
  local ahead = type(value) == "string" and value:match "^%+(.+)$"
  if ahead then
    local length, err = time.duration(ahead)
    return length and time.now() + length, err
  end
  return time.parse(value)
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
