--- tool.pin: the pins of files and hosts, or a comparison with some.

local lacre_error = require "lacre.error"
local later = require "lacre.later"
local shared = require "lacre.toolkit.shared"
local toolkit = require "lacre.toolkit"

local documents = later "lacre.x509.documents"
local file = later "lacre.file"
local inquiry = later "lacre.health.inquiry"
local pem = later "lacre.pem"
local pin = later "lacre.pin"
local pins = later "lacre.report.pins"
local plain = later "lacre.plain"
local health_target = later "lacre.health.target"

local tool = {
  name = "pin",
  summary = "print the pins of certificates, keys and hosts, or compare them",
  description = "A pin is the SHA-256 of a public key (SubjectPublicKeyInfo), written as curl writes it. A pin "
    .. "taken from your own file is certain; a pin taken from a host is trust on first use.",
  examples = {
    { "lacre pin server.crt", "the pin of each certificate in the file" },
    { "lacre pin example.com", "the pins of the host's verified chain" },
    { "lacre pin *.key a.example.com b.example.com:8443", "several at once; each line says whose pin it is" },
    { "lacre pin server.crt --expect sha256//...", "exit code 0 only if the file has that key" },
    { "lacre pin example.com --same-as server.key", "exit code 0 only if the host has the key of that file" },
  },
  argument = { name = "targets", also = "target", type = "texts", many = true, value = "FILE|HOST[:PORT][/PROTOCOL]",
    help = "files, - for standard input, or hosts" },
  options = {
    { name = "expect", type = "texts", many = true, value = "PIN",
      help = "each target must have this pin; may be repeated, then one of them" },
    { name = "same_as", type = "texts", many = true, value = "FILE",
      help = "the same, with the key of this file (or of its first certificate); may be repeated" },
    shared.trust,
    { name = "server_name", value = "NAME", help = "host name to verify (default: the host)" },
    { name = "timeout", type = "duration", value = "TIME", default = 10, help = "time limit for each host" },
    { name = "password", type = "password", help = "keys and PKCS#12 files" },
  },
  exits = { { 1, "a target has none of the pins it must have" }, { 3, "a target could not be read or reached" } },
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

-- the certificates among documents; where there are none, requests and keys
local function rows_of_documents(list)
  local certs, others = {}, {}
  for _, found in ipairs(list) do
    if found.kind == "cert" then
      certs[#certs + 1] = found.value
    elseif found.kind == "csr" or found.kind == "key" then
      others[#others + 1] = {
        pin = tostring(pin.of(found.value)), role = found.kind == "csr" and "request" or "key",
        subject = found.kind == "csr" and tostring(found.value:subject()) or nil,
      }
    end
  end
  return #certs > 0 and rows_of_chain(certs) or others
end

local function first_error(list)
  for _, found in ipairs(list) do
    if found.error then
      return found.error
    end
  end
  return lacre_error.new { code = "no_key", stage = "parse", message = "it contains no key", path = list[1].path }
end

local function from_file(path, password)
  local list, err = documents.load(path, { password = password })
  if not list then
    return nil, err
  end
  local rows = rows_of_documents(list)
  if #rows == 0 then
    return nil, first_error(list)
  end
  return { pins = rows, source = "file" }
end

local function from_host(target, set)
  local row, err = health_target.parse(target)
  local facts
  if row then
    facts, err = inquiry.reach(row, set)
  end
  if not facts then
    return nil, err
  elseif not facts.chain[1] then
    return nil, lacre_error.new {
      code = "handshake_failed", stage = "handshake", host = facts.host, port = facts.port,
      message = "the server sent no certificate, so there is no key to pin", hint = "run lacre info HOST for more",
    }
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
    local found, err = from_file(path, set.password)
    if not found then
      return nil, err
    end
    wanted[found.pins[1].pin] = true
  end
  return wanted
end

-- without verification only the leaf proved that it has its key
local function compare(result, wanted)
  for i, row in ipairs(result.pins) do
    if wanted[row.pin] and (result.source == "file" or result.verified or i == 1) then
      return true
    end
  end
  return false
end

local endings = { pem = true, crt = true, cer = true, der = true, key = true, csr = true, p12 = true, pfx = true }

-- a path, or what ends as files do and no host: one that is not there is missing, and nobody is asked for it
local function is_file(target)
  local is_path = target:find "^%.?%.?/" or endings[target:match "%.(%l[%l%d]+)$"]
  return target == "-" or pem.is(target) or is_path or file.stat(target) ~= nil
end

local function from(target, set)
  if is_file(target) then
    return from_file(target, set.password)
  end
  return from_host(target, set)
end

-- one target's answer; what kept it from answering is an answer too
local function answer_of(target, set, wanted)
  local found, err = from(target, set)
  found = found or { pins = {}, error = err }
  found.target = pem.is(target) and "text" or target
  if wanted then
    found.match = compare(found, wanted)
  end
  return found
end

local function joined(answers)
  local result = { pins = {}, targets = answers, match = answers[1].match }
  for _, one in ipairs(answers) do
    for _, row in ipairs(one.pins) do
      row.target = one.target
      result.pins[#result.pins + 1] = row
    end
    result.match = result.match and one.match
  end
  return result
end

--- The pins of files and hosts. Of one alone what is said of it is in the result itself too.
---@param set table see `tool.options`
---@return table? result `pins`, each with its `target`; `match` with `expect`; `targets` with `source`, `match`, and
--- `verified` for hosts
---@return lacre.error? err
function tool.run(set)
  local wanted, err = expected_pins(set)
  if not wanted then
    return nil, err
  end
  local answers = {}
  for i, target in ipairs(set.targets) do
    answers[i] = answer_of(target, set, (set.expect or set.same_as) and wanted)
  end
  local result, one = joined(answers), answers[1]
  if #answers == 1 then
    if not one.source then
      return nil, one.error
    end
    result.source, result.verified, result.error = one.source, one.verified, one.error
  end
  return result
end

--- No where one does not match, and 3 where one of many could not be asked.
function tool.failed(result)
  for _, one in ipairs(result.targets) do
    if not one.source then
      return 3
    end
  end
  return result.match == false
end

tool.text = pins.text

local function target_table(one)
  return {
    target = plain.text(one.target), source = one.source, verified = one.verified, match = one.match,
    error = one.error and one.error:to_table(),
  }
end

--- Plain data.
---@param result table
---@return table
function tool.to_table(result)
  local alone = #result.targets == 1 and target_table(result.targets[1]) or {}
  local list = {}
  for i, one in ipairs(result.targets) do
    list[i] = target_table(one)
  end
  return {
    pins = plain.value(result.pins), targets = list, match = result.match,
    source = alone.source, verified = alone.verified, error = alone.error,
  }
end

return toolkit.define(tool)
