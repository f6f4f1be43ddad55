--- tool.zoo: bad TLS servers on loopback, to try clients on: a list, a stay, or a tour for any client.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local shared = require "lacre.toolkit.shared"
local toolkit = require "lacre.toolkit"

local file = later "lacre.file"
local loop = later "lacre.loop"
local tour = later "lacre.zoo.tour"
local zoo = later "lacre.zoo"

local tool = {
  name = "zoo",
  summary = "run faulty TLS servers on loopback, to test TLS clients with",
  description = "Starts TLS servers on loopback, most of them with exactly one fault, each on its own port of "
    .. "\"localhost\" and with the verdict a correct checker should give. With --run, a command is run against "
    .. "every server; exit code 0 of the command means that it accepted the server. {url} {host} {port} {name} and "
    .. "{ca} (a file with the root to trust) are replaced in the command.",
  examples = {
    { "lacre zoo", "run the servers until Ctrl-C; prints the port of each" },
    { "lacre zoo --list", "list the servers and their verdicts" },
    { "lacre zoo --run 'curl -sS --cacert {ca} {url}'", "which faults does curl miss?" },
    { "lacre zoo expired dates --run './client {host} {port} {ca}'", "only some servers, or groups of them" },
  },
  argument = { name = "only", type = "list", many = true, optional = true, value = "ENTRY|GROUP",
    help = "only these servers or groups" },
  options = {
    { name = "list", type = "boolean", help = "list the servers and exit" },
    { name = "run", value = "CMD", help = "run a command against every server and report the faults it misses" },
    { name = "timeout", type = "duration", value = "TIME", default = 10,
      help = "time limit for each run of the command" },
    { name = "port", type = "integer", value = "PORT", default = 0,
      help = "port shared by all servers, selected with SNI NAME.zoo.test; 0 picks a free one" },
    { name = "ca", value = "FILE", help = "write the root certificate to trust to this file" },
    shared.on_event,
    { name = "on_count", type = "function", from_lua = true,
      help = "with run: called with how many of how many servers were visited" },
    { name = "on_start", type = "function", from_lua = true, help = "called with the list of servers, as data" },
  },
  exits = { { 1, "the command accepted a server it must refuse, refused a good one, or hung" } },
}

local function row_of(entry)
  return {
    name = entry.name, group = entry.group, about = entry.about, verdict = entry.verdict:upper(), reasons = entry.codes,
    client = zoo.client_of(entry), host = entry.host, port = entry.port,
    url = entry.port and ("https://%s:%d/"):format(entry.host, entry.port) or nil,
  }
end

local function rows_of(entries, only)
  local rows, asked = {}, {}
  for _, name in ipairs(only or {}) do
    asked[name] = true
  end
  for _, entry in ipairs(entries) do
    if not only or asked[entry.name] or asked[entry.group] then
      rows[#rows + 1] = row_of(entry)
    end
  end
  return rows
end

local function unavailable_rows(menagerie)
  local rows = {}
  for i, one in ipairs(menagerie.unavailable) do
    rows[i] = { name = one.name, why = one.error.message }
  end
  return rows
end

local function write_ca(menagerie, set)
  if not set.ca then
    return true
  end
  return file.write(set.ca, menagerie.pki:trust():to_pem(), { overwrite = true })
end

local function nothing() end

-- what can be tried at once; a client that trusts no root of ours refuses all of them
local function say_what_to_try(rows, ca, say)
  if not ca then
    say "to trust its root, have it written: lacre zoo --ca zoo.pem"
  elseif rows[1] then
    say(("try: curl --cacert %s %s"):format(ca, rows[1].url))
  end
end

local function announce(menagerie, set)
  local rows, say = rows_of(menagerie.entries), set.on_event or nothing
  for _, row in ipairs(rows) do
    say(("%-24s %-30s %-4s %s"):format(row.name, row.url, row.verdict, row.about))
  end
  for _, one in ipairs(menagerie.unavailable) do
    say(("%-24s not available: %s"):format(one.name, one.error.message))
  end
  say(("front door: NAME.zoo.test at %s:%d"):format(menagerie.front.host, menagerie.front.port))
  say_what_to_try(rows, set.ca, say)
end

local function until_stopped()
  local stopped = loop.condition()
  for _, name in ipairs { "INT", "TERM" } do
    loop.on_signal(name, function()
      stopped:notify()
    end)
  end
  stopped:wait()
  loop.on_signal("INT", nil)
  loop.on_signal("TERM", nil)
end

local function inside(set)
  if set.run and not set.run:find "%S" then
    return lacre_error.fail("config", "unsupported", "no command to run")
  end
  local menagerie, err = zoo.open { only = set.only, port = set.port }
  local done
  if menagerie then
    done, err = write_ca(menagerie, set)
  end
  if not done then
    return nil, err
  end
  local result = { entries = rows_of(menagerie.entries), unavailable = unavailable_rows(menagerie) }
  if set.run then
    result.tour, err = tour.run(menagerie, set)
  else
    announce(menagerie, set)
    result.served = true
    result.is_told = set.on_start ~= nil and set.on_start(result) or nil
    until_stopped()
  end
  menagerie:close()
  if set.run and not result.tour then
    return nil, err
  end
  return result
end

--- Lists, serves until it is stopped, or runs a command against every entry.
---@param set table see `tool.options`
---@return table? result `entries`, `unavailable`, and with `run` a `tour`
---@return lacre.error? err
function tool.run(set)
  local known, err = zoo.check(set.only)
  if not known then
    return nil, err
  elseif set.list then
    return { entries = rows_of(zoo.rows, set.only), unavailable = {} }
  end
  return loop.enter(inside, set)
end

local function entry_lines(lines, rows, style)
  local group
  local paint = { PASS = style.good, WARN = style.warn, FAIL = style.bad }
  for _, row in ipairs(rows) do
    if row.group ~= group then
      group = row.group
      lines[#lines + 1] = style.bold(group)
    end
    local reasons = #row.reasons > 0 and "  " .. style.dim(table.concat(row.reasons, " ")) or ""
    lines[#lines + 1] = ("  %-23s %s  %s%s"):format(row.name, paint[row.verdict](row.verdict), row.about, reasons)
  end
end

--- For people; nothing where it was served and said on the way.
---@param result table
---@param style lacre.style
---@return string?
function tool.text(result, style)
  if result.served then
    return nil
  end
  local lines = {}
  if result.tour then
    tour.lines(lines, result.tour, style)
  else
    entry_lines(lines, result.entries, style)
  end
  for _, row in ipairs(result.unavailable) do
    lines[#lines + 1] = style.dim(("%s is not available: %s"):format(row.name, row.why))
  end
  return table.concat(lines, "\n")
end

--- Plain data; nothing where it was told when serving began.
function tool.to_table(result)
  return not result.is_told and result or nil
end

local INTERRUPTED = 130

--- A client that overlooked a fault, refused what is good, or never ended is a "no".
function tool.failed(result)
  local walked = result.tour
  return walked and (walked.interrupted and INTERRUPTED or not tour.is_faultless(walked))
end

return toolkit.define(tool)
