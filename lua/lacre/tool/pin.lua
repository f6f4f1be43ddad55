--- pin: the pins of a file or a host, or a comparison with one.

local cert = require "lacre.cert"
local csr_found, csr = pcall(require, "lacre.csr")
local file = require "lacre.file"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local pin = require "lacre.pin"
local probe = require "lacre.health.probe"
local targets = require "lacre.health.targets"
local toolkit = require "lacre.toolkit"

local tool = {
  name = "pin",
  summary = "print the pins of a certificate, key or host, or compare with one",
  description = "A pin is the SHA-256 of a public key (SubjectPublicKeyInfo), as curl and lacre write it. "
    .. "From a file it is certain; from a host that does not verify it is trust on first use.",
  examples = {
    { "lacre pin server.crt", "the pin of each certificate in the file" },
    { "lacre pin example.com", "the pins of the chain, verified" },
    { "lacre pin server.crt --expect sha256//...", "exit code 0 only if it is that key" },
    { "lacre pin example.com --same-as server.key", "exit code 0 only if the host has the key of that file" },
  },
  argument = { name = "target", type = "string", value = "FILE|HOST[:PORT][/PROTOCOL]",
    help = "a file, or where to connect" },
  options = {
    { name = "expect", type = "list", value = "PIN", help = "a pin that must be among them; may be repeated" },
    { name = "same_as", type = "list", value = "FILE",
      help = "a file whose key, or first certificate's, must be among them; may be repeated" },
    { name = "trust", type = "any", value = "FILE", help = "what is trusted (default: the system's CAs)" },
    { name = "server_name", value = "NAME", help = "the name to verify (default: the host)" },
    { name = "timeout", type = "duration", value = "TIME", default = 10, help = "for everything" },
  },
}

local function role_of(certificate, depth)
  if depth == 0 then
    return "leaf"
  end
  return certificate:is_self_issued() and "root" or "intermediate"
end

local function rows_of_chain(chain)
  local rows = {}
  for i, certificate in ipairs(chain) do
    rows[i] = {
      pin = tostring(pin.of(certificate)),
      subject = tostring(certificate:subject()),
      role = role_of(certificate, i - 1),
    }
  end
  return rows
end

local function is_pem(text)
  return text:find("-----BEGIN ", 1, true) ~= nil
end

-- a file holds certificates, or a request, or a key
local function from_file(path)
  local bytes, err = path, nil
  if not is_pem(path) then
    bytes, err = file.read(path)
  end
  if not bytes then
    return nil, err
  end
  local certs
  certs, err = cert.parse_all(bytes)
  if certs and #certs > 0 then
    return { pins = rows_of_chain(certs), source = "file" }
  end
  local request = csr_found and csr.parse(bytes)
  if request then
    return { pins = { { pin = tostring(pin.of(request)), subject = tostring(request:subject()), role = "request" } },
      source = "file" }
  end
  local one, why = key.parse(bytes)
  if one then
    return { pins = { { pin = tostring(pin.of(one)), role = "key" } }, source = "file" }
  end
  return nil, lacre_error.annotate(why.code == "password_required" and why or err, { path = path })
end

local function from_host(set)
  local row, err = targets.parse(set.target)
  local facts
  if row then
    facts, err = probe.run(row, { trust = set.trust, server_name = set.server_name, timeout = set.timeout })
  end
  if not facts then
    return nil, err
  end
  return {
    pins = rows_of_chain(facts.verified_chain or facts.chain),
    source = "host",
    verified = facts.verify.ok,
    error = facts.verify.error,
  }
end

local function expected_pins(set)
  local wanted = {}
  for _, text in ipairs(set.expect or {}) do
    local one, err = pin.parse(text)
    if not one then
      return nil, err
    end
    wanted[tostring(one)] = true
  end
  for _, path in ipairs(set.same_as or {}) do
    local found, err = from_file(path)
    if not found then
      return nil, err
    end
    wanted[found.pins[1].pin] = true
  end
  return wanted
end

-- without verification only the leaf proved that it has its key
local function compare(result, wanted)
  result.match = false
  for i, row in ipairs(result.pins) do
    if wanted[row.pin] and (result.source == "file" or result.verified or i == 1) then
      result.match = true
    end
  end
end

--- The pins of a file or host.
---@param set table see `tool.options`
---@return table? result `pins`, `verified` for hosts, `match` with `expect`
---@return lacre.error? err
function tool.run(set)
  local wanted, err = expected_pins(set)
  local result
  if wanted then
    if is_pem(set.target) or file.stat(set.target) then
      result, err = from_file(set.target)
    else
      result, err = from_host(set)
    end
  end
  if result and (set.expect or set.same_as) then
    compare(result, wanted)
  end
  return result, err
end

function tool.failed(result)
  return result.match == false
end

--- For people: one pin a line, ready to paste.
---@param result table
---@param style lacre.style
---@return string
function tool.text(result, style)
  local lines = {}
  for i, row in ipairs(result.pins) do
    lines[i] = ("%s  %s"):format(row.pin, style.dim(("%s %s"):format(row.role, row.subject or "")))
  end
  if result.source == "host" then
    local paint = result.verified and style.dim or style.warn
    lines[#lines + 1] = paint("# " .. (result.verified and "the chain verifies" or "NOT VERIFIED ("
      .. result.error.code .. ")") .. "; to pin what was seen once is trust on first use:")
    lines[#lines + 1] = paint "# compare it with what the operator says, and pin a spare key too"
  end
  if result.match ~= nil then
    lines[#lines + 1] = result.match and style.good "match" or style.bad "NO MATCH"
  end
  return table.concat(lines, "\n")
end

--- Plain data.
---@param result table
---@return table
function tool.to_table(result)
  return {
    pins = result.pins,
    source = result.source,
    verified = result.verified,
    match = result.match,
    error = result.error and result.error:to_table(),
  }
end

return toolkit.define(tool)
