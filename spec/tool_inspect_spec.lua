-- csr, inspect, verify, convert and selfsign as a shell sees them.
local json = require "dkjson"
local lacre_lib = require "lacre"
local fields = require "lacre.x509.fields"
local pki = require "spec.support.pki"
local process = require "spec.support.process"

local command = os.getenv "PWD" .. "/" .. os.getenv "BUILD" .. "/bin/lacre"
local directory = process.directory()

local function put(name, bytes)
  local handle = assert(io.open(directory .. "/" .. name, "wb"))
  handle:write(bytes)
  handle:close()
  return directory .. "/" .. name
end

local function read(name)
  local handle = assert(io.open(directory .. "/" .. name, "rb"))
  local bytes = handle:read "*a"
  handle:close()
  return bytes
end

local function shell(line)
  return process.run { "sh", "-c", "cd " .. directory .. " && PW=sesame NEW=fresh && export PW NEW && "
    .. line:gsub("lacre ", function() return command .. " " end) }
end

local function data(line)
  local output, code = shell(line)
  return assert(json.decode(output), output), code
end

-- { line, exit code, pattern of what it says }
local function ends(rows)
  for _, row in ipairs(rows) do
    it(row[1] .. " ends with " .. row[2], function()
      local output, code = shell(row[1])
      assert.equal(row[2], code, output)
      assert.matches(row[3], output)
    end)
  end
end

local function mode(name)
  return (process.run { "stat", "-c", "%a", directory .. "/" .. name }):match "%d+"
end

local root = pki.root()
local inter = pki.intermediate(root, { issuer_urls = { "http://ca.example/root.crt" } })
local leaf = pki.issue(inter, { hosts = { "a.example", "192.0.2.7" } })
local client = pki.client(inter)
local revoked = lacre_lib.assert(lacre_lib.crl.create {
  issuer = inter.cert, issuer_key = inter.key, revoked = { { cert = leaf.cert, reason = "superseded" } },
})
local clean = lacre_lib.assert(lacre_lib.crl.create { issuer = inter.cert, issuer_key = inter.key })
local request = lacre_lib.assert(lacre_lib.csr.create {
  key = leaf.key, hosts = { "a.example" }, extensions = { { name = "basic_constraints", value = { ca = true } } },
})
local bundle = lacre_lib.assert(lacre_lib.pkcs12.create {
  cert = leaf.cert, key = leaf.key, chain = { inter.cert }, password = "sesame", rounds = 1000, name = "a",
})
local answer = lacre_lib.assert(lacre_lib.ocsp.respond { cert = leaf.cert, issuer = inter.cert, key = inter.key })

setup(function()
  put("root.crt", root.cert:to_pem())
  put("leaf.crt", leaf.cert:to_pem())
  put("leaf.der", leaf.cert:to_der())
  put("chain.pem", leaf.pem)
  put("mixed.pem", inter.cert:to_pem() .. "noise\n" .. leaf.key_pem .. leaf.cert:to_pem())
  put("leaf.key", leaf.key_pem)
  put("sealed.key", leaf.key:to_pem { password = "sesame" })
  put("old.key", leaf.key:to_pem { format = "traditional" })
  put("key.der", leaf.key:to_der())
  put("a.csr", request:to_pem())
  put("csr.der", request:to_der())
  put("a.crl", revoked:to_pem())
  put("crl.der", revoked:to_der())
  put("empty.crl", clean:to_pem())
  local above = lacre_lib.assert(lacre_lib.crl.create { issuer = root.cert, issuer_key = root.key }):to_pem()
  put("both.crl", above .. "noise\n" .. revoked:to_pem())
  put("clean.crl", above .. clean:to_pem())
  put("a.p12", bundle)
  put("a.ocsp", answer)
  put("public.pem", leaf.key:public():to_pem())
  put("client.crt", client.pem)
  put("broken.pem", leaf.cert:to_pem():sub(1, 200) .. "\n" .. root.cert:to_pem())
  put("params.pem", lacre_lib.pem.encode("EC PARAMETERS", "\6\8\42\134\72\206\61\3\1\7"))
  put("curve.key", read "params.pem" .. leaf.key:to_pem { format = "traditional" })
  put("unclosed.pem", ("-----BEGIN CERTIFICATE-----\nMIIB\n"):rep(20000))
  put("marked.pem", "\239\187\191" .. leaf.cert:to_pem())
  put("indented.pem", "  " .. leaf.cert:to_pem():gsub("\n", "\n  "))
  put("garbage", ("\0\1\2"):rep(50))
  put("empty", "")
end)
teardown(function() process.remove(directory) end)

