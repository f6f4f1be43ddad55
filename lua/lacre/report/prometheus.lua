--- report.prometheus: results of the health check in the text format of metrics.
--
-- Names that dashboards know (probe_success, probe_ssl_earliest_cert_expiry, ssl_cert_not_after) beside our
-- own. Whatever is known is told, also of a certificate that fails, and nothing carries a timestamp: the
-- textfile collector of node_exporter refuses those.

local decimal = require "lacre.decimal"
local plain = require "lacre.plain"

local status = { pass = 0, warn = 1, fail = 2 }

local function escaped(text)
  return (plain.printable(tostring(text)):gsub("\\", "\\\\"):gsub('"', '\\"'))
end

local function labels(list)
  local out = {}
  for i = 1, #list, 2 do
    out[#out + 1] = ('%s="%s"'):format(list[i], escaped(list[i + 1]))
  end
  return #out > 0 and "{" .. table.concat(out, ",") .. "}" or ""
end

local function number(value)
  return value == math.floor(value) and ("%d"):format(value) or decimal.format(value, 6)
end

-- metric -> help, and a function that adds samples of one result
local metrics = {
  { "tls_health_status", "Verdict of a target: 0 PASS, 1 WARN, 2 FAIL.", function(add, result)
    add(status[result.grade])
  end },
  { "tls_health_reason", "1 for each reason of a target.", function(add, result)
    local seen = {}
    for _, problem in ipairs(result.problems) do
      if not seen[problem.code] then
        seen[problem.code] = true
        add(1, "code", problem.code, "severity", problem.severity)
      end
    end
  end },
  { "probe_success", "Whether the target does not fail.", function(add, result)
    add(result.grade == "fail" and 0 or 1)
  end },
  { "tls_cert_verify_ok", "Whether chain and name verify.", function(add, result)
    add(result.verified and 1 or 0)
  end },
  { "tls_cert_not_after_timestamp_seconds", "Expiry of the server's certificate.", function(add, result)
    if result.not_after then
      add(result.not_after, "serial", result.cert:serial())
    end
  end },
  { "probe_ssl_earliest_cert_expiry", "Earliest expiry among the certificates sent.", function(add, result)
    if result.soonest_not_after then
      add(result.soonest_not_after)
    end
  end },
  { "ssl_cert_not_after", "Expiry of each certificate sent.", function(add, result)
    local seen = {}
    for i, cert in ipairs(result.chain or {}) do
      local id = cert:serial() .. tostring(cert:issuer())
      if not seen[id] and cert:not_after() then
        seen[id] = true
        add(cert:not_after(), "cn", cert:subject():get "CN" or "", "serial_no", cert:serial(),
          "issuer_cn", cert:issuer():get "CN" or "", "depth", i - 1)
      end
    end
  end },
  { "probe_tls_version_info", "TLS version.", function(add, result)
    if result.version then
      add(1, "version", "TLS " .. result.version)
    end
  end },
  { "probe_tls_cipher_info", "Cipher suite.", function(add, result)
    if result.cipher then
      add(1, "cipher", result.cipher)
    end
  end },
  { "tls_health_pq", "Whether the key exchange is post-quantum.", function(add, result)
    if result.version then
      local group = result.hybrid_group or result.key_exchange or ""
      add(group:find "MLKEM" and 1 or 0, "group", group)
    end
  end },
  { "tls_health_duration_seconds", "Duration of each stage.", function(add, result)
    for _, stage in ipairs { "resolve", "connect", "starttls", "handshake", "total" } do
      local seconds = result.timing and result.timing[stage]
      if seconds then
        add(seconds, "phase", stage)
      end
    end
  end },
}

local function family(lines, name, help, samples)
  if #samples > 0 then
    lines[#lines + 1] = ("# HELP %s %s"):format(name, help)
    lines[#lines + 1] = ("# TYPE %s gauge"):format(name)
    for _, sample in ipairs(samples) do
      lines[#lines + 1] = sample
    end
  end
end

-- a target that is listed twice is told once, by its worst result: two samples of one name are an error
local function distinct(results)
  local place, list = {}, {}
  for _, result in ipairs(results) do
    local at = place[result.target]
    if not at then
      list[#list + 1], place[result.target] = result, #list + 1
    elseif status[result.grade] > status[list[at].grade] then
      list[at] = result
    end
  end
  return list
end

---@param results lacre.survey
---@param set? { probe?: boolean } `probe`: of one target, whose name the scraper knows
---@return string
return function(results, set)
  local lines, alone = {}, set and set.probe
  local list = distinct(results)
  for _, metric in ipairs(metrics) do
    local name, samples = metric[1], {}
    for _, result in ipairs(list) do
      metric[3](function(value, ...)
        local pairs_of = alone and { ... } or { "target", result.target, ... }
        samples[#samples + 1] = ("%s%s %s"):format(name, labels(pairs_of), number(value))
      end, result)
    end
    family(lines, name, metric[2], samples)
  end
  family(lines, "probe_duration_seconds", "Duration of the run.", { "probe_duration_seconds "
    .. number(results.seconds) })
  if not alone then
    family(lines, "tls_health_last_run_timestamp_seconds", "When the run ended.",
      { "tls_health_last_run_timestamp_seconds " .. number(math.floor(results.started + results.seconds)) })
  end
  return table.concat(lines, "\n") .. "\n"
end
