--- report.record: one result of the health check as plain data, the shape that JSON, JSON Lines and state share.

local core = require "lacre.core"
local cells = require "lacre.report.cells"
local plain = require "lacre.plain"
local time = require "lacre.time"

local record = {}

local function stamp(instant)
  return instant and time.format(instant) or nil
end

local function key_of(cert)
  local key = cert:public_key()
  return key and (key:curve() or ("%s-%d"):format(key:type():upper(), key:bits())) or nil
end

local function certificate(cert)
  return {
    subject = tostring(cert:subject()), issuer = tostring(cert:issuer()), san = cert:hosts(), serial = cert:serial(),
    not_before = stamp(cert:not_before()), not_after = stamp(cert:not_after()), key = key_of(cert),
    sig = cert:signature_algorithm(), sha256 = core.bytes.hex(core.bytes.digest("sha256", cert:to_der())),
    spki = cert:pin(),
  }
end

local function chain(list)
  local out = {}
  for i, cert in ipairs(list or {}) do
    out[i] = {
      subject = tostring(cert:subject()), issuer = tostring(cert:issuer()), not_after = stamp(cert:not_after()),
      spki = cert:pin(), ca = cert:is_ca(),
    }
  end
  return out
end

local function milliseconds(timing)
  local ms = {}
  for name, seconds in pairs(timing or {}) do
    if type(seconds) == "number" then
      ms[name] = math.floor(seconds * 10000 + 0.5) / 10
    end
  end
  return next(ms) and ms or nil
end

local function words(notes)
  local out = {}
  for i, note in ipairs(notes) do
    out[i] = note.code == "PQ" and "PQ:" .. note.message or note.code
  end
  return out
end

-- what a problem says beside its words, and no more than JSON can carry
local function problem_of(problem)
  local out = {}
  for name, value in pairs(problem) do
    local kind = type(value)
    out[name] = (kind == "string" or kind == "number" or kind == "boolean" or kind == "table") and value or nil
  end
  return out
end

local function map(list, convert)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = convert(item)
  end
  return out
end

--- Plain data of one result.
---@param result table of `lacre.health.checkup`
---@return table
function record.of(result)
  local tls = result.version and {
    version = "TLSv" .. result.version, cipher = result.cipher, group = result.key_exchange, alpn = result.alpn,
    sigalg = result.sigalg, client_cert = result.client_cert, pq = result.hybrid_group or nil,
  }
  return plain.value {
    v = 1, target = result.target, file = result.file, line = result.line, group = result.group,
    verdict = cells.verdict(result.grade), reason = result.reason, reasons = result.reasons,
    problems = map(result.problems, problem_of), info = words(result.notes), notes = map(result.notes, problem_of),
    ip = result.address, port = result.port, starttls = result.starttls, tls = tls or nil,
    cert = result.cert and certificate(result.cert) or nil,
    chain = result.chain and chain(result.chain) or nil,
    verified_chain = result.verified_chain and chain(result.verified_chain) or nil,
    days_left = result.days_left and math.floor(result.days_left * 100) / 100 or nil,
    ms = milliseconds(result.timing), attempts = result.attempts, addresses = result.addresses,
    changes = result.changes,
    error = result.err and { code = result.err.code, message = result.err.message, stage = result.err.stage } or nil,
  }
end

--- Plain data of all of them, with the summary.
---@param results lacre.survey
---@return table
function record.all(results)
  return {
    v = 1, results = map(results, record.of), counts = results.counts,
    worst = results.worst and cells.verdict(results.worst),
    started = stamp(results.started), seconds = math.floor(results.seconds * 1000 + 0.5) / 1000,
    interrupted = results.interrupted, total = results.total, gone = plain.value(results.gone),
    earliest = results.earliest and
      { target = plain.text(results.earliest.target), not_after = stamp(results.earliest.not_after) } or nil,
  }
end

return record
