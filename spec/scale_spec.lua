-- A thousand endpoints on this machine, of which many are silent, slow, refusing or no TLS at all.
local conn = require "lacre.conn"
local core = require "lacre.core"
local health = require "lacre.tool.health"
local lfs = require "lfs"
local loop = require "lacre.loop"
local settings = require "lacre.tls.settings"
local tcp = require "lacre.tcp"
local time = require "lacre.time"
local zoo_pki = require "lacre.zoo.pki"

core.signals.watch "WINCH"
core.signals.forget "WINCH"

local function descriptors()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do
    count = count + 1
  end
  return count
end

local function door(handle)
  local listener = assert(tcp.listen { host = "0.0.0.0", port = 0, backlog = 1024 })
  loop.spawn(function()
    repeat
      local plain = listener:accept()
      if plain then
        loop.spawn(handle, plain)
      end
    until not plain
  end)
  return listener, select(2, listener:address())
end

local function serving(ctx, delay)
  return function(plain)
    if delay then
      loop.sleep(delay)
    end
    local visitor = conn.over(ctx, plain.socket, { handshake_timeout = 5, io_timeout = 5 })
    if visitor:handshake() then
      visitor:receive()
    end
    visitor:abort()
  end
end

local kinds = {
  { count = 500, reason = nil }, { count = 200, reason = "CONNECT_REFUSED" }, { count = 100, reason = "TIMEOUT" },
  { count = 100, reason = nil }, { count = 100, reason = "NOT_TLS" },
}

describe("a thousand endpoints", function()
  it("are judged rightly, within time, with so many sockets as was said and no more", function()
    if not lfs.attributes("/proc/self/fd", "mode") or not core.net.listen("127.0.0.77", 0, 1) then
      return pending "this system has no /proc, or only one address of loopback"
    end
    local CONCURRENCY, TIMEOUT = 150, 2
    loop.run(function()
      local pki = zoo_pki.new()
      local ctx = assert(settings.lab("server", { identity = pki:identity({}, "scale"), min_version = "1.2",
        session_tickets = false }))
      local doors, ports = {}, {}
      for i, handle in ipairs {
        serving(ctx), function() end, function(plain) plain:receive() loop.sleep(30) end, serving(ctx, 0.5),
        function(plain) plain:write "SSH-2.0-scale\r\n" plain:receive() plain:close() end,
      } do
        doors[i], ports[i] = door(handle)
      end
      doors[2]:close()
      local list, expected = {}, {}
      for i, kind in ipairs(kinds) do
        for n = 1, kind.count do
          list[#list + 1] = ("localhost@127.0.%d.%d:%d"):format(i, n % 250 + 1, ports[i])
          expected[#list] = kind.reason
        end
      end
      local before, most = descriptors(), 0
      local began = time.monotonic()
      local results = assert(health {
        targets = list, trust = pki:trust(), timeout = TIMEOUT, concurrency = CONCURRENCY, no_old = true,
        on_count = function()
          most = math.max(most, descriptors())
        end,
      })
      local took = time.monotonic() - began
      for _, one in ipairs(doors) do
        one:close()
      end
      assert.equal(1000, #results)
      for i, result in ipairs(results) do
        assert.equal(expected[i], result.reason, result.target)
      end
      assert.same({ pass = 600, warn = 0, fail = 400 }, results.counts)
      assert.is_true(took < 25, took)
      assert.is_true(most - before <= 2 * CONCURRENCY + 110, most - before) -- both ends, and the silent ones' far ends
    end)
  end)
end)
