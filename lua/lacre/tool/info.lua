--- info: what a TLS server is and shows.

local probe = require "lacre.probe"
local target = require "lacre.target"
local time = require "lacre.time"
local toolkit = require "lacre.toolkit"

local info = {
  name = "info",
  summary = "show the TLS of a host: version, cipher suite, certificates, and whether they verify",
  description = "Completes one handshake, also with a server that does not verify, and says what is wrong with it. "
    .. "No application data is sent.",
  examples = {
    { "lacre info example.com", "port 443" },
    { "lacre info mail.example.com:993 --json", "for programs" },
    { "lacre info localhost:8443 --trust localhost.crt", "with your own certificate trusted" },
  },
  argument = { name = "target", type = "string", value = "HOST[:PORT]", help = "where to connect" },
  options = {
    { name = "trust", type = "any", value = "FILE", help = "what is trusted (default: the system's CAs)" },
    { name = "server_name", value = "NAME", help = "the name to ask for and verify (default: the host)" },
    { name = "timeout", type = "duration", value = "TIME", default = "10s", help = "for everything" },
  },
}

--- Connects and tells. A server that does not verify is a result, with `verify.ok` false.
---@param set table see `info.options`
---@return table? result
---@return lacre.error? err where there was no handshake: connection_refused, not_tls, handshake_timeout ...
function info.run(set)
  return probe.run(set.target, { trust = set.trust, server_name = set.server_name, timeout = set.timeout })
end

local function describe_cert(add, depth, cert, pin, style)
  local left = cert:expires_in()
  local when = left >= 0 and "in " .. time.humanize(left) or time.humanize(left) .. " ago"
  add("%s %s", style.bold(("%2d"):format(depth)), tostring(cert:subject()))
  add("   issued by  %s%s", tostring(cert:issuer()), cert:is_self_signed() and " (itself)" or "")
  if #cert:hosts() > 0 then
    add("   names      %s", table.concat(cert:hosts(), ", "))
  end
  local expires = ("%s (%s)"):format(time.format(cert:not_after()), when)
  add("   expires    %s", left >= 0 and expires or style.bad(expires))
  add("   pin        %s", pin)
end

local function describe_verification(add, verify, style)
  if verify.ok then
    add("verified     %s", style.good "yes: chain, name and dates")
    return
  end
  add("verified     %s", style.bad("NO: " .. verify.error.message))
  if verify.error.hint then
    add("             %s", style.dim(verify.error.hint))
  end
end

--- For people.
---@param result table
---@param style lacre.style
---@return string
function info.text(result, style)
  local lines = {}
  local function add(format, ...)
    lines[#lines + 1] = format:format(...)
  end
  add("host         %s (%s)", style.bold(target.format(result.host, result.port)), result.address or "?")
  add("version      TLS %s", result.version)
  add("cipher       %s", result.cipher)
  add("group        %s", result.group or "unknown to this OpenSSL")
  add("signature    %s", result.sigalg or "unknown")
  describe_verification(add, result.verify, style)
  add("time         %.0f ms to connect, %.0f ms for the handshake",
    result.timing.connect * 1000, result.timing.handshake * 1000)
  add("certificates, as the server sent them:")
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

--- Plain data.
---@param result table
---@return table
function info.to_table(result)
  local copy = {}
  for key, value in pairs(result) do
    copy[key] = value
  end
  copy.cert = nil
  copy.chain = plain_chain(result.chain)
  copy.verified_chain = result.verified_chain and plain_chain(result.verified_chain)
  copy.verify = { ok = result.verify.ok, error = result.verify.error and result.verify.error:to_table() }
  return copy
end

--- A host that does not verify is a "no".
function info.failed(result)
  return not result.verify.ok
end

return toolkit.define(info)
