-- Every reason of the health check is given for a real server (or, where there is none to talk to, for a real target).
local cert = require "lacre.cert"
local conn = require "lacre.conn"
local core = require "lacre.core"
local diagnosis = require "lacre.health.diagnosis"
local dial = require "lacre.net.dial"
local health = require "lacre.tool.health"
local health_codes = require "lacre.health.codes"
local key = require "lacre.key"
local listener = require "lacre.listener"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local raw = require "lacre.zoo.raw"
local reception = require "lacre.net.reception"
local settings = require "lacre.tls.settings"
local tcp = require "lacre.tcp"
local in_zoo = require "spec.support.zoo"

local seen = {}

-- where OpenSSL has the hybrid group, a client of it lacks nothing, and has it with every server of the zoo
local has_hybrid = require("lacre").openssl.features.mlkem
local of_old_clients = { NO_PQ = true, CLIENT_TOO_OLD = true }

local function learn(results)
  for _, result in ipairs(results) do
    for _, list in ipairs { result.problems, result.notes } do
      for _, problem in ipairs(list) do
        seen[problem.code] = true
      end
    end
  end
  return results
end

-- the codes that a target gets, told and noted
local function judge(given)
  given.timeout, given.retries = given.timeout or 3, 0
  local result, codes = learn(assert(health(given)))[1], {}
  for _, list in ipairs { result.problems, result.notes } do
    for _, problem in ipairs(list) do
      codes[problem.code] = problem
    end
  end
  return codes
end

local function greeted(visitor)
  if visitor:handshake() then
    visitor:receive()
  end
end

