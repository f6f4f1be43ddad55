--- health.sounding: what a server says to a hello that this OpenSSL would not send.
--
-- Each question is one ClientHello made by hand (`lacre.greeting`) on a connection of its own, which ends
-- with the first record of the answer. So old versions, broken suites and new groups are found whatever
-- the local library implements.

local greeting = require "lacre.tls.greeting"
local host = require "lacre.host"
local lacre_error = require "lacre.error"
local old_suites = require "lacre.tls.old_suites"
local suites = require "lacre.tls.suites"

local fail = lacre_error.fail

local sounding = {}

local function joined(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, number in ipairs(list) do
      all[#all + 1] = number
    end
  end
  return all
end

-- the usual ones first, then all curves that there ever were: a server needs that of its key
local classic = { 0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104 }
for number = 0x0001, 0x0016 do
  classic[#classic + 1] = number
end
for number = 0x001a, 0x001c do
  classic[#classic + 1] = number
end
local hybrid = { 0x11ec, 0x11eb, 0x11ed }
local suites13 = { 0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xc0b4, 0xc0b5 }

--- The questions, by name: what the hello offers.
sounding.questions = {
  -- the best of what is old, and nothing good
  old = { version = 0x0302, ciphers = joined(old_suites.ordinary, old_suites.numbers), groups = classic, bare = true },
  ssl3 = { version = 0x0300, ciphers = joined(old_suites.ordinary, old_suites.numbers), bare = true },
  weak = { version = 0x0303, ciphers = old_suites.numbers, groups = classic },
  tls10 = { version = 0x0301, ciphers = joined(old_suites.ordinary, old_suites.numbers), groups = classic,
    bare = true },
  tls11 = { version = 0x0302, ciphers = joined(old_suites.ordinary, old_suites.numbers), groups = classic,
    bare = true },
  tls12 = { version = 0x0303, ciphers = joined(suites.numbers "1.2", old_suites.numbers), groups = classic },
  tls13 = { version = 0x0303, versions = { 0x0304 }, ciphers = suites13, groups = joined(hybrid, classic) },
  hybrid = { version = 0x0303, versions = { 0x0304 }, ciphers = suites13, groups = hybrid },
}

local function read_record(plain)
  local bytes = ""
  repeat
    local more, err = plain:receive()
    if not more then
      return nil, err
    end
    bytes = bytes .. more
    local length = greeting.record_length(bytes)
  until length == false or (length and #bytes >= length)
  if greeting.record_length(bytes) == false then
    return fail("handshake", "not_tls", "the peer does not speak TLS")
  end
  return bytes
end

-- addresses are not told, and names as they stand on the wire (RFC 6066 section 3)
local function sni_of(server_name)
  local name = server_name and host.reference(server_name)
  return name and name.type == "dns" and name.value or nil
end

-- who hangs up on a hello, or answers nonsense, has refused it
local function refusal(err)
  if err:category() == "timeout" then
    return nil, err
  end
  return { kind = "refused" }
end

--- Asks one question over a plain socket, which is closed then.
---@param plain lacre.tcp
---@param question table of `sounding.questions`
---@param server_name? string
---@return table? answer `kind` ("server_hello" "alert" "refused" "other"), and version, cipher, group, alert
---@return lacre.error? err timeout: nobody answered
function sounding.ask(plain, question, server_name)
  local hello = { server_name = question.version > 0x0300 and sni_of(server_name) or nil }
  for name, value in pairs(question) do
    hello[name] = value
  end
  local done, err = plain:write(greeting.client(hello))
  local bytes
  if done then
    bytes, err = read_record(plain)
  end
  plain:close()
  if not bytes then
    return refusal(err)
  end
  return greeting.read_server(bytes) or { kind = "refused" }
end

local version_names = { [0x0002] = "SSL 2.0", [0x0300] = "SSL 3.0", [0x0301] = "1.0", [0x0302] = "1.1",
  [0x0303] = "1.2" }

--- "1.2" of 0x0303.
---@param number integer
---@return string
function sounding.version_name(number)
  return version_names[number] or (number == 0x0304 and "1.3") or ("0x%04x"):format(number)
end

--- "SSL 3.0" as it is, "TLS 1.1" of "1.1".
---@param version string
---@return string
function sounding.full_name(version)
  return version:find "SSL" and version or "TLS " .. version
end

return sounding
