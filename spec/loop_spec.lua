local core = require "lacre.core"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local process = require "spec.support.process"
local tcp = require "lacre.tcp"
local time = require "lacre.time"

local function pair()
  local listener = assert(tcp.listen { port = 0 })
  local _, port = listener:address()
  local a = assert(tcp.connect("127.0.0.1", port))
  local b = assert(listener:accept(1))
  listener:close()
  return a, b
end

local function elapsed(fn)
  local began = time.monotonic()
  fn()
  return time.monotonic() - began
end

describe("loop", function()
  describe("run", function()
    it("returns what the function returned, and raises what it raised", function()
      assert.same({ 1, nil, 3, n = 3 }, { n = 3, loop.run(function()
        return 1, nil, 3
      end) })
      assert.has_error(function()
        loop.run(function()
          error("boom", 0)
        end)
      end, "boom")
    end)

    it("is refused inside of itself, and works again afterwards", function()
      assert.has_error(function()
        loop.run(function()
          loop.run(function() end)
        end)
      end)
      assert.equal(5, loop.run(function()
        return 5
      end))
    end)

    it("without a function runs what was spawned", function()
      local seen = {}
      loop.spawn(function()
        loop.sleep(0.01)
        seen[#seen + 1] = "late"
      end)
      loop.spawn(function()
        seen[#seen + 1] = "early"
      end)
      loop.run()
      assert.same({ "early", "late" }, seen)
    end)

    it("is none the worse for a mistake, or a stop that came when none ran", function()
      assert.has_error(function()
        loop.run(5)
      end)
      loop.stop()
      assert.equal("on", loop.run(function()
        loop.sleep(0)
        loop.sleep(0 / 0)
        return "on"
      end))
    end)

    it("takes functions that are written in C", function()
      local joined, ok, why = loop.run(function()
        return loop.spawn(tostring, 5):join(), loop.pcall(error, "x", 0)
      end)
      assert.same({ "5", false, "x" }, { joined, ok, (why:gsub("^.*: ", "")) })
    end)

    it("tells a deadlock instead of waiting for ever", function()
      assert.has_error(function()
        loop.run(function()
          local me
          me = loop.spawn(function()
            loop.sleep(0)
            return me:join()
          end)
          return me:join()
        end)
      end, "deadlock: every task waits for another")
    end)
  end)

  it("must run for what waits", function()
    for _, name in ipairs { "sleep", "map", "with_timeout" } do
      assert.has_error(function()
        loop[name](1, function() end)
      end)
    end
  end)

  it("wakes sleepers in the order of their times", function()
    local order = {}
    loop.run(function()
      local tasks = {}
      for i, seconds in ipairs { 0.03, 0.01, 0.02, 0 } do
        tasks[i] = loop.spawn(function()
          loop.sleep(seconds)
          order[#order + 1] = i
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
    end)
    assert.same({ 4, 2, 3, 1 }, order)
  end)

  describe("tasks", function()
    it("give results to whoever joins, also late and twice", function()
      loop.run(function()
        local task = loop.spawn(function(a, b)
          return a + b, "x"
        end, 2, 3)
        local sum, text = task:join()
        assert.equal(5, sum)
        assert.equal("x", text)
        assert.equal(5, (task:join()))
        assert.equal("done", task:status())
      end)
    end)

    it("give their error to whoever joins", function()
      loop.run(function()
        local task = loop.spawn(function()
          error("no", 0)
        end)
        local result, err = task:join()
        assert.is_nil(result)
        assert.equal("no", err)
        assert.equal("failed", task:status())
      end)
    end)

    it("tell an error that nobody joins for", function()
      local told
      local before = loop.on_error
      loop.on_error = function(message)
        told = message
      end
      loop.run(function()
        loop.spawn(function()
          error("lost", 0)
        end)
        loop.sleep(0.01)
      end)
      loop.on_error = before
      assert.equal("lost", told)
    end)

    it("are joined for a time only", function()
      loop.run(function()
        local task = loop.spawn(function()
          loop.sleep(5)
        end)
        local _, err = task:join(0.01)
        assert.equal("timeout", err.code)
      end)
    end)

    it("end at their next wait when canceled", function()
      loop.run(function()
        local a, b = pair()
        local tasks = {
          loop.spawn(function()
            return loop.sleep(5)
          end),
          loop.spawn(function()
            return a:receive()
          end),
        }
        loop.sleep(0)
        for _, task in ipairs(tasks) do
          assert.is_true(task:cancel())
          local result, err = task:join()
          assert.is_nil(result)
          assert.equal("canceled", err.code)
          assert.is_false(task:cancel())
        end
        a:close()
        b:close()
      end)
    end)
  end)

  it("waits for many descriptors at once, each for its own", function()
    loop.run(function()
      local tasks, sockets = {}, {}
      for i = 1, 20 do
        local a, b = pair()
        sockets[#sockets + 1], sockets[#sockets + 2] = a, b
        tasks[i] = loop.spawn(function()
          return a:read "l"
        end)
        loop.spawn(function()
          loop.sleep(0.001 * (21 - i))
          b:write(i, "\n")
        end)
      end
      for i, task in ipairs(tasks) do
        assert.equal(tostring(i), (task:join()))
      end
      for _, socket in ipairs(sockets) do
        socket:close()
      end
    end)
  end)

  it("lets one task read and another write the same socket", function()
    loop.run(function()
      local a, b = pair()
      local reader = loop.spawn(function()
        return a:read(5)
      end)
      local writer = loop.spawn(function()
        return a:write(("x"):rep(8 * 1024 * 1024))
      end)
      loop.sleep(0.02)
      b:write "hello"
      assert.equal("hello", (reader:join()))
      local total = 0
      repeat
        total = total + #assert(b:receive())
      until total == 8 * 1024 * 1024
      assert.equal(a, (writer:join()))
      a:close()
      b:close()
    end)
  end)

  it("tells a task whose socket another closes", function()
    loop.run(function()
      local a, b = pair()
      local reader = loop.spawn(function()
        return a:receive()
      end)
      loop.sleep(0)
      a:close()
      local data, err = reader:join(1)
      assert.is_nil(data)
      assert.equal("closed", err.code)
      b:close()
    end)
  end)

  it("keeps time limits in tasks and outside", function()
    local a, b = pair()
    a:set_timeout(0.03)
    local function waits()
      local data, err = a:receive()
      assert.is_nil(data)
      assert.is_true(err.timeout)
    end
    assert.is_true(elapsed(waits) < 1)
    assert.is_true(elapsed(function()
      loop.run(waits)
    end) < 1)
    a:close()
    b:close()
  end)

  it("runs a function with a time limit", function()
    loop.run(function()
      assert.equal(7, loop.with_timeout(1, function()
        return 7
      end))
      local _, err = loop.with_timeout(0.01, function()
        loop.sleep(9)
      end)
      assert.equal("timeout", err.code)
    end)
  end)

  it("maps a list, some at once, in order, errors in their places", function()
    loop.run(function()
      local running, most = 0, 0
      local results = loop.map({ 3, 1, 2, 0, 5 }, function(n)
        running = running + 1
        most = math.max(most, running)
        loop.sleep(0.001 * n)
        running = running - 1
        if n == 0 then
          error("zero", 0)
        elseif n == 5 then
          return nil, "five"
        end
        return n * 10
      end, { concurrency = 2 })
      assert.same({ 30, 10, 20, { err = "zero" }, { err = "five" } }, results)
      assert.equal(2, most)
    end)
  end)

  it("is not confused by pcall, across which Lua 5.1 does not wait", function()
    loop.run(function()
      local a, b = pair()
      local slept, read
      local task = loop.spawn(function()
        pcall(a.read, a, "l") -- raises on 5.1, and is the first line elsewhere
        local before = loop.now()
        loop.sleep(0.1)
        slept = loop.now() - before
        read = a:read "l"
      end)
      b:write "one\n"
      loop.sleep(0.03)
      b:write "two\n"
      task:join(2)
      assert.is_true(slept >= 0.09)
      assert.matches("^[ot]", read)
      loop.spawn(function()
        pcall(a.read, a, "l")
        a:close()
      end)
      loop.sleep(0.02)
      b:write "three\n"
      loop.sleep(0.02)
      a:close()
      b:close()
    end)
  end)

  it("catches errors across waits on every Lua", function()
    loop.run(function()
      local ok, why = loop.pcall(function(x)
        loop.sleep(0.001)
        error(x, 0)
      end, "caught")
      assert.is_false(ok)
      assert.equal("caught", why)
      assert.same({ true, 1, 2 }, { loop.pcall(function()
        loop.sleep(0.001)
        return 1, 2
      end) })
    end)
  end)

  it("blocks plainly in a coroutine that is no task", function()
    loop.run(function()
      local a, b = pair()
      b:write "x\n"
      local generator = coroutine.wrap(function()
        coroutine.yield(a:read "l")
      end)
      assert.equal("x", generator())
      a:close()
      b:close()
    end)
  end)

  it("leaves tasks that nobody waited for, and what they hold, to the collector", function()
    local held = setmetatable({}, { __mode = "v" })
    loop.run(function()
      held[1] = { "a thing" }
      loop.spawn(function(thing)
        loop.sleep(60)
        return thing
      end, held[1])
      loop.sleep(0)
    end)
    collectgarbage()
    collectgarbage()
    assert.is_nil(held[1])
  end)

  it("stops when told", function()
    local turns = 0
    loop.spawn(function()
      while true do
        turns = turns + 1
        if turns == 3 then
          loop.stop()
        end
        loop.sleep(0)
      end
    end)
    loop.run()
    assert.equal(3, turns)
  end)
end)

describe("poller", function()
  it("tells mistakes where they are made", function()
    local mistakes = {
      function() loop.wait(0, "q", 0) end, function() loop.wait(io.stdout, "r", 0) end, function() loop.sleep "1s" end,
      function() loop.map({ 1 }, print, { concurrency = 0 }) end, function() loop.spawn(print):join "1s" end,
      function() loop.on_signal("KILL", print) end, function() loop.on_signal("TERM", 5) end,
    }
    for i, mistake in ipairs(mistakes) do
      local ok, why = pcall(loop.run, mistake)
      assert.is_false(ok)
      assert.matches("loop_spec%.lua:%d+: bad ", why, nil, nil, "mistake " .. i)
    end
    assert.equal("closed", loop.run(function()
      return select(2, loop.wait(-1, "r", 0)).code
    end))
  end)

  it("catches signals while it runs, and not afterwards", function()
    local script = os.tmpname()
    local handle = assert(io.open(script, "w"))
    handle:write [[
      local loop = require "lacre.loop"
      local function hit()
        io.popen("kill -TERM " .. require("lacre.core").signals.process()):close()
      end
      loop.on_signal("TERM", function() print "caught" io.stdout:flush() end)
      for _ = 1, 2 do
        loop.run(function() hit() loop.sleep(0.1) end)
      end
      hit()
      print "never"
    ]]
    handle:close()
    local output, code = process.run { "sh", "-c", '"$0" "$1"', os.getenv "LUA", script }
    os.remove(script)
    assert.equal("caught\ncaught\n", (output:gsub("Terminated.*", "")))
    assert.equal(143, code)
  end)

  it("keeps nobody who waits no longer", function()
    local condition = loop.condition()
    loop.run(function()
      for _ = 1, 10 do
        assert.equal("timeout", select(2, condition:wait(0)))
      end
    end)
    assert.same({}, condition.waiters)
  end)

  it("answers misuse without a crash", function()
    local poller = lacre_error.assert(core.poller.new())
    assert.has_error(function()
      poller:watch(-1, "r")
    end)
    assert.has_error(function()
      poller:wait(0)
    end)
    local ok, err = poller:watch(9999, "r")
    assert.is_nil(ok)
    assert.equal("closed", err.code)
    poller:close()
    assert.has_error(function()
      poller:wait(0, {})
    end)
  end)
end)
