-- A thousand endpoints on this machine for bench/health.sh: endpoints.lua DIR writes root.pem and the lists, says
-- "ready" and serves until its standard input ends.
--   600 that are well (100 of them answer after half a second), 200 that refuse, 100 silent, 100 that speak SSH
local cert = require "lacre.cert"
local conn = require "lacre.conn"
local file = require "lacre.file"
local key = require "lacre.key"
local loop = require "lacre.loop"
local reception = require "lacre.net.reception"
local settings = require "lacre.tls.settings"
local tcp = require "lacre.tcp"

local directory = ...

local root_key, leaf_key = key.generate "p256", key.generate "p256"
local root = assert(cert.create { profile = "ca", key = root_key, subject = "CN=Bench Root", valid_for = "365d" })
local leaf = assert(cert.create {
  key = leaf_key, hosts = { "localhost", "*.bench.test" }, issuer = root, issuer_key = root_key, valid_for = "90d",
})
local ctx = assert(settings.server { identity = { cert = leaf, key = leaf_key }, session_tickets = false })

local function well(delay)
  return function(plain)
    loop.sleep(delay)
    local visitor = conn.over(ctx, plain.socket, { handshake_timeout = 5, io_timeout = 5 })
    if visitor:handshake() and visitor:read "l" then
      visitor:write "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    end
    visitor:close()
  end
end

local function silent(plain)
  plain:set_timeout(30)
  plain:receive()
  plain:receive()
end

local function ssh(plain)
  plain:write "SSH-2.0-bench\r\n"
  plain:receive()
end

local kinds = {
  { count = 500, handle = well(0) }, { count = 200 }, { count = 100, handle = silent },
  { count = 100, handle = well(0.5) }, { count = 100, handle = ssh },
}

local function open(kind)
  local door = assert(tcp.listen { host = "0.0.0.0", port = 0, backlog = 1024 })
  kind.port = select(2, door:address())
  if kind.handle then
    reception.open(door, kind.handle)
  else
    door:close()
  end
end

-- the kinds in turn, as they would stand in a real list: not all the silent ones at once
local function spread()
  local rows, left = {}, {}
  for i, kind in ipairs(kinds) do
    left[i] = kind.count
  end
  for turn = 0, 999 do
    for i, kind in ipairs(kinds) do
      if (turn + 1) * kind.count / 1000 >= kind.count - left[i] + 1 then
        left[i] = left[i] - 1
        local nth = kind.count - left[i]
        rows[#rows + 1] = { address = ("127.0.%d.%d"):format(i, nth % 250 + 1), port = kind.port, name = "h" .. #rows }
      end
    end
  end
  return rows
end

local formats = {
  ["lacre.txt"] = function(row)
    return ("localhost@%s:%d\n"):format(row.address, row.port)
  end,
  ["addresses.txt"] = function(row)
    return ("%s:%d\n"):format(row.address, row.port)
  end,
  ["curl.txt"] = function(row)
    return ('url = "https://%s.bench.test:%d/"\noutput = "/dev/null"\nresolve = "%s.bench.test:%d:%s"\n'):format(
      row.name, row.port, row.name, row.port, row.address)
  end,
  ["blackbox.txt"] = function(row)
    return ('url = "http://127.0.0.1:%s/probe?module=tls&target=%s:%d"\n'):format(os.getenv "BLACKBOX_PORT",
      row.address, row.port)
  end,
}

loop.run(function()
  for _, kind in ipairs(kinds) do
    open(kind)
  end
  local rows = spread()
  for name, format in pairs(formats) do
    local lines = {}
    for i, row in ipairs(rows) do
      lines[i] = format(row)
    end
    assert(file.write(directory .. "/" .. name, table.concat(lines), { overwrite = true }))
  end
  assert(file.write(directory .. "/root.pem", root:to_pem(), { overwrite = true }))
  print "ready"
  io.stdout:flush()
  while loop.wait(0, "r") and io.read "L" do -- luacheck: ignore
  end
  os.exit(0, false)
end)
