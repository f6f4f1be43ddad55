--- ca.findings: what is wrong in the directory of a CA, rule by rule. Nothing is changed here.
--
-- Each rule looks at a survey and reports; `level` is "error" (the books are wrong or open to
-- others), "warning" (they will be, or somebody should look). `fix` names what `repair` does.

local file = require "lacre.file"
local findings_of_lists = require "lacre.ca.findings_of_lists"
local history = require "lacre.ca.history"
local record = require "lacre.ca.record"
local time = require "lacre.time"

local findings = {}

---@class lacre.ca.finding
---@field level "error"|"warning"
---@field rule string
---@field text string
---@field serial? string
---@field fix? string mode index log leftovers recover adopt clock

local DAY = 86400

local rules = {}

-- who may read and write --

local private = { "key", "log", "lock", "ocsp_key" }
local shared = { "directory", "certs", "index", "cert", "serial", "crlnumber", "policy" }

function rules.modes(found, report)
  for _, what in ipairs(private) do
    local stat = file.stat(found.paths[what])
    if stat and stat.mode % 64 ~= 0 then
      report("error", ("%s can be read by others (mode %o)"):format(found.paths[what], stat.mode), { fix = "mode" })
    end
  end
  for _, what in ipairs(shared) do
    local stat = file.stat(found.paths[what])
    if stat and (math.floor(stat.mode / 16) % 2 == 1 or math.floor(stat.mode / 2) % 2 == 1) then
      report("error", ("%s can be changed by others (mode %o)"):format(found.paths[what], stat.mode), { fix = "mode" })
    end
  end
end

-- the CA itself --

function rules.authority(found, report)
  local cert, now = found.cert, time.now()
  local left = cert:not_after() - now
  if not cert:is_ca() then
    report("error", "its certificate is not a CA certificate")
  elseif left < 0 then
    report("error", ("the CA certificate expired %s"):format(time.format(cert:not_after())))
  elseif left < 90 * DAY then
    report("warning", ("the CA certificate expires in %s"):format(time.humanize(left)))
  end
  if cert:not_before() > now + 300 then
    report("warning", "the CA certificate is not valid yet: is the clock right?")
  end
end

-- a key that is sealed is only looked at where its password is given
function rules.key(found, report)
  if found.key_state == "missing" then
    report("warning", found.paths.key .. " is missing: nothing can be signed")
  elseif found.key_state == "foreign" then
    report("error", "the key does not belong to the CA's certificate")
  elseif found.key_state == "unreadable" then
    report("error", ("%s is not a key: %s"):format(found.paths.key, tostring(found.key_error)))
  end
end

function rules.policy(found, report)
  if found.policy.problem then
    report("error", ("nothing can be issued: %s"):format(found.policy.problem.message))
  end
end

function rules.chain(found, report)
  local below = found.cert
  if #(found.above or {}) == 0 and not below:is_self_issued() then
    report("warning", ("%s does not hold the certificates above this CA: their name constraints are not known"):format(
      found.paths.chain))
  end
  for _, cert in ipairs(found.above or {}) do
    if not below:is_issued_by(cert) then
      report("error", ("%s was not issued by %s"):format(tostring(below:subject()), tostring(cert:subject())))
    end
    below = cert
  end
end

-- the index, and the certificates it is about --

function rules.index(found, report)
  if found.no_index then
    report("error", found.paths.index .. " is missing", { fix = "index" })
  end
  for _, fault in ipairs(found.faults) do
    report("error", ("index.txt, line %d: %s"):format(fault.line, fault.why), { fix = "index" })
  end
  for _, serial in ipairs(found.twice) do
    report("error", "it is in the index twice", { serial = serial })
  end
end

local function check_pair(found, one, cert, report)
  local about = { serial = one.serial }
  if record.serial(cert:serial()) ~= one.serial then
    report("error", "the file with this serial number contains another certificate", about)
  elseif not cert:is_issued_by(found.cert) then
    report("error", "it was not signed by this CA", about)
  elseif cert:not_after() ~= one.not_after then
    report("error", ("the index says it expires %s, but it expires %s"):format(
      time.format(one.not_after), time.format(cert:not_after())), about)
  end
end