describe("each reason is given for a real cause:", function()
  it("those of the zoo", function()
    for _, one in ipairs(assert(health { selftest = true }).entries) do
      for _, code in ipairs(one.reasons) do
        seen[code] = true
      end
    end
  end)

  it("what the zoo's servers are only noted for", function()
    in_zoo({ "good", "tls12", "short-6d", "root-in-chain", "client-cert-optional", "old-ignored" }, function(at, menagerie)
      local trust = menagerie.pki:trust()
      assert.truthy(judge({ at["short-6d"], trust = trust }).SHORT_LIVED)
      assert.truthy(judge({ at["root-in-chain"], trust = trust }).ROOT_IN_CHAIN)
      assert.truthy(judge({ at.tls12, trust = trust }).NO_TLS13)
      assert.truthy(judge({ at["client-cert-optional"], trust = trust }).CLIENT_CERT_REQUESTED)
      local codes = judge { at.good, trust = trust, deep = true }
      assert.truthy((has_hybrid or codes.NO_PQ) and codes.NO_SCT and codes.REVOCATION_UNCHECKED)
      assert.truthy(judge({ at["old-ignored"], trust = trust, timeout = 2 }).OLD_TLS_UNKNOWN)
      assert.truthy(judge({ at.good, trust = trust, require = { "sct" } }).REQUIREMENT_MISSED)
      assert.truthy(judge({ at.good, trust = trust, expect = { "CERT_EXPIRED" } }).EXPECTATION_MISSED)
    end)
  end)

  -- the reasons of a server that greets the first who comes, and does something else with those who ask more
  local function judge_twofaced(set, others, more)
    local leaf, count, codes = pki.self_signed(), 0, nil
    set.identity = leaf
    loop.run(function()
      local ctx = assert(settings.lab("server", set))
      local door = reception.open(assert(tcp.listen { port = 0 }), function(plain)
        count = count + 1
        if count > 1 then
          return others(plain)
        end
        local visitor = assert(conn.over(ctx, plain.socket, { handshake_timeout = 3, io_timeout = 3 }))
        greeted(visitor)
        visitor:abort()
      end)
      local _, port = door.door:address()
      more[1], more.trust, more.no_old, more.require = "localhost:" .. port, leaf.cert, true, { "pq" }
      codes = judge(more)
      door:close()
    end)
    return codes
  end

  it("PQ, of a server whose key exchange this OpenSSL may not have", function()
    local codes = judge_twofaced({ min_version = "1.2" }, raw.only_group(0x11ec), {})
    assert.matches("X25519MLKEM768", codes.PQ.message)
    assert.is_nil(codes.REQUIREMENT_MISSED)
  end)

  it("PQ_UNKNOWN, of a server that lets such a question lie", function()
    local codes = judge_twofaced({ min_version = "1.2", max_version = "1.2" }, raw.silent, { timeout = 2 })
    assert.matches("had no answer", codes.PQ_UNKNOWN.message)
    assert.is_nil(codes.NO_PQ)
    assert.matches("^pq is required, and could not be asked for: ", codes.REQUIREMENT_MISSED.message)
  end)

  it("what is no target, has no address, or cannot be reached", function()
    assert.truthy(judge({ "foo@@bar" }).TARGET_INVALID)
    assert.truthy(judge({ "nobody.invalid" }).DNS_FAILED)
    assert.truthy(judge({ "[fe80::1]:443" }).CONNECT_FAILED) -- this net has many links, and it is not said which
    local full = assert(core.net.listen("127.0.0.1", 0, 1))
    local _, port = full:address()
    loop.run(function()
      local crowd = {} -- the queue of those that wait to be accepted is full after a few
      for i = 1, 8 do
        crowd[i] = loop.spawn(tcp.connect, "127.0.0.1", port, { timeout = 1.5 })
      end
      loop.sleep(0.2)
      assert.truthy(judge({ "127.0.0.1:" .. port, timeout = 0.5 }).CONNECT_TIMEOUT)
      for _, task in ipairs(crowd) do
        local plain = task:join()
        if plain then
          plain:close()
        end
      end
    end)
    full:close()
  end)

  it("ADDRESSES_DIFFER", function()
    loop.run(function()
      local root = pki.root()
      local doors = { reception.open(assert(listener.listen { port = 0, identity = pki.issue(root) }), greeted) }
      local _, port = doors[1].door:address()
      doors[2] = reception.open(assert(listener.listen {
        host = "127.0.0.2", port = port, identity = pki.issue(root),
      }), greeted)
      local resolve = dial.resolve
      dial.resolve = function(host, ...) -- luacheck: ignore
        return host ~= "twice.test" and resolve(host, ...) or { { address = "127.0.0.1", family = "ipv4" }, { address = "127.0.0.2", family = "ipv4" } }
      end
      local codes = judge { ("localhost@twice.test:%d"):format(port), trust = root.cert, all_addresses = true }
      dial.resolve = resolve -- luacheck: ignore
      doors[1]:close()
      doors[2]:close()
      assert.truthy(codes.ADDRESSES_DIFFER)
    end)
  end)

  it("RENEWED", function()
    loop.run(function()
      local root, private = pki.root(), key.generate "p256"
      local function identity(days)
        return { key = private, cert = assert(cert.create { key = private, hosts = { "localhost" },
          issuer = root.cert, issuer_key = root.key, valid_for = days }) }
      end
      local server = assert(listener.listen { port = 0, identity = identity "40d" })
      local door, state = reception.open(server, greeted), pki.file("state.json", "")
      os.remove(state)
      local where = "localhost:" .. select(2, server:address())
      judge { where, trust = root.cert, state = state }
      server:set_context(assert(settings.server { identity = identity "90d" }))
      local codes = judge { where, trust = root.cert, state = state }
      door:close()
      pki.clean()
      assert.matches("^renewed until", codes.RENEWED.message)
    end)
  end)

  it("INTERNAL, where lacre itself is wrong", function()
    in_zoo({ "good" }, function(at, menagerie)
      local of_facts = diagnosis.of_facts
      diagnosis.of_facts = function() -- luacheck: ignore
        error "boom"
      end
      local codes = judge { at.good, trust = menagerie.pki:trust() }
      diagnosis.of_facts = of_facts -- luacheck: ignore
      assert.matches("boom", codes.INTERNAL.message)
    end)
  end)

  it("LIFETIME_TOO_LONG, where the root is one of the system's", function()
    in_zoo({ "long-1000d" }, function(at, menagerie)
      local root = pki.file("system.pem", menagerie.pki:trust():to_pem())
      local command = (os.getenv "BUILD" or "build/lua5.4") .. "/bin/lacre"
      local output, code
      local task = loop.spawn(function()
        io.popen(("(SSL_CERT_FILE='%s' timeout 20 %s health %s --format nagios > '%s.out'; echo $? > '%s.code') &")
          :format(root, command, at["long-1000d"], root, root)):close()
        repeat
          loop.sleep(0.05)
          local handle = io.open(root .. ".code")
          code = handle and handle:read "*n"
          if handle then
            handle:close()
          end
        until code
        local handle = io.open(root .. ".out")
        output = handle:read "*a"
        handle:close()
      end)
      task:join()
      os.remove(root .. ".out")
      os.remove(root .. ".code")
      pki.clean()
      assert.matches("^TLS WARNING: .*LIFETIME_TOO_LONG", output)
      assert.equal(1, code)
    end)
  end)

  it("and there is no other", function()
    for _, row in ipairs(health_codes.list) do
      assert.is_true(seen[row.code] or has_hybrid and of_old_clients[row.code] or false, row.code .. " was given to nobody")
    end
  end)
end)
