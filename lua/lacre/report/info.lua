--- report.info: what a TLS server is and shows, for people and for programs.

local cells = require "lacre.report.cells"
local health_codes = require "lacre.health.codes"
local meanings = require "lacre.report.meanings"
local shown = require "lacre.x509.shown"
local target = require "lacre.net.target"
local time = require "lacre.time"

local info = {}

-- lines with a label, and with a sentence under it where that is wanted
local function writer(explains, style)
  local lines = {}
  local function add(format, ...)
    lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
  end
  local function say(meaning)
    if explains and meaning then
      lines[#lines + 1] = "             " .. style.dim(meaning)
    end
  end
  return lines, add, say
end

local function dated(instant)
  return instant and time.format(instant) or "no date"
end

local function ending(cert, style)
  local last, left = cert:not_after(), cert:expires_in()
  if not last then
    return style.bad "no date"
  elseif left >= 0 then
    return ("%s (in %s)"):format(time.format(last), time.humanize(left))
  end
  return style.bad(("%s (%s ago)"):format(time.format(last), time.humanize(left)))
end

local function describe_cert(add, depth, cert, pin, style)
  local key = cert:public_key()
  add("%s %s", style.bold(("%2d"):format(depth)), tostring(cert:subject()))
  add("   issued by  %s%s", tostring(cert:issuer()), cert:is_self_signed() and " (self-signed)" or "")
  local names = shown.hosts(cert)
  if names then
    add("   names      %s", names)
  end
  add("   valid      %s to %s", dated(cert:not_before()), ending(cert, style))
  add("   key        %s, signed with %s", key and (key:curve() or ("%s %d"):format(key:type():upper(), key:bits()))
    or "unknown",
    cert:signature_algorithm())
  add("   pin        %s", pin)
end

local function describe_verification(add, say, result, style)
  local verify = result.verify
  if not result.version then
    add("handshake    %s", style.bad("none: " .. verify.error.message))
    return
  elseif verify.ok then
    add("verified     %s", style.good "yes: chain, name and dates")
    say(meanings.verified)
    return
  end
  add("verified     %s", style.bad("NO: " .. (verify.error and verify.error.message or "there is no certificate")))
  if verify.error and verify.error.hint then
    add("             %s", style.dim(verify.error.hint))
  end
  say(meanings.unverified)
end

local paint = { pass = "good", warn = "warn", fail = "bad" }

local function describe_problems(add, say, result, style)
  add("verdict      %s", style[paint[result.grade]](cells.verdict(result.grade)))
  for _, list in ipairs { result.problems, result.notes } do
    for _, problem in ipairs(list) do
      local mark = style[({ fail = "bad", warn = "warn", info = "dim" })[problem.severity]](problem.code)
      add("             %s %s", mark, problem.message)
      say("  " .. health_codes.by_code[problem.code].meaning)
    end
  end
end

local function describe_time(add, say, timing)
  local stages = {}
  for _, stage in ipairs { "resolve", "connect", "starttls", "handshake", "total" } do
    if timing[stage] then
      stages[#stages + 1] = ("%s %.1f ms"):format(stage, timing[stage] * 1000)
    end
  end
  if #stages > 0 then
    add("time         %s", table.concat(stages, ", "))
    say(meanings.time)
  end
end

local function describe_connection(add, say, result)
  if not result.version then
    return
  end
  add("version      TLS %s", result.version)
  say(meanings.version[result.version])
  add("cipher       %s", result.cipher)
  say(meanings.cipher)
  add("group        %s", result.group or result.dh and ("DH, %d bits"):format(result.dh.bits) or "none")
  say((result.group or result.dh) and meanings.group or meanings.no_group)
  add("signature    %s", result.sigalg or "none")
  say(result.sigalg and meanings.signature or meanings.no_signature)
  if result.alpn then
    add("alpn         %s", result.alpn)
    say(meanings.alpn)
  end
end

local words = { no = "not requested", requested = "requested, not required", required = "required",
  rejected = "refused" }

local function describe_extras(add, say, result)
  if not result.version then
    return
  end
  add("ocsp staple  %s", result.staple_state or (result.staple and "not checked: the chain does not verify") or "none")
  say(meanings.staple)
  add("client cert  %s", words[result.client_cert])
  say(meanings.client_cert)
  local scts = result.cert and #result.cert:scts() or 0
  add("scts         %s", scts == 0 and "none in the certificate" or ("%d in the certificate"):format(scts))
  say(meanings.scts)
end

local function yes_no(value)
  return value == nil and "unknown: it could not be tested" or value and "yes" or "no"
end

local function describe_offers(add, say, found)
  local versions = {}
  for _, version in ipairs { "SSL 3.0", "1.0", "1.1", "1.2", "1.3" } do
    versions[#versions + 1] = found.versions[version] and version or nil
  end
  add("versions     %s", #versions > 0 and table.concat(versions, ", ") or "none")
  say(meanings.versions)
  if #found.unanswered > 0 then
    add("unanswered   %s", table.concat(found.unanswered, ", "))
    say(meanings.unanswered)
  end
  for _, version in ipairs { "1.3", "1.2" } do
    for i, name in ipairs(found.suites[version] or {}) do
      add("%s%s", i == 1 and ("suites %s   "):format(version) or (" "):rep(13), name)
    end
  end
  if found.suites["1.3"] or found.suites["1.2"] then
    say(meanings.suites)
  end
  if found.groups then
    add("groups       %s", #found.groups > 0 and table.concat(found.groups, ", ") or "none")
    say(meanings.groups)
  end
end

local function describe_capabilities(add, say, result)
  local found = result.capabilities
  describe_offers(add, say, found)
  if result.version and found.default_pin ~= result.pins[1] then
    add("without SNI  %s", found.default_pin and "another certificate: " .. found.default_pin or "no handshake")
    say(meanings.sni)
  end
  add("resumption   %s", yes_no(found.resumption))
  say(meanings.resumption)
  add("hsts         %s", type(found.hsts) == "table" and found.hsts.text or yes_no(found.hsts))
  say(meanings.hsts)
end

local function describe_path(add, say, chain)
  local names = {}
  for i, cert in ipairs(chain or {}) do
    names[i] = cells.common_name(shown.subject(cert) or "?")
  end
  if #names > 0 then
    add("path         %s", table.concat(names, " <- "))
    say(meanings.path)
  end
end

--- For people.
---@param result table
---@param style lacre.style
---@return string
function info.text(result, style)
  local lines, add, say = writer(result.explained, style)
  local name = result.server_name
  add("host         %s (%s)%s%s", style.bold(target.format(result.host, result.port)), result.address or "?",
    name and name ~= result.host and ", asked for " .. style.bold(name) or "",
    result.starttls and " after STARTTLS of " .. result.starttls or "")
  describe_connection(add, say, result)
  describe_verification(add, say, result, style)
  describe_path(add, say, result.verified_chain)
  describe_problems(add, say, result, style)
  describe_extras(add, say, result)
  describe_time(add, say, result.timing)
  if result.capabilities then
    describe_capabilities(add, say, result)
  end
  if not result.chain[1] then
    return table.concat(lines, "\n")
  end
  add "certificates sent by the server:"
  say(meanings.chain)
  say("The pin: " .. meanings.pin)
  for i, cert in ipairs(result.chain) do
    describe_cert(add, i - 1, cert, result.pins[i], style)
  end
  return table.concat(lines, "\n")
end

local function plain_chain(chain)
  local list = {}
  for i, cert in ipairs(chain or {}) do
    list[i] = cert:to_table()
  end
  return list
end

local hidden = { cert = true, built_chain = true, staple = true, explained = true, client_cert_error = true,
  offered = true, is_insisting = true, refusal = true, old_error = true, hybrid_error = true }

--- Plain data.
---@param result table
---@return table
function info.to_table(result)
  local copy = {}
  for key, value in pairs(result) do
    copy[key] = not hidden[key] and value or nil
  end
  copy.chain = plain_chain(result.chain)
  copy.verified_chain = result.verified_chain and plain_chain(result.verified_chain)
  copy.verify = { ok = result.verify.ok, error = result.verify.error and result.verify.error:to_table() }
  copy.ocsp = result.staple and { staple = result.staple_state or "not checked" } or nil
  copy.scts = result.cert and result.cert:scts() or nil
  copy.grade = cells.verdict(result.grade)
  return copy
end

return info
