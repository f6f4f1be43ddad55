--- health.diagnosis.error: a handshake that did not come about, as reasons of the health check.

local old_suites = require "lacre.tls.old_suites"
local sounding = require "lacre.health.sounding"
local groups = require "lacre.tls.groups"
local target = require "lacre.net.target"

local diagnosis_error = {}

-- error code of the library -> reason
local reasons = {
  bad_name = "TARGET_INVALID",
  host_not_found = "DNS_FAILED", dns_failure = "DNS_FAILED", resolve_timeout = "DNS_FAILED",
  connection_refused = "CONNECT_REFUSED", connect_timeout = "CONNECT_TIMEOUT",
  handshake_timeout = "TIMEOUT", timeout = "TIMEOUT",
  connection_reset = "RESET", broken_pipe = "RESET",
  unexpected_eof = "CLOSED_EARLY", closed = "CLOSED_EARLY",
  not_tls = "NOT_TLS", http_plaintext = "NOT_TLS",
  starttls_unsupported = "STARTTLS_REFUSED", starttls_refused = "STARTTLS_REFUSED",
    plaintext_pending = "STARTTLS_REFUSED",
  unrecognized_name = "NAME_UNRECOGNIZED",
  internal_error = "INTERNAL",
}

local by_category = { network = "CONNECT_FAILED", timeout = "TIMEOUT", closed = "CLOSED_EARLY",
  config = "TARGET_INVALID" }

local function reason_of(err)
  return reasons[err.code] or by_category[err:category()] or "HANDSHAKE_FAILED"
end

local function weak_suite(out, answer)
  local row = old_suites.by_number[answer.cipher]
  if row then
    out:add("WEAK_CIPHER", ("%s (%s) is the best it offers"):format(row.name, row.weakness), { cipher = row.name })
  end
  return row
end

-- what a server that refused us says to hellos by hand
local function explain(out, answers)
  for _, name in ipairs { "old", "ssl3", "weak" } do
    local answer = answers[name]
    if answer and answer.kind == "server_hello" then
      if answer.version < 0x0303 then
        local version = sounding.version_name(answer.version)
        local full = sounding.full_name(version)
        out:add("TLS_TOO_OLD", ("the server supports at most %s; TLS 1.2 is required"):format(full),
          { version = version })
      end
      weak_suite(out, answer)
    end
  end
  local hybrid = answers.tls13
  if hybrid and hybrid.kind == "server_hello" and hybrid.group and not out.list[1] then
    local group = groups.name_of(hybrid.group) or ("0x%04x"):format(hybrid.group)
    out:add("CLIENT_TOO_OLD", ("the server requires the group %s, which this OpenSSL does not support"):format(group),
      { group = group })
  end
end

-- what was waited for; of other stages the reason tells it
local waiting = { handshake = "in the handshake", starttls = "before TLS began", read = "before TLS began" }

local function message_of(err)
  local when = reason_of(err) == "TIMEOUT" and waiting[err.stage]
  local protocol = err.detail and err.detail.starttls
  if when then
    return err.message .. ", " .. when
  elseif protocol and err.host and err.port then
    return ("%s: write %s/%s"):format(err.message, target.format(err.host, err.port), protocol)
  end
  return err.message
end

--- Adds why there was no handshake.
---@param out lacre.findings
---@param err lacre.error
---@param answers? table<string, table> of `lacre.health.sounding`, by question
function diagnosis_error.check(out, err, answers)
  explain(out, answers or {})
  if #out.list > 0 then
    return
  end
  local fields = { error = err.code, alert = err.alert, stage = err.stage }
  fields.looks_like = err.detail and err.detail.looks_like
  out:add(reason_of(err), message_of(err), fields)
end

--- Adds what is old beside what is good.
---@param out lacre.findings
---@param answer? table of `lacre.health.sounding`
---@param err? lacre.error why there was no answer
function diagnosis_error.check_old(out, answer, err)
  if err then
    out:add("OLD_TLS_UNKNOWN", "a hello of TLS 1.1 had no answer: " .. err.message, { error = err.code })
  end
  if not answer or answer.kind ~= "server_hello" or answer.version >= 0x0303 then
    return
  end
  local version = sounding.version_name(answer.version)
  out:add("OFFERS_OLD_TLS", ("it still supports %s"):format(sounding.full_name(version)),
    { version = version, severity = answer.version <= 0x0300 and "fail" or nil })
  local row = old_suites.by_number[answer.cipher]
  if row then
    out:add("WEAK_CIPHER", ("with %s it accepts %s (%s)"):format(sounding.full_name(version), row.name, row.weakness),
      { cipher = row.name })
  end
end

return diagnosis_error