describe("lacre inspect", function()
  -- { command line, exit code, a pattern of the output }
  ends {
    { "lacre inspect leaf.crt", 0, "subject: +CN=a%.example" },
    { "lacre inspect leaf.crt", 0, "89 days left" },
    { "lacre inspect leaf.der", 0, "issuer: +CN=Test Intermediate,O=Lacre" },
    { "lacre inspect root.crt", 0, "self%-signed" },
    { "lacre inspect chain.pem", 0, "chain of 2 certificates; the next issuer is missing: CN=Test Root,O=Lacre" },
    { "lacre inspect mixed.pem", 0, "not in order; the order, leaf first, is 2, 1" },
    { "lacre inspect chain.pem root.crt", 0, "chain of 3 certificates\n" },
    { "lacre inspect leaf.crt client.crt", 0, "not part of the chain: 2" },
    { "lacre inspect a.csr", 0, "warning: it asks to be a CA" },
    { "lacre inspect csr.der", 0, "signed with its own key" },
    { "lacre inspect a.crl crl.der", 0, "superseded.*superseded" },
    { "lacre inspect leaf.key", 0, "private ec P%-256" },
    { "lacre inspect key.der old.key public.pem", 0, "private.*private.*public" },
    { "lacre inspect sealed.key", 0, "encrypted key" },
    { "lacre inspect a.p12", 0, "encrypted pkcs12" },
    { "lacre inspect sealed.key --password-env PW", 0, "private ec P%-256" },
    { "lacre inspect sealed.key --password-env NEW", 3, "bad_password" },
    { "lacre inspect a.p12 --password-env PW", 0, "a.p12 %(pkcs12%): lacre.key.*chain of 2" },
    { "lacre inspect a.ocsp", 0, "OCSP response\n  serial:      %x+ good\n  updated:     20%S+\n  next:        20%S+\n  responder:" },
    { "lacre inspect - < leaf.der", 0, "subject: +CN=a%.example" },
    { "cat leaf.crt a.csr a.crl | lacre inspect - --field kind", 0, "^cert\ncsr\ncrl\n$" },
    { "lacre inspect leaf.crt --field hosts --field public_key.bits --field extended_key_usage", 0,
      "^a%.example\n192%.0%.2%.7\n256\nserver_auth\n$" },
    { "lacre inspect broken.pem", 1, "bad_pem.*subject: +CN=Test Root" },
    { "lacre inspect curve.key", 0, "parameters of keys: P%-256.*private ec P%-256" },
    { "lacre inspect unclosed.pem | grep -c 'has no END line'", 0, "^20000\n$" },
    { "lacre inspect unclosed.pem --field error.code | sort | uniq -c", 0, "^ *20000 bad_pem\n$" },
    { "lacre inspect leaf.crt --field not_befor", 2, "no 'not_befor'; did you mean 'not_before'%? fields: authority_key_id " },
    { "lacre inspect leaf.crt --field zzz --json", 2, "no 'zzz'; fields: " },
    { "lacre inspect leaf.crt --field public_key.bitz", 2, "no 'public_key.bitz'" },
    { "lacre inspect garbage", 3, "bad_der" },
    { "lacre inspect marked.pem", 0, "subject: +CN=a%.example" },
    { "lacre inspect indented.pem", 3, "no line in it begins a PEM block.*hint: PEM has %-%-%-%-%-BEGIN" },
    { "lacre pin marked.pem", 0, "^sha256//" },
    { "lacre inspect empty", 3, "it is empty" },
    { "lacre inspect nowhere.pem", 3, "file_not_found" },
    { "lacre inspect leaf.crt --profile client", 0, "error: it is not for client_auth" },
    { "lacre inspect leaf.crt --time 2037-01-01", 0, "ended %d+ years ago" },
    { "lacre inspect leaf.crt --profile sever", 2, "must be one of" },
    { "lacre inspect --help", 0, "Examples:" },
  }

  it("orders a thousand certificates, in time", function()
    local above, list = { cert = root.cert, key = root.key }, {}
    above.cert = pki.root({ path_length = false, key = root.key }).cert
    local top = above.cert
    for i = 1, 1000 do
      above = { cert = lacre_lib.assert(lacre_lib.cert.create { key = leaf.key, profile = "intermediate", path_length = false,
        subject = "CN=" .. i, issuer = above.cert, issuer_key = above.key, extended_key_usage = {}, clamp = true }), key = leaf.key }
      list[i] = above.cert:to_pem()
    end
    local started = os.clock()
    put("thousand.pem", pki.issue({ cert = above.cert, key = leaf.key, chain = {} }, { clamp = true }).cert:to_pem() .. table.concat(list) .. top:to_pem())
    local result = data "lacre inspect thousand.pem --json"
    assert.equal(1002, #result.chain.order)
    assert.same({}, result.chain.unused)
    assert.is_true(result.chain.complete)
    local crowd = {}
    for i = 1, 1000 do
      crowd[i] = pki.intermediate(root, { key = leaf.key, subject = "CN=X", serial = i }).cert:to_pem()
    end
    put("crowd.pem", table.concat(crowd))
    data "lacre inspect crowd.pem --json"
    assert.is_true(os.clock() - started < 30)
  end)

  it("has everything as data", function()
    local result = data "lacre inspect mixed.pem a.csr a.crl a.ocsp --json"
    local kinds = {}
    for i, item in ipairs(result.items) do
      kinds[i] = item.kind
      for name in pairs(item) do
        assert.is_true(fields.known[name], name)
      end
    end
    assert.same({ "cert", "key", "cert", "csr", "crl", "ocsp" }, kinds)
    assert.same({ 2, 1 }, result.chain.order)
    assert.is_false(result.chain.in_order)
    assert.equal("CN=Test Root,O=Lacre", result.chain.missing)
    assert.same({ "http://ca.example/root.crt" }, result.chain.urls)
    assert.equal(leaf.cert:pin(), result.items[3].pin)
    assert.equal(leaf.cert:not_after(), result.items[3].not_after)
    assert.equal("key_usage", result.items[3].extensions[2].name)
    assert.equal("superseded", result.items[5].revoked[1].reason)
    assert.equal("good", result.items[6].status)
    assert.is_nil(result.items[2].private_key)
  end)
end)

describe("lacre verify", function()
  ends {
    { "lacre verify chain.pem --trust root.crt --host a.example", 0, "^verified for a.example\n  0 CN=a.example" },
    { "lacre verify chain.pem --trust root.crt --host 192.0.2.7", 0, "^verified" },
    { "lacre verify leaf.crt mixed.pem --trust root.crt --host a.example", 0, "^verified" },
    { "lacre verify a.p12 --trust root.crt --host a.example", 3, "encrypted" },
    { "lacre verify chain.pem --trust root.crt", 0, "no name was checked" },
    { "lacre verify chain.pem --trust root.crt --host b.example", 4, "NOT verified for b.example\n  hostname_mismatch" },
    { "lacre verify leaf.crt --trust root.crt --host a.example", 4, "unknown_issuer" },
    { "lacre verify chain.pem --trust root.crt --host b.example --time 2037-01-01", 4, "hostname_mismatch.*cert_expired" },
    { "lacre verify chain.pem --trust root.crt --host a.example --crl a.crl", 4, "cert_revoked" },
    { "lacre verify chain.pem --trust root.crt --host a.example --crl both.crl", 4, "for a.example\n  cert_revoked" },
    { "lacre verify chain.pem --trust root.crt --host a.example --crl clean.crl", 0, "^verified" },
    { "lacre verify chain.pem --trust root.crt --host a.example --policy foo", 2, "bad option %-%-policy " },
    { "lacre verify client.crt --trust root.crt --email client@lacre.example --purpose client", 0, "^verified" },
    { "lacre verify client.crt --trust root.crt --email client@lacre.example", 4, "wrong_purpose" },
    { "lacre verify chain.pem --trust root.crt --host a.example --pin sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      4, "pin_mismatch" },
    { "lacre verify chain.pem --trust root.crt --purpose ocsp", 4, "wrong_purpose: certificate CN=a%.example is not for signing OCSP" },
    { "lacre verify chain.pem --trust root.crt --purpose ocsp --time 2037-01-01", 4, "cert_expired.*wrong_purpose" },
    { "lacre verify unclosed.pem --trust root.crt", 3, "bad_pem" },
    { "lacre verify leaf.key --trust root.crt --host a.example", 3, "no certificate found %[parse leaf.key%]" },
    { "lacre verify garbage --host a.example", 3, "bad_der" },
    { "lacre verify chain.pem --trust nowhere --host a.example", 3, "file_not_found" },
  }

  it("has every reason as data", function()
    local result, code = data "lacre verify chain.pem --trust root.crt --host b.example --time 2037-01-01 --json"
    assert.equal(4, code)
    assert.is_false(result.ok)
    local codes = {}
    for _, err in ipairs(result.errors) do
      codes[err.code] = true
    end
    assert.is_true(codes.cert_expired and codes.hostname_mismatch)
    result = data "lacre verify chain.pem --trust root.crt --host a.example --json"
    assert.is_true(result.ok)
    assert.equal(leaf.cert:pin(), result.chain[1].pin)
  end)
end)

describe("lacre convert", function()
  ends {
    { "lacre convert leaf.der", 0, "^%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-\n.*\n%-%-%-%-%-END CERTIFICATE%-%-%-%-%-\n$" },
    { "lacre selfsign ed.test --key ed25519 --quiet && lacre convert ed.test.key --to traditional", 2, "no traditional form" },
    { "lacre convert old.key --to pkcs8", 0, "^%-%-%-%-%-BEGIN PRIVATE KEY" },
    { "lacre convert leaf.key --to traditional", 0, "^%-%-%-%-%-BEGIN EC PRIVATE KEY" },
    { "lacre convert leaf.key --to pkcs8 --new-password-env NEW", 0, "^%-%-%-%-%-BEGIN ENCRYPTED PRIVATE KEY" },
    { "lacre convert sealed.key --password-env PW --to pkcs8", 0, "^%-%-%-%-%-BEGIN PRIVATE KEY" },
    { "lacre convert sealed.key --to pkcs8 < /dev/null", 3, "password_required" },
    { "lacre convert leaf.crt --to public", 0, "^%-%-%-%-%-BEGIN PUBLIC KEY" },
    { "lacre convert a.p12 --password-env PW", 0, "BEGIN PRIVATE KEY.*BEGIN CERTIFICATE.*BEGIN CERTIFICATE" },
    { "lacre convert leaf.crt --to pkcs8", 3, "no_key" },
    { "lacre convert leaf.crt leaf.key --to der", 2, "DER can hold only one object" },
    { "lacre convert leaf.crt leaf.key --to p12", 2, "needs a password" },
    { "lacre convert root.crt leaf.key --to p12 --new-password-env NEW", 2, "key_mismatch" },
    { "lacre convert leaf.crt --out - && test ! -e ./-", 0, "BEGIN CERTIFICATE" },
    { "lacre convert chain.pem leaf.key --to pkcs8 --out only.key", 0, "^only.key  key as pkcs8\n$" },
    { "lacre convert chain.pem leaf.key sealed.key --password-env PW --to p12 --new-password-env NEW", 2, "not another key" },
    { "lacre convert chain.pem leaf.key a.csr --to p12 --new-password-env NEW", 2, "not another csr" },
    { "lacre convert a.crl --to public", 3, "no_key" },
    { "lacre convert curve.key | grep BEGIN", 0, "^%-%-%-%-%-BEGIN PRIVATE KEY%-%-%-%-%-\n$" },
    { "lacre convert curve.key --to der | openssl pkey -inform der -noout -text", 0, "P%-256" },
    { "lacre convert params.pem", 0, "^%-%-%-%-%-BEGIN EC PARAMETERS" },
    { "lacre convert unclosed.pem", 3, "bad_pem" },
    { "lacre convert garbage", 3, "bad_der" },
    { "lacre convert leaf.crt --json", 0, '"pem": *"%-%-%-%-%-BEGIN' },
    { "lacre convert leaf.crt --to der --json", 0, '"base64":' },
  }

  it("asks for the password of each file by its name", function()
    local asked, paths = {}, { directory .. "/sealed.key", directory .. "/a.p12" }
    assert(lacre_lib.tool.convert { files = paths, password = function(what)
      asked[#asked + 1] = what
      return "sesame"
    end })
    assert.same(paths, asked)
  end)

  it("gives the bytes as they are", function()
    shell "lacre convert leaf.crt --to der > out.der"
    assert.equal(leaf.cert:to_der(), read "out.der")
    shell "lacre convert leaf.key --to der > key.out"
    assert.equal(leaf.key:to_der(), read "key.out")
  end)

  it("writes a bundle for its owner alone, never over an old one", function()
    local output, code = shell "lacre convert chain.pem leaf.key --to p12 --out new.p12 --new-password-env NEW --name café"
    assert.equal(0, code, output)
    assert.equal("600", mode "new.p12")
    local found = assert(lacre_lib.pkcs12.load(directory .. "/new.p12", { password = "fresh" }))
    assert.equal("café", found.name)
    assert.equal(leaf.key, found.key)
    assert.equal(inter.cert, found.chain[1])
    output, code = shell "lacre convert chain.pem leaf.key --to p12 --out new.p12 --new-password-env NEW"
    assert.equal(3, code)
    assert.matches("file_exists", output)
  end)
end)

describe("lacre csr", function()
  it("makes a request and a key", function()
    local output, code = shell "lacre csr www.example.test 10.0.0.7 --subject O=Example --purpose server_auth --must-staple"
    assert.equal(0, code, output)
    assert.matches("request for www.example.test, 10.0.0.7", output)
    local made = assert(lacre_lib.csr.parse(read "www.example.test.csr"))
    assert.same({ "www.example.test", "10.0.0.7" }, made:hosts())
    assert.equal("O=Example", tostring(made:subject()))
    assert.is_true(made:must_staple())
    assert.is_true(made:verify())
    assert.equal("600", mode "www.example.test.key")
    assert.is_true(made:matches_key(lacre_lib.key.parse(read "www.example.test.key")))
    output, code = shell "lacre csr www.example.test"
    assert.equal(3, code)
    assert.matches("file_exists", output)
  end)

  it("asks anew for an old key, and leaves it alone", function()
    local before = read "leaf.key"
    local output, code = shell "lacre csr renewed.test --key leaf.key"
    assert.equal(0, code, output)
    assert.equal(before, read "leaf.key")
    assert.equal(leaf.key:pin(), lacre_lib.csr.parse(read "renewed.test.csr"):pin())
    output, code = shell "lacre csr sealed.test --key sealed.key --password-env PW --json"
    assert.equal(0, code, output)
    assert.equal(leaf.key:pin(), json.decode(output).pin)
    output, code = shell "lacre csr no.test --key public.pem"
    assert.equal(3, code)
    assert.matches("no_key", output)
    output, code = shell "lacre csr no.test --usage foo"
    assert.equal(2, code)
    assert.matches("bad option %-%-usage ", output)
    output, code = shell "lacre csr no.test --key p25"
    assert.equal(2, code)
    assert.matches("unknown key type 'p25'", output)
    output, code = shell "lacre csr 'no name'"
    assert.equal(2, code)
    assert.matches("bad_name", output)
  end)
end)

describe("a key that is to be encrypted", function()
  it("is not written in the clear where no password is given", function()
    local key = lacre_lib.assert(lacre_lib.key.generate())
    local made = {
      { lacre_lib.tool.selfsign { "a.test", encrypt = true } }, { lacre_lib.tool.csr { "a.test", encrypt = true } },
      { lacre_lib.tool.convert { key:to_pem(), encrypt = true } },
    }
    for i, one in ipairs(made) do
      assert.is_nil(one[1], i)
      assert.equal("password_required", one[2].code)
    end
  end)
end)

describe("lacre selfsign", function()
  it("takes other scripts, seals the key and makes a bundle", function()
    local output, code = shell "lacre selfsign bücher.test '*.dev.test' ::1 --days 90 --password-env PW --p12"
    assert.equal(0, code, output)
    local made = assert(lacre_lib.cert.parse(read "xn--bcher-kva.test.crt"))
    assert.same({ "xn--bcher-kva.test", "*.dev.test", "::1" }, made:hosts())
    assert.is_true(made:expires_in() > 89.9 * 86400 and made:expires_in() <= 90 * 86400)
    assert.matches("ENCRYPTED", read "xn--bcher-kva.test.key")
    assert.equal("600", mode "xn--bcher-kva.test.p12")
    local found = assert(lacre_lib.pkcs12.parse(read "xn--bcher-kva.test.p12", { password = "sesame" }))
    assert.equal(made, found.cert)
    assert.equal(found.key, lacre_lib.key.parse(read "xn--bcher-kva.test.key", { password = "sesame" }))
  end)

  ends {
    { "lacre selfsign alice@example.test --profile client --key ed25519", 0, "certificate for alice@example.test" },
    { "lacre selfsign again.test --key leaf.key", 0, "leaf.key  the existing private key" },
    { "lacre selfsign both.test --days 3 --valid-for 3d", 2, "cannot be combined" },
    { "lacre selfsign none.test --days 0", 2, "at least 1" },
    { "lacre selfsign p12.test --p12", 2, "needs a password" },
    { "lacre selfsign ask.test --encrypt < /dev/null", 3, "password_required" },
    { "lacre selfsign 1.2.3", 2, "bad_name" },
    { "lacre selfsign '*'", 2, "bad_name" },
  }
end)