function rules.certificates(found, report)
  for _, one in ipairs(found.records) do
    local cert, fate = found.certs[one.serial], found.fates[one.serial]
    if cert then
      check_pair(found, one, cert, report)
    elseif fate and fate.issued then
      report("error", "it is in the index, but its certificate is missing", { serial = one.serial })
    else
      report("warning", "its certificate is not stored here", { serial = one.serial })
    end
  end
  for path, serial in pairs(found.misnamed) do
    report("error", ("%s contains the certificate of another serial"):format(path), { serial = serial, fix = "names" })
  end
  for path, why in pairs(found.alien) do
    report("error", ("%s is not a certificate: %s"):format(path, why))
  end
end

function rules.records(found, report)
  for serial, cert in pairs(found.certs) do
    if not found.by_serial[serial] then
      local ours = cert:is_issued_by(found.cert)
      local text = ours and "it was issued, but is not in the index"
        or "it is stored here, but was not signed by this CA"
      report("error", text, { serial = serial, fix = ours and "index" or nil })
    end
  end
end

-- the log --

function rules.log(found, report)
  local serial, event = history.pending(found.entries)
  if found.log_text == nil or found.log_text == "" then
    report("warning", "there is no log: nothing shows what this CA did", { fix = "recover" })
  elseif found.chain.problem then
    report("error", ("log.jsonl, line %d: %s"):format(found.chain.line, found.chain.problem))
  elseif found.chain.torn then
    report("error", "the last line of the log is incomplete", { fix = "recover" })
  elseif serial then
    report("error", ("an %s was started but not finished"):format(event), { serial = serial, fix = "recover" })
  end
end

function rules.noted_head(found, report, given)
  if given.expect and not found.chain.seen[given.expect] then
    report("error", "the log does not contain the expected line: it was rewritten")
  end
end

-- what the log and the index say of each other
function rules.agreement(found, report)
  if not found.log_text or found.chain.problem then
    return
  end
  for serial, fate in pairs(found.fates) do
    local one = found.by_serial[serial]
    if fate.issued and not one then
      report("error", "the log says it was issued, but it is not in the index", { serial = serial, fix = "index" })
    elseif one and fate.revoked and not one.revoked_at then
      report("error", "the log says it is revoked, but the index does not", { serial = serial, fix = "index" })
    end
  end
  for _, one in ipairs(found.records) do
    local fate = found.fates[one.serial]
    if not fate or not fate.issued and not fate.open then
      report("warning", "it is not in the log: another program issued it", { serial = one.serial, fix = "adopt" })
    elseif one.revoked_at and not fate.revoked and not fate.open then
      report("warning", "its revocation is not in the log: another program revoked it",
        { serial = one.serial, fix = "adopt" })
    end
  end
end

function rules.clock(found, report)
  local last, latest, now = nil, nil, time.now()
  for _, entry in ipairs(found.entries) do
    local at = time.parse(entry.time)
    if at and last and at < last - 300 then
      report("warning", ("line %d of the log is older than the one above: the clock was set back"):format(entry.seq))
    end
    last = at or last
    latest = entry.event ~= "clock" and latest and math.max(latest, last) or last
  end
  if latest and latest > now + 300 then
    report("warning", ("the log goes to %s, which is in the future: is the clock right?"):format(time.format(latest)),
      { fix = "clock" })
  end
end

for name, rule in pairs(findings_of_lists) do
  rules[name] = rule
end

function rules.leftovers(found, report)
  for _, path in ipairs(found.leftovers) do
    report("warning", path .. " was left behind by a process that died", { fix = "leftovers" })
  end
end

local order = {
  "modes", "authority", "key", "policy", "chain", "index", "certificates", "records", "log", "noted_head", "agreement",
  "clock", "numbers", "revocations", "crl", "lost_keys", "leftovers",
}

--- Everything that is wrong.
---@param found lacre.ca.survey
---@param given { expect?: string }
---@return lacre.ca.finding[]
function findings.of(found, given)
  local list = {}
  for _, rule in ipairs(order) do
    rules[rule](found, function(level, text, more)
      more = more or {}
      list[#list + 1] = { level = level, rule = rule, text = text, serial = more.serial, fix = more.fix }
    end, given)
  end
  return list
end

return findings
