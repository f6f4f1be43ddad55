local connect = require("lacre.connect").connect
local loop = require "lacre.loop"
local process = require "spec.support.process"
local settings = require "lacre.tls.settings"
local tcp = require "lacre.tcp"
local tool = require "lacre.tool.zoo"
local zoo = require "lacre.zoo"

-- the loop's pipe of signals is made once a process
require("lacre.core").signals.watch "WINCH"
require("lacre.core").signals.forget "WINCH"

local function visit(menagerie, entry)
  local visitor, err = connect("localhost", entry.port, {
    trust = menagerie.pki:trust(), timeout = 5, handshake_timeout = entry.slow and 0.3 or 4, starttls = entry.ask and entry.ask.starttls,
  })
  if not visitor then
    return "refuse", err
  end
  visitor:write "GET / HTTP/1.0\r\n\r\n"
  local text
  text, err = visitor:read "a"
  visitor:close()
  return text and text:find("You reached " .. entry.name, 1, true) and "accept" or "refuse", err
end

describe("the zoo", function()
  it("has forty entries and more, each with another name and a verdict of its own", function()
    local seen = {}
    for _, entry in ipairs(zoo.rows) do
      assert.is_nil(seen[entry.name])
      seen[entry.name] = true
      assert.truthy(({ pass = true, warn = true, fail = true })[entry.verdict])
      assert.equal(entry.verdict == "pass", #entry.codes == 0)
      assert.truthy(entry.leaf or entry.raw or entry.closed)
    end
    assert.is_true(#zoo.rows >= 40)
  end)

  it("has no entry of another name, and no other options", function()
    loop.run(function()
      local menagerie, err = zoo.open { only = { "good", "nope" } }
      assert.is_nil(menagerie)
      assert.equal("bad_name", err.code)
      assert.matches("the zoo has no 'nope'", err.message)
      for _, bad in ipairs { { onyl = { "good" } }, { port = "x" }, { only = 5 } } do
        assert.is_false(pcall(zoo.open, bad))
      end
      local empty = assert(zoo.open { only = {} })
      assert.same({}, empty.entries)
      empty:close()
    end)
  end)

  it("is passed through by lacre as by a client that takes care", function()
    loop.run(function()
      local menagerie = assert(zoo.open())
      local wrong = loop.map(menagerie.entries, function(entry)
        local did, err = visit(menagerie, entry)
        local should = zoo.client_of(entry)
        local ok = did == should or should == "either"
        return ok and "" or ("%s: %s, %s"):format(entry.name, did, tostring(err))
      end)
      menagerie:close()
      assert.equal("", table.concat(wrong))
      assert.equal(#zoo.rows, #menagerie.entries + #menagerie.unavailable)
    end)
  end)

  it("finds weak keys weak, also where the key itself is trusted", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "rsa1024" } })
      local pin
      local _, err = connect("localhost", menagerie.entries[1].port, { trust = menagerie.pki:trust() })
      assert.equal("weak_key", err.code)
      pin = err.cert:pin()
      _, err = connect("localhost", menagerie.entries[1].port, {
        trust = "pins", pins = { pin, allow_no_backup = true },
      })
      assert.equal("weak_key", err.code)
      menagerie:close()
    end)
  end)

  it("tells what this OpenSSL cannot build, and does not open it", function()
    loop.run(function()
      local menagerie = zoo.open { only = { "good-mldsa65", "pq", "pq-only", "good" } }
      local known = {}
      for _, one in ipairs(menagerie.unavailable) do
        assert.equal("unsupported", one.error.code)
        known[one.name] = true
      end
      for _, entry in ipairs(menagerie.entries) do
        assert.is_nil(known[entry.name])
      end
      assert.is_true(known.pq ~= known["pq-only"])
      menagerie:close()
    end)
  end)

  it("has a front door where the name chooses", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "good", "expired", "tls10", "many-names", "plain-http" } })
      local function knock(name)
        local visitor, err = connect("127.0.0.1", menagerie.front.port, {
          trust = menagerie.pki:trust(), server_name = name .. ".zoo.test", timeout = 3,
        })
        if not visitor then
          return err.code
        end
        local subject = tostring(visitor:peer_cert():subject())
        visitor:close()
        return subject
      end
      assert.equal("CN=good.zoo.test", knock "good")
      assert.equal("cert_expired", knock "expired")
      assert.equal("protocol_version", knock "tls10")
      assert.equal("CN=many-names.zoo.test", knock "many-names")
      assert.equal("handshake_failed", knock "nobody")
      menagerie:close()
    end)
  end)

  it("refuses connections where nothing is to listen", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "refused" } })
      local plain, err = tcp.connect("127.0.0.1", menagerie.entries[1].port)
      assert.is_nil(plain)
      assert.equal("connection_refused", err.code)
      menagerie:close()
    end)
  end)
