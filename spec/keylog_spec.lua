-- The lines of SSLKEYLOGFILE, proved by another program that reads a capture with them.
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local directory = process.directory()

-- a capture (libpcap, raw IPv4) of a conversation that took place in memory: flights of { from_client, bytes }
local function u16(n)
  return string.char(math.floor(n / 256) % 256, n % 256)
end

local function u32(n)
  return u16(math.floor(n / 65536)) .. u16(n % 65536)
end

local function le32(n)
  return u32(n):reverse()
end

local function checksum(header)
  local sum = 0
  for at = 1, #header, 2 do
    local high, low = header:byte(at, at + 1)
    sum = sum + high * 256 + low
  end
  while sum > 65535 do
    sum = sum % 65536 + math.floor(sum / 65536)
  end
  return 65535 - sum
end

local function packet(from_client, seq, ack, flags, bytes)
  local client, server = "\127\0\0\1", "\127\0\0\2"
  local source, target = u16(40000), u16(443)
  if not from_client then
    client, server, source, target = server, client, target, source
  end
  local length = 40 + #bytes
  local ip = "\69\0" .. u16(length) .. "\0\1\0\0\64\6%s" .. client .. server
  ip = ip:gsub("%%s", function()
    return u16(checksum((ip:gsub("%%s", "\0\0"))))
  end)
  local tcp = source .. target .. u32(seq) .. u32(ack) .. "\80" .. string.char(flags) .. u16(65535) .. "\0\0\0\0"
  return ip .. tcp .. bytes
end

local function capture(flights)
  local out = { "\212\195\178\161\2\0\4\0" .. ("\0"):rep(8) .. le32(65535) .. le32(101) }
  local next_of, count = { [true] = 1, [false] = 1 }, 0
  local function add(bytes)
    count = count + 1
    out[#out + 1] = le32(count) .. le32(0) .. le32(#bytes) .. le32(#bytes) .. bytes
  end
  add(packet(true, 0, 0, 2, ""))
  add(packet(false, 0, 1, 18, ""))
  add(packet(true, 1, 1, 16, ""))
  for _, flight in ipairs(flights) do
    local from, bytes = flight[1], flight[2]
    for at = 1, #bytes, 1400 do
      local piece = bytes:sub(at, at + 1399)
      add(packet(from, next_of[from], next_of[not from], 24, piece))
      next_of[from] = next_of[from] + #piece
    end
  end
  return table.concat(out)
end

local function put(name, bytes)
  local full = directory .. "/" .. name
  local handle = assert(io.open(full, "wb"))
  handle:write(bytes)
  handle:close()
  return full
end

local function converse(version, keylog)
  local client = tls.client({ max_version = version, keylog = keylog }):engine { server_name = "localhost" }
  local server, flights = tls.server():engine(), {}
  local function pass(from, to, is_client)
    local bytes = from:drain()
    if bytes ~= "" then
      flights[#flights + 1] = { is_client, bytes }
      to:feed(bytes)
      to:handshake()
    end
    return #bytes
  end
  client:handshake()
  repeat
    local moved = pass(client, server, true) + pass(server, client, false)
  until moved == 0
  assert(client:is_open() and server:is_open())
  client:write "the secret of the client"
  pass(client, server, true)
  server:write "the secret of the server"
  pass(server, client, false)
  return capture(flights)
end

describe("keylog", function()
  for _, version in ipairs { "1.3", "1.2" } do
    it("lets tshark read a capture of TLS " .. version, function()
      if select(2, process.run { "sh", "-c", "command -v tshark" }) ~= 0 then
        return pending "needs tshark"
      end
      local keys = directory .. "/keys" .. version
      local pcap = put(version .. ".pcap", converse(version, keys))
      local words = { "tshark", "-r", pcap, "-q", "-z", "follow,tls,ascii,0" }
      local output = process.run(words)
      assert.falsy(output:find "the secret")
      table.insert(words, 4, "-o")
      table.insert(words, 5, "tls.keylog_file:" .. keys)
      output = process.run(words)
      assert.matches("the secret of the client", output)
      assert.matches("the secret of the server", output)
    end)
  end

  it("is for its owner alone", function()
    local keys = directory .. "/mine"
    converse("1.3", keys)
    assert.equal(tonumber("600", 8), require("lacre.file").stat(keys).mode % 512)
    process.remove(directory)
  end)
end)
