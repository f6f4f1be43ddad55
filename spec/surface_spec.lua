-- The public names, exactly: a name that appears or goes is a decision, not an accident.
local lacre = require "lacre"

local function names(module)
  local list = {}
  for name in pairs(module) do
    if not tostring(name):find "^_" then
      list[#list + 1] = tostring(name)
    end
  end
  table.sort(list)
  return table.concat(list, " ")
end

local modules = {
  error = "annotate assert codes fail is new",
  loop = "condition enter map now on_error on_signal pcall run running sleep spawn stop wait with_timeout",
  time = "duration format humanize monotonic now parse",
}

describe("the surface", function()
  for name, expected in pairs(modules) do
    it("of lacre." .. name .. " is as decided", function()
      assert.equal(expected, names(require("lacre." .. name)))
    end)
  end

  it("raises on a misspelt member, with a suggestion", function()
    local ok, why = pcall(function()
      return lacre.conect
    end)
    assert.is_false(ok)
    assert.matches("did you mean 'connect'", why)
  end)

  it("answers what is no argument at the caller's place, in the caller's words", function()
    local key = lacre.key.generate()
    local cert = lacre.assert(lacre.cert.create { key = key, hosts = { "a.test" } })
    local ctx = lacre.assert(lacre.client { trust = cert })
    local set = lacre.pin.set { cert:pin(), allow_no_backup = true }
    local duck = { read = print, write = print, close = print }
    -- { what is called, what it says }
    local rows = {
      { function() lacre.connect("h", 443, "x") end, "bad argument #3 to 'connect'" },
      { function() lacre.connect("h", 443, { trust = false }) end, "bad option 'trust'" },
      { function() lacre.client { insecure = true } end, "bad option 'insecure' to 'client' %(name what you give up" },
      { function() lacre.store.new(false) end, "bad option 'trust'" },
      { function() key:matches(5) end, "bad argument #1 to 'matches'" },
      { function() cert:is_issued_by(nil) end, "bad argument #1 to 'is_issued_by'" },
      { function() cert:matches_host(nil) end, "bad argument #1 to 'matches_host'" },
      { function() cert:expires_in {} end, "bad argument #1 to 'expires_in'" },
      { function() cert:is_expired "x" end, "bad argument #1 to 'is_expired'" },
      { function() cert:is_valid_at {} end, "bad argument #1 to 'is_valid_at'" },
      { function() cert:matches_key(nil) end, "bad argument #1 to 'matches_key'" },
      { function() cert:fingerprint {} end, "bad argument #1 to 'fingerprint'" },
      { function() cert:fingerprint "sha256\0" end, "bad argument #1 to 'fingerprint'" },
      { function() key:fingerprint(nil, "octal") end, "bad argument #2 to 'fingerprint'" },
      { function() key:sign(nil) end, "bad argument #1 to 'sign'" },
      { function() key:verify("x", nil) end, "bad argument #2 to 'verify'" },
      { function() lacre.key.generate("rsa:" .. ("9"):rep(20)) end, "bad argument #1 to 'key.generate' %(9+ bits of RSA; 2048 to 16384 expected" },
      { function() lacre.key.load "a\0b" end, "bad argument #1 to 'load' %(a path, without a NUL byte, expected" },
      { function() lacre.key.open "file:a\0b" end, "bad argument #1 to 'key.open'" },
      { function() cert:save "a\0b" end, "bad argument #1 to 'save'" },
      { function() lacre.store.new "a\0b" end, "bad argument #1 to 'file.stat' %(a path, without a NUL byte, expected" },
      { function() lacre.client(5) end, "bad options to 'client' %(table expected, got number" },
      { function() lacre.server(true) end, "bad options to 'server' %(table expected, got boolean" },
      { function() lacre.store.summary(5) end, "bad argument #1 to 'store.summary' %(store expected" },
      { function() lacre.http.parse(5) end, "bad argument #1 to 'http.parse' %(string expected" },
      { function() lacre.ca.new():crl():verify(5) end, "bad argument #1 to 'crl:verify' %(certificate expected" },
      { function() lacre.ca.new():replace_certificate(5, {}) end, "bad argument #1 to 'ca:replace_certificate'" },
      { function() lacre.ca.new():replace_certificate(cert) end, "bad argument #2 to 'ca:replace_certificate'" },
      { function() set:match { 5 } end, "bad argument #1 to 'match' %(list of certificates expected" },
      { function() lacre.pin.of_chain(5) end, "bad argument #1 to 'pin.of_chain' %(list of certificates expected" },
      { function() lacre.pin.check({ key }, { "x" }) end, "bad argument #1 to 'match' %(list of certificates expected" },
      { function() lacre.tool.inspect(5) end, "bad option 'files' to 'tool.inspect' %(list of strings expected" },
      { function() lacre.tool.verify { "a", {} } end, "bad option 'files' to 'tool.verify' %(list of strings expected" },
      { function() lacre.tool.pin { 5 } end, "bad option 'targets' to 'tool.pin' %(list of strings expected" },
      { function() lacre.tool.get { "https://h/", header = { 5 } } end, "bad option 'header' to 'tool.get' %(list of strings expected" },
      { function() lacre.digest("sha256", "x", "octal") end, "bad argument #3 to 'digest' %(hex, base64 or raw expected" },
      { function() lacre.random(1, "octal") end, "bad argument #2 to 'random' %(hex, base64 or raw expected" },
      { function() lacre.pem.list(nil) end, "bad argument #1 to 'pem.list'" },
      { function() lacre.pem.split {} end, "bad argument #1 to 'pem.split'" },
      { function() lacre.pem.find("x") end, "bad argument #2 to 'pem.find'" },
      { function() lacre.pem.headers(5) end, "bad argument #1 to 'pem.headers'" },
      { function() lacre.pem.encode "X" end, "bad argument #2 to 'pem.encode'" },
      { function() lacre.time.humanize(nil) end, "bad argument #1 to 'time.humanize' %(number" },
      { function() lacre.time.humanize(1 / 0) end, "bad argument #1 to 'time.humanize' %(finite" },
      { function() lacre.time.format(0 / 0) end, "bad argument #1 to 'time.format' %(finite" },
      { function() lacre.crl.parse_all(nil) end, "bad argument #1 to 'crl.parse_all'" },
      { function() ctx:listen(5) end, "bad argument #1 to 'listen'" },
      { function() ctx:wrap(-5, { server_name = "a.test" }) end, "bad argument #1 to 'wrap'" },
      { function() ctx:wrap(0, 5) end, "bad argument #2 to 'wrap'" },
      { function() lacre.wrap(0, { context = ctx, alpn = { "x" } }) end, "contradictory options to 'wrap' %(context, and 'alpn'%)" },
      { function() lacre.wrap(0, {}) end, "missing option 'role' to 'wrap'" },
      { function() lacre.wrap(0, { context = ctx, role = "server" }) end, "bad option 'context' to 'wrap' %(a server context" },
      { function() lacre.listen { port = 0, context = ctx } end, "bad option 'context' to 'listen' %(a server context" },
      { function() lacre.listen { prt = 0 } end, "bad option 'prt' to 'listen' %(unknown; did you mean 'port'" },
      { function() lacre.listen { cert = cert, key = key } end, "missing option 'port' to 'listen'" },
      { function() ctx:wrap(duck, { server_name = "a.test" }):receive(0) end, "bad argument #1 to 'receive'" },
      { function() ctx:engine({ server_name = "a.test" }):export("x") end, "bad argument #2 to 'export'" },
      { function() ctx:engine({ server_name = "a.test" }):export("x", 5000) end, "bad argument #2 to 'export'" },
      { function() ctx:engine({ server_name = "a.test" }):feed {} end, "bad argument #1 to 'feed'" },
      { function() ctx:engine({ server_name = "a.test" }):drain(0) end, "bad argument #1 to 'drain'" },
      { function() ctx:engine({ server_name = "a.test" }):read "a" end, "bad argument #1 to 'read'" },
      { function() ctx:engine { server_name = "a.test", sni = "a\0b" } end, "bad option 'sni' to 'engine'" },
      { function() lacre.tcp.methods.starttls({}, true) end, "bad argument #1 to 'starttls'" },
      { function() ctx:wrap(duck, { server_name = "a.test" }):send_file(5) end, "bad argument #1 to 'send_file'" },
      { function() ctx:connect("h", 443, 5) end, "bad argument #3 to 'connect'" },
      { function() set:match(true) end, "bad argument #1 to 'match'" },
      { function() ctx:with(5) end, "bad argument #1 to 'with'" },
      { function() ctx:engine({ server_name = "a.test" }):write(5) end, "bad argument #1 to 'write'" },
      { function() lacre.error.new(5) end, "bad argument #1 to 'error.new'" },
      { function() lacre.key.generate "nope" end, "bad argument #1 to 'key.generate' %(unknown key type 'nope'%)" },
      { function() lacre.cert.load {} end, "bad argument #1 to 'load'" },
      { function() cert:save {} end, "bad argument #1 to 'save'" },
      { function() lacre.cert.create { key = key, hosts = { "a.test" }, subject = io.stdout } end, "bad option 'subject'" },
      { function() lacre.csr.create { key = key, hosts = { "a.test" }, subject = true } end, "bad option 'subject'" },
      { function() lacre.verify(cert, { any_name = true, trust = cert, intermediates = io.stdout }) end, "bad option 'intermediates'" },
      { function() lacre.verify(cert, { any_name = true, trust = cert, crls = io.stdout }) end, "bad option 'crls'" },
      { function() lacre.verify(cert, { any_name = true, trust = cert, pins = io.stdout }) end, "bad argument #1 to 'pin.of'" },
      { function() lacre.client { trust = cert, crls = false } end, "bad option 'crls'" },
      { function() lacre.client { trust = cert, crls = { io.stdout } } end, "bad option 'crls'" },
      { function() lacre.client { trust = cert, pins = false } end, "bad argument #1 to 'pin.of'" },
      { function() lacre.client { trust = cert, pins = io.stdout } end, "bad argument #1 to 'pin.of'" },
      { function() lacre.pin.set { cert, backup = io.stdout } end, "bad argument #1 to 'pin.of'" },
      { function() lacre.pin.set { cert, scope = "root" } end, "bad option 'scope' to 'pin.set'" },
      { function() lacre.server { cert = io.stdout, key = key } end, "bad option 'cert'" },
      { function() lacre.server { cert = cert, key = 1 } end, "bad option 'key'" },
      { function() lacre.serve({ port = 0, grace = "x" }, print) end, "bad option 'grace' to 'serve'" },
      { function() lacre.serve({ port = 0, identiti = 1 }, print) end, "bad option 'identiti' .*did you mean 'identity'" },
      { function() lacre.time.format "x" end, "bad argument #1 to 'time.format'" },
      { function() lacre.random(-1) end, "bad argument #1 to 'random'" },
      { function() return lacre.tool.nope end, "lacre.tool has no 'nope'" },
      { function() lacre.tool.ca { action = "nope" } end, "bad option 'action' to 'tool.ca'" },
      { function() lacre.cert.create { key = key, hosts = { "a.test" }, valid_for = 1e300 } end, "bad option .valid_for. .*past the year 9999" },
    }
    for i, row in ipairs(rows) do
      local ok, why = pcall(row[1])
      assert.is_false(ok, "row " .. i)
      assert.matches("^[^:]*surface_spec.lua:%d+: " .. row[2], why)
    end
  end)

  it("answers tasks at their place too", function()
    -- { what is called, what it says }
    local rows = {
      { function() lacre.loop.spawn() end, "bad argument #1 to 'spawn'" },
      { function() lacre.loop.sleep "x" end, "bad argument #1 to 'sleep'" },
      { function() lacre.loop.map(1, print) end, "bad argument #1 to 'map'" },
      { function() lacre.loop.map({ 1 }, 5) end, "bad argument #2 to 'map'" },
      { function() lacre.loop.with_timeout("x", print) end, "bad argument #1 to 'with_timeout'" },
      { function() lacre.loop.wait({}, "r", 1) end, "bad argument #1 to 'wait'" },
    }
    lacre.loop.run(function()
      for i, row in ipairs(rows) do
        local ok, why = pcall(row[1])
        assert.is_false(ok, "row " .. i)
        assert.matches("^[^:]*surface_spec.lua:%d+: " .. row[2], why)
      end
    end)
  end)

  it("takes no name for what it is not", function()
    assert.equal("no_key", select(2, lacre.pin.of "server.crt").code)
    assert.equal("bad_name", select(2, lacre.connect("a\0b", 443)).code)
    assert.equal("bad_name", select(2, lacre.connect "localhost:0").code)
    assert.equal("bad_name", select(2, lacre.connect("127.0.0.010", 443)).code) -- octal for some, ten for others
    local ctx = lacre.assert(lacre.client())
    assert.equal("bad_name", select(2, ctx:engine { server_name = "*.example.test" }).code)
  end)

  it("tells of OpenSSL", function()
    local openssl = lacre.openssl
    assert.matches("^%d+%.%d+%.%d+", openssl.version)
    assert.is_true(openssl.number >= 0x30000000)
    assert.equal("default", openssl.providers[1])
    assert.is_false(openssl.fips)
    assert.matches("^/", openssl.default_trust.dir)
    assert.matches("^/", openssl.default_trust.file)
    assert.same({ "boolean", "boolean", "boolean" },
      { type(openssl.features.mlkem), type(openssl.features.mldsa), type(openssl.features.ktls) })
    local has = {}
    for _, group in ipairs(lacre.groups()) do
      has[group.name] = true
    end
    assert.equal(openssl.features.mlkem, has.X25519MLKEM768 == true)
  end)

  it("has every promised member", function()
    for _, name in ipairs {
      "adapt", "assert", "ca", "cert", "client", "connect", "context", "crl", "csr", "error", "http", "key", "listen", "loop",
      "name", "ocsp", "on_warning", "pkcs12",
      "pem", "pin", "serve", "server", "store", "tcp", "time", "tool", "verify", "wrap", "VERSION", "ciphers", "groups", "sigalgs", "digest", "random", "openssl",
    } do
      assert.is_not_nil(lacre[name], name)
    end
  end)

  it("gives every object its methods", function()
    local ca = lacre.assert(lacre.ca.new { name = "T" })
    local one = lacre.assert(ca:issue { hosts = { "a.test" } })
    local client = lacre.assert(lacre.client { trust = ca })
    local methods = {
      [one.key] = "type bits curve is_private public to_pem to_der save spki pin fingerprint key_id sign verify matches to_table to_text",
      [one.cert] = "version serial subject issuer subject_alt_names dns_names ip_addresses hosts not_before not_after expires_in "
        .. "is_valid_at is_expired public_key spki pin signature_algorithm signature tbs basic_constraints is_ca key_usage "
        .. "extended_key_usage subject_key_id authority_key_id ocsp_urls issuer_urls crl_urls policies name_constraints scts "
        .. "must_staple extensions extension fingerprint is_self_issued is_self_signed matches_host matches_key is_issued_by "
        .. "verify lint to_pem to_der to_text to_table save",
      [lacre.csr.create { key = one.key, hosts = { "a.test" } }] = "subject public_key hosts subject_alt_names extensions extension "
        .. "signature_algorithm verify matches_key lint fingerprint to_pem to_der to_text to_table save",
      [ca:crl()] = "issuer number this_update next_update is_expired revoked find verify to_pem to_der to_text to_table save",
      [one.cert:subject()] = "get all each to_table der hash",
      [lacre.store.new(ca)] = "add certs count verify",
      [lacre.pin.set { one.cert, ca:cert() }] = "match for_host expires_in to_table",
      [ca] = "issue intermediate revoke crl cert chain save list",
      [client] = "connect wrap engine with config role flush_sessions",
      [lacre.server { identity = one }] = "listen wrap engine with config role flush_sessions",
      [client:engine { server_name = "a.test" }] = "feed feed_eof drain handshake write read advance shutdown state is_open "
        .. "pending_in pending_out info peer_cert peer_chain verified_chain local_cert export channel_binding alpn version",
    }
    for object, expected in pairs(methods) do
      for name in expected:gmatch "%S+" do
        assert.equal("function", type(object[name]), tostring(object) .. " " .. name)
      end
    end
  end)

  it("answers nil where a key has no curve", function()
    assert.equal(1, select("#", lacre.key.generate("ed25519"):curve()))
  end)

  it("gives every tool a text without colours and plain data", function()
    for _, name in ipairs {
      "selfsign", "csr", "inspect", "info", "pin", "health", "verify", "echo", "get", "serve", "convert",
    } do
      assert.same({ "function", "function" }, { type(lacre.tool[name].text), type(lacre.tool[name].to_table) }, name)
    end
    local items = lacre.assert(lacre.tool.inspect(lacre.assert(lacre.tool.selfsign { "a.test" }).cert:to_pem()))
    assert.equal("cert", items[1].kind)
    assert.matches("a.test", (lacre.tool.inspect.text(items)))
    assert.equal(items[1].value:pin(), lacre.assert(lacre.tool.pin(items[1].value:to_pem())).pins[1].pin)
  end)

  it("runs the tools inside of a loop as well", function()
    assert.is_true(lacre.loop.run(function()
      return lacre.assert(lacre.tool.echo {}).held
    end))
  end)

  it("takes a tool's arguments by place, by name and by the action", function()
    local directory = os.tmpname()
    os.remove(directory)
    lacre.assert(lacre.tool.ca.init(directory, { name = "T", no_password = true }))
    local made = lacre.assert(lacre.tool.ca.issue(directory, { hosts = { "a.test" } }))
    local csr = lacre.csr.create { key = lacre.key.generate(), hosts = { "b.test" } }
    lacre.assert(csr:save(directory .. "/b.csr"))
    lacre.assert(lacre.tool.ca.sign(directory, directory .. "/b.csr", { copy = { "hosts" } }))
    assert.equal(2, #lacre.assert(lacre.tool.ca { action = "list", dir = directory }))
    lacre.assert(lacre.tool.ca.revoke(directory, made.cert:serial()))
    lacre.assert(made.cert:save(directory .. "/a.crt"))
    local checked = lacre.tool.verify { directory .. "/a.crt", trust = directory .. "/ca.crt", server_name = "a.test" }
    assert.is_true(checked.ok)
    assert.equal("a.test", checked.host)
    os.execute("rm -r '" .. directory .. "'")
  end)
end)