end)

describe("a context of the laboratory", function()
  it("only looks: not a byte of data leaves it", function()
    loop.run(function()
      local menagerie = assert(zoo.open { only = { "tls10" } })
      local ctx = assert(settings.lab("client", { trust = menagerie.pki:trust() }))
      local conn = require "lacre.conn"
      local plain = assert(tcp.connect("127.0.0.1", menagerie.entries[1].port))
      local visitor = assert(conn.over(ctx, plain.socket, { server_name = "localhost" }))
      assert.is_true(visitor:handshake())
      assert.equal("1.0", visitor:version())
      local sent, err = visitor:write "secret"
      assert.is_nil(sent)
      assert.equal("closed", err.code)
      visitor:close()
      menagerie:close()
    end)
  end)
end)

describe("tool.zoo", function()
  it("lists", function()
    local result = assert(tool { list = true })
    assert.equal(#zoo.rows, #result.entries)
    assert.same({ "CERT_EXPIRED" }, assert(tool { "expired", list = true }).entries[1].reasons)
    local result2, err = tool { "nonsense", list = true }
    assert.is_nil(result2)
    assert.equal("bad_name", err.code)
  end)

  it("leads a client on a tour and tells what it overlooked", function()
    local careless = assert(tool { "good", "expired", "wrong-host", run = "true {url}" })
    assert.same({ 2, 0, 1 }, { careless.tour.overlooked, careless.tour.refused, careless.tour.right + careless.tour.either })
    assert.is_true(tool.failed(careless))
    local timid = assert(tool { "tls12", "expired", run = "echo {host} {port}; false" })
    assert.same({ 0, 1, 1 }, { timid.tour.overlooked, timid.tour.refused, timid.tour.right })
    assert.matches("^localhost %d+$", timid.tour.results[1].said)
    local hung = assert(tool { "expired", run = "sleep 30", timeout = 0.2 })
    assert.same({ 1, 0 }, { hung.tour.hung, hung.tour.overlooked })
    assert.is_true(tool.failed(hung))
    local stubborn = assert(tool { "expired", run = "trap '' TERM; sleep 3; sleep 30", timeout = 0.2 })
    assert.equal(1, stubborn.tour.hung)
    local counted = {}
    local well = assert(tool { "good", "expired", run = "test {name} = good", on_count = function(done, total)
      counted[#counted + 1] = done .. "/" .. total
    end })
    assert.same({ "1/2", "2/2" }, counted)
    assert.is_false(tool.failed(well))
    assert.not_matches("accepted no server", tool.text(well, require("lacre.report.style").plain))
    local quoting = assert(tool { "good", run = [[test "{name}" = good && test '{name}' = good && test -s "{ca}"]] })
    assert.equal(1, quoting.tour.right)
    local deaf = assert(tool { "expired", run = "false" })
    assert.matches("accepted no server at all: add the server good", tool.text(deaf, require("lacre.report.style").plain))
  end)

  it("does not take a command that is not there for a careful client", function()
    for command, code in pairs { ["no-such-client {url}"] = 127, ["/dev/null {url}"] = 126 } do
      local result, err = tool { "expired", run = command }
      assert.is_nil(result)
      assert.equal("unsupported", err.code)
      assert.matches("cannot be run %(exit code " .. code .. "%): ", err.message)
    end
  end)

  it("says where it could not put its files", function()
    local build = os.getenv "BUILD" or "build/lua5.4"
    local text, code = process.run { "env", "TMPDIR=/nonexistent", build .. "/bin/lacre", "zoo", "good", "--run", "true" }
    assert.equal(3, code)
    assert.matches("^lacre: file_not_found: /nonexistent/lacre%-zoo%-%x+: ", text)
  end)

  it("leads a client where there is no timeout(1)", function()
    local here = process.directory()
    for _, name in ipairs { "sh", "mv", "sleep" } do
      os.execute(("ln -s \"$(command -v %s)\" %s/%s"):format(name, here, name))
    end
    local build = os.getenv "BUILD" or "build/lua5.4"
    local text, code = process.run {
      "sh", "-c", ("lua=$(command -v %s); PATH=%s; export PATH; exec $lua %s/bin/lacre zoo expired good --timeout 1 "
        .. "--run 'test {name} = good || sleep 30'"):format(os.getenv "LUA" or "lua5.4", here, build),
    }
    process.remove(here)
    assert.matches("1 right, 0 overlooked, 0 good ones refused, 1 hung", text)
    assert.equal(1, code)
  end)

  it("ends what it started at Ctrl-C, and leaves nothing behind", function()
    local build = os.getenv "BUILD" or "build/lua5.4"
    local here = process.directory()
    local touring = process.start {
      "sh", "-c", ("exec %s/bin/lacre zoo expired good --run 'echo {ca} >%s/ca; echo $$ >%s/$$.pid; exec sleep 30'; "
        ):format(build, here, here),
    }
    local pids
    for _ = 1, 200 do
      local pipe = io.popen(("cat %s/*.pid 2>/dev/null"):format(here))
      pids = {}
      for pid in pipe:read("*a"):gmatch "%d+" do
        pids[#pids + 1] = pid
      end
      pipe:close()
      if #pids == 2 then
        break
      end
      os.execute "sleep 0.05"
    end
    assert.equal(2, #pids)
    os.execute(("kill -INT %d"):format(touring:child()))
    for _ = 1, 100 do
      if not touring:is_alive() then
        break
      end
      os.execute "sleep 0.05"
    end
    assert.is_false(touring:is_alive())
    assert.matches("0 right, .*; interrupted", touring:output())
    local ca = assert(io.open(here .. "/ca")):read "*l"
    assert.is_nil(io.open(ca))
    for _, pid in ipairs(pids) do
      local handle = io.open(("/proc/%s/cmdline"):format(pid)) -- of one that ended and was not reaped it is empty
      assert.equal("", handle and handle:read "*a" or "")
    end
    touring:stop()
    process.remove(here)
  end)

  it("finds what curl overlooks", function()
    if not os.execute "command -v curl >/dev/null" then
      return pending "curl is not installed"
    end
    local result = assert(tool { "dates", "wrong-host", "chain", run = "curl -sS --max-time 5 --cacert {ca} {url}" })
    assert.equal(0, result.tour.overlooked)
    assert.equal(0, result.tour.refused)
  end)

  it("is a command", function()
    local build = os.getenv "BUILD" or "build/lua5.4"
    local text, code = process.run { build .. "/bin/lacre", "zoo", "--list", "--json" }
    assert.equal(0, code)
    assert.truthy(text:find('"name": *"expired"'))
  end)

  it("says what to try, with the root that it wrote", function()
    local build = os.getenv "BUILD" or "build/lua5.4"
    local root = os.tmpname()
    for _, case in ipairs {
      { {}, "lacre zoo %-%-ca zoo%.pem\n$" },
      { { "--ca", root }, "try: curl %-%-cacert " .. root:gsub("%p", "%%%0") .. " https://localhost:%d+/\n$" },
    } do
      local words = { build .. "/bin/lacre", "zoo", "good" }
      for _, word in ipairs(case[1]) do
        words[#words + 1] = word
      end
      local serving = process.start(words)
      for _ = 1, 100 do
        if serving:output():find(case[2]) then
          break
        end
        os.execute "sleep 0.05"
      end
      assert.matches(case[2], serving:output())
      serving:stop()
    end
    os.remove(root)
  end)

  it("tells as JSON what it serves, as soon as it does", function()
    local build = os.getenv "BUILD" or "build/lua5.4"
    local out = os.tmpname()
    local serving = process.start { "sh", "-c", ("exec %s/bin/lacre zoo expired --json > %s"):format(build, out) }
    local text
    for _ = 1, 100 do
      local handle = assert(io.open(out))
      text = handle:read "*a"
      handle:close()
      if text:find "\n$" then
        break
      end
      os.execute "sleep 0.05"
    end
    assert.is_true(serving:is_alive())
    serving:stop()
    os.remove(out)
    assert.matches('^{.*"url": *"https://localhost:%d+/".*}\n$', text)
  end)
end)
