-- Bytes nobody meant: mutated by the thousand, every one is an error or a value that can be told, within bounded time.
local cert = require "lacre.cert"
local crl = require "lacre.crl"
local csr = require "lacre.csr"
local der = require "lacre.der"
local documents = require "lacre.x509.documents"
local extension = require "lacre.x509.extension"
local json = require "dkjson"
local key = require "lacre.key"
local lacre_error = require "lacre.error"
local name = require "lacre.name"
local ocsp = require "lacre.ocsp"
local pem = require "lacre.pem"
local pkcs12 = require "lacre.pkcs12"
local plain = require "lacre.plain"
local store = require "lacre.store"

local COUNT = tonumber(os.getenv "HOSTILE_COUNT") or (os.getenv "SANITIZER" and 150 or 600)

-- the same mutations in every run
local state = 20260101
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return math.floor(state / 65536) % n
end

local function replaced(bytes, at, text, skip)
  return bytes:sub(1, at - 1) .. text .. bytes:sub(at + (skip or #text))
end

local mutations = {
  function(bytes) -- one octet is another
    return replaced(bytes, random(#bytes) + 1, string.char(random(256)))
  end,
  function(bytes) -- one bit is another
    local at = random(#bytes) + 1
    local octet, bit = bytes:byte(at), 2 ^ random(8)
    return replaced(bytes, at, string.char(math.floor(octet / bit) % 2 == 1 and octet - bit or octet + bit))
  end,
  function(bytes) -- the end is missing
    return bytes:sub(1, random(#bytes))
  end,
  function(bytes) -- something is in between
    return replaced(bytes, random(#bytes) + 1, ("\0\255\48\128"):sub(1, random(4) + 1), 0)
  end,
  function(bytes) -- something is there twice
    local at = random(#bytes) + 1
    local piece = bytes:sub(at, at + random(40))
    return replaced(bytes, at, piece, 0)
  end,
  function(bytes) -- a length that is none
    return replaced(bytes, random(#bytes) + 1, ("\131\255\255\255"):sub(1, random(3) + 2))
  end,
  function(bytes) -- something is gone
    local at = random(#bytes) + 1
    return bytes:sub(1, at - 1) .. bytes:sub(at + random(20) + 1)
  end,
}

local material = require "spec.support.readers"
local root, inter, leaf, readers = material.root, material.inter, material.leaf, material.readers

describe("hostile bytes", function()
  for what, row in pairs(readers) do
    it("as a " .. what .. " are an error or a value, and soon", function()
      state = #what * 7919 + #row[1]
      local started, good = os.clock(), 0
      for i = 1, COUNT do
        local bytes = mutations[i % #mutations + 1](row[1])
        if i % 5 == 0 and #bytes > 0 then
          bytes = mutations[random(#mutations) + 1](bytes)
        end
        local value, err = row[2](bytes)
        assert.is_true(value ~= nil or lacre_error.is(err))
        if value then
          good = good + 1
          row[3](value)
        end
      end
      assert.is_true(os.clock() - started < 30)
      assert.is_true(row[2](row[1]) ~= nil)
    end)
  end

  it("as a PKCS#12 file are an error or a value", function()
    local sealed = assert(pkcs12.create { cert = leaf.cert, key = leaf.key, password = "x", rounds = 1000 })
    for i = 1, COUNT / 4 do
      local found, err = pkcs12.parse(mutations[i % #mutations + 1](sealed), { password = "x" })
      assert.is_true(found ~= nil or lacre_error.is(err))
    end
    -- a file that asks for hours of hashing is refused
    local greedy, count = sealed:gsub("\2\2\3\232$", "\2\4\127\255\255\255")
    assert.is_true(count <= 1)
    local found, err = pkcs12.parse(greedy, { password = "x" })
    assert.is_nil(found)
    assert.is_true(lacre_error.is(err))
  end)

  it("that ask for hours of hashing are refused", function()
    local function seq(...)
      return der.element(0x30, table.concat { ... })
    end
    local salt = der.element(4, "12345678")
    local function sealed(derivation)
      local pbes2 = der.element(6, "\42\134\72\134\247\13\1\5\13")
      local aes = seq(der.element(6, "\96\134\72\1\101\3\4\1\42"), der.element(4, ("i"):rep(16)))
      return seq(seq(pbes2, seq(derivation, aes)), der.element(4, ("x"):rep(48)))
    end
    local pbkdf2 = function(rounds)
      return seq(der.element(6, "\42\134\72\134\247\13\1\5\12"), seq(salt, der.element(2, rounds)))
    end
    local scrypt = seq(der.element(6, "\43\6\1\4\1\218\71\4\11"),
      seq(salt, der.element(2, "\64\0"), der.element(2, "\8"), der.element(2, "\2\0\0")))
    for _, derivation in ipairs { pbkdf2 "\127\255\255\255", pbkdf2 "\0\255\255\255\255\255\255\255\255", scrypt } do
      local none, err = key.parse(sealed(derivation), { password = "x" })
      assert.is_nil(none)
      assert.equal("too_large", err.code)
      assert.matches("fewer rounds", err.hint)
      none, err = key.parse(sealed(derivation))
      assert.is_nil(none)
      assert.equal("password_required", err.code)
      for _, inside in ipairs { seq(sealed(derivation)), "\48\128" .. sealed(derivation) .. "\0\0" } do
        none, err = pkcs12.parse(seq(der.element(2, "\3"), seq(der.element(6, "\42\134\72\134\247\13\1\7\1"),
          der.element(0xa0, der.element(4, inside)))), { password = "x" })
        assert.is_nil(none)
        assert.equal("too_large", err.code)
      end
    end
    local none, err = key.parse(sealed(pbkdf2 "\9\39\192"), { password = "x" })
    assert.is_nil(none)
    assert.equal("bad_password", err.code)
  end)

  it("in every extension are told as malformed, or as what they are", function()
    local values = { "", "\0", "\5\0", "\48\0", "\48\128\0\0", "\48\130\255\255", ("\48\2"):rep(300), ("A"):rep(70000) }
    for _, oid in ipairs { "2.5.29.9", "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.18", "2.5.29.19", "2.5.29.20", "2.5.29.21",
      "2.5.29.24", "2.5.29.27", "2.5.29.28", "2.5.29.29", "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.5.29.33", "2.5.29.35",
      "2.5.29.36", "2.5.29.37", "2.5.29.46", "2.5.29.54", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11", "1.3.6.1.5.5.7.1.24",
      "1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.11129.2.4.3", "1.3.6.1.5.5.7.48.1.5" } do
      for _, value in ipairs(values) do
        local one = extension.explain { oid = oid, critical = false, der = value }
        assert.is_true(one.value ~= nil or one.malformed ~= nil, oid)
        assert.is_string(one.text)
        local c = assert(cert.create { key = leaf.key, hosts = { "x.example" }, extensions = { { oid = oid, der = value } } })
        assert.is_string(json.encode(c:to_table()))
        c:to_text()
        c:lint()
      end
    end
  end)

  -- a certificate with another element in place of one, unsigned
  local elements = der.sequence_of(der.any)
  local function with(at, element, outer)
    local whole = assert(der.decode(elements, leaf.cert:to_der()))
    local tbs = assert(der.decode(elements, whole[1]))
    tbs[at] = element
    return der.element(0x30, der.element(0x30, table.concat(tbs)) .. (outer or whole[2]) .. whole[3])
  end

  it("of identifiers longer than anybody reads are told whole", function()
    for _, length in ipairs { 98, 99, 100, 5000 } do
      local long = der.element(6, "\42" .. ("\255"):rep(length) .. "\1")
      local subject = der.element(0x30, der.element(0x31, der.element(0x30, long .. der.element(12, "x"))))
      local extensions = der.element(0xa3, der.element(0x30, der.element(0x30, long .. der.element(4, "\5\0"))))
      local algorithm = der.element(0x30, long)
      local named, extended = assert(cert.parse(with(6, subject))), assert(cert.parse(with(8, extensions)))
      local signed = assert(cert.parse(with(3, algorithm, algorithm)))
      local told = length > 98 and "^#2a" .. ("ff"):rep(length) .. "01" or "^1%.2%.%d+"
      assert.matches(told .. "=x$", tostring(named:subject()))
      assert.matches(told, named:subject():to_table()[1].oid)
      assert.matches(told, extended:extensions()().oid)
      assert.matches(told, signed:signature_algorithm())
      for _, one in ipairs { named, extended, signed } do
        assert.is_string(json.encode(one:to_table()))
        one:to_text()
        for _, finding in ipairs(one:lint()) do
          assert.is_not.equal("signature_algorithms", finding.rule)
        end
      end
    end
    for _, bad in ipairs { "", "\42\128\1", "\42\255", "\42" .. ("\255"):rep(200) } do
      local one = extension.explain {
        oid = "2.5.29.37", critical = false, der = der.element(0x30, der.element(6, bad)),
      }
      assert.equal("malformed encoding: bad object identifier", one.malformed)
    end
  end)

  it("of a list of bits without end are malformed", function()
    local one = extension.explain {
      oid = "2.5.29.15", critical = true, der = der.element(3, "\0" .. ("\255"):rep(1000000)),
    }
    assert.matches("bad bit string", one.malformed)
  end)

  it("nested deep do not exhaust anything", function()
    local deep = ""
    for _ = 1, 5000 do
      deep = der.element(0x30, deep)
    end
    for _, parse in ipairs { cert.parse, csr.parse, crl.parse, key.parse, ocsp.parse, pkcs12.parse, documents.parse } do
      local value, err = parse(deep)
      assert.is_true(value ~= nil or lacre_error.is(err))
    end
  end)
end)

describe("hostile text", function()
  it("of PEM ends soon", function()
    local started = os.clock()
    local texts = {
      ("-----BEGIN CERTIFICATE-----\n"):rep(20000), ("-----BEGIN "):rep(50000), ("-"):rep(500000),
      "-----BEGIN CERTIFICATE-----\n" .. ("A"):rep(1000000) .. "\n-----END CERTIFICATE-----\n",
      "-----BEGIN CERTIFICATE-----\n" .. ("A\n"):rep(300000) .. "-----END CERTIFICATE-----\n",
      "-----BEGIN X-----\n" .. ("h: v\n"):rep(100000) .. "\nAAAA\n-----END X-----\n",
      ("-----BEGIN X-----\nAAAA\n-----END X-----\n"):rep(20000),
    }
    for i, text in ipairs(texts) do
      cert.parse(text)
      cert.parse_all(text)
      key.parse(text)
      csr.parse(text)
      crl.parse(text)
      pem.list(text)
      assert.is_true(os.clock() - started < 20, "text " .. i)
    end
  end)

  it("in names is shown, whole and harmless", function()
    for _, value in ipairs { "a\0b", "\27[31mred", "a\nb", "\r\n", "x\127", "\194\155x", "a,b+c=\"d\"", " lead", "trail ", "#hash",
      ("x"):rep(64), "CN=evil\0,O=x" } do
      local n = assert(name.new { { "O", value } })
      assert.equal(value, n:get "O")
      assert.equal(n, assert(name.from_der(n:der())))
      if not value:find "[\128-\255]" then
        assert.equal(value, assert(name.parse(tostring(n))):get "O")
      end
      local c = assert(cert.create { key = leaf.key, hosts = { "a.example" }, subject = n })
      assert.equal(value, c:subject():get "O")
      local text = c:to_text()
      assert.is_nil(text:gsub("\n", ""):find "[%z\1-\31\127]")
      assert.is_string(json.encode(c:to_table()))
    end
    for _, value in ipairs { "\255\254", "\195\40", "\237\160\128" } do
      local none, err = name.new { { "O", value } }
      assert.is_nil(none)
      assert.equal("bad_name", err.code)
      assert.matches("^[%z\1-\127]+$", plain.text(value))
    end
  end)
end)

describe("text for a terminal", function()
  for text, shown in pairs {
    ["moc.\226\128\174elpmaxe"] = "moc.\\u202eelpmaxe", ["a\226\128\139b"] = "a\\u200bb", ["\194\155x"] = "\\u009bx",
    ["a\226\129\166b"] = "a\\u2066b", ["\239\187\191a"] = "\\ufeffa", ["a\194\173b"] = "a\\u00adb",
    ["\243\160\129\129"] = "\\ue0041", ["a\nb\27"] = "a\\x0ab\\x1b",
    ["b\195\188cher"] = "b\195\188cher", ["\240\159\152\128"] = "\240\159\152\128", ["\226\130\172"] = "\226\130\172",
  } do
    it("shows " .. shown, function()
      assert.equal(shown, plain.printable(text))
    end)
  end
end)

-- a certificate with octets of its names changed, which no issuer here would sign
local function renamed(hosts, from, to)
  local bytes = assert(cert.create { key = leaf.key, hosts = hosts }):to_der()
  local at = assert(bytes:find(from, bytes:find("\85\29\17", 1, true), true))
  return assert(cert.parse(replaced(bytes, at, to)))
end

describe("names in messages", function()
  it("hold no lines, colours or other names", function()
    for _, row in ipairs {
      { "aXbYc.example", "aXbY", "a\27[31", "'a\\x1b[31.example'" }, { "aXbYc.example", "X", "\n", "'a\\x0abYc.example'" },
      { "aXbYc.example", "X", "\0", "'a\\x00bYc.example'" }, { "a.test.c.example", ".c", ", ", "'a.test, .example'" },
      { "127.0.0.a", ".a", ".1", "'127.0.0.1' (as a DNS name)" },
    } do
      local c = renamed({ row[1]:lower(), "good.example" }, row[2]:lower(), row[3])
      local told = row[4]:lower():gsub("dns", "DNS") .. ", good.example"
      local good, presented = c:matches_host "127.0.0.1"
      assert.same({ false, "presented: " .. told }, { good, presented })
      local none, err = store.verify(c, { trust = c, server_name = "127.0.0.1", all_errors = true })
      assert.is_nil(none)
      assert.equal(("the certificate is for %s, not for 127.0.0.1"):format(told), err.message)
    end
  end)

  it("are ten, and the number of the others", function()
    local hosts = {}
    for i = 1, 1200 do
      hosts[i] = ("h%d.example"):format(i)
    end
    local _, err = store.verify(assert(cert.create { key = leaf.key, hosts = hosts }), { trust = root.cert,
      server_name = "other.example" })
    assert.is_true(#err.message < 300)
    local _, presented = assert(cert.create { key = leaf.key, hosts = hosts }):matches_host "other.example"
    assert.matches("h9.example, h10.example and 1190 more$", presented)
  end)
end)

describe("many certificates", function()
  it("are read and verified in bounded time", function()
    local started = os.clock()
    local texts = {}
    for i = 1, 1000 do
      texts[i] = (i % 2 == 0 and inter or root).cert:to_pem()
    end
    texts[#texts + 1] = leaf.cert:to_pem()
    local bundle = table.concat(texts)
    local all = assert(cert.parse_all(bundle))
    assert.equal(1001, #all)
    local chain = assert(store.verify(leaf.cert, { trust = root.cert, server_name = "a.example", intermediates = all }))
    assert.equal(3, #chain)
    assert.equal(1001, #assert(documents.parse(bundle)))
    assert.is_true(store.new(all):count() == 3)
    require("lacre.x509.chain_order").of(all)
    assert.is_true(os.clock() - started < 10)
  end)

  it("is refused in verifications, or changes nothing, whichever octet of a certificate is another", function()
    for _, bytes in ipairs { leaf.cert:to_der(), inter.cert:to_der() } do
      for at = 1, #bytes do
        local c = cert.parse(replaced(bytes, at, string.char((bytes:byte(at) + 128) % 256)))
        for _, set in ipairs(c and {
          { c, intermediates = { inter.cert }, all_errors = true }, { leaf.cert, intermediates = { c }, all_errors = true },
          { leaf.cert, intermediates = { c } }, { leaf.cert, intermediates = { c, inter.cert } }, { leaf.cert, trust = { c } },
        } or {}) do
          local one = table.remove(set, 1)
          set.trust, set.server_name = set.trust or root.cert, "a.example"
          local chain, err = store.verify(one, set)
          assert.is_true(chain and one == leaf.cert or lacre_error.is(err, "verify"))
          for _, member in ipairs(chain or {}) do
            assert.is_true(member ~= c or set.trust[1] == c)
          end
        end
      end
    end
  end)

  it("whose policies branch without end are refused, and nothing is said of memory", function()
    local width, depth = 32, 7
    local function policy(level, i)
      return ("1.2.3.%d.%d"):format(level, i)
    end
    local function issued(issuer, level, options)
      local policies = {}
      for i = 1, width do
        policies[i] = policy(level, i)
      end
      options.key, options.issuer, options.issuer_key, options.policies = leaf.key, issuer.cert, issuer.key, policies
      return { cert = assert(cert.create(options)), key = leaf.key }
    end
    local above = { cert = assert(cert.create { key = leaf.key, profile = "ca", subject = "CN=top", path_length = 20 }), key = leaf.key }
    local anchor, all = above.cert, {}
    for level = 1, depth do
      local mappings = {}
      for i = 1, width * width do
        local from, to = math.floor((i - 1) / width) + 1, (i - 1) % width + 1
        mappings[i] = { issuer_policy = policy(level, from), subject_policy = policy(level + 1, to) }
      end
      above = issued(above, level, { profile = "intermediate", subject = "CN=" .. level, path_length = depth + 1 - level,
        extensions = { { name = "policy_mappings", critical = true, value = mappings } } })
      all[level] = above.cert
    end
    local last = issued(above, depth + 1, { hosts = { "a.example" } }).cert
    local chain, err = store.verify(last, { trust = anchor, server_name = "a.example", intermediates = all })
    assert.is_nil(chain)
    assert.equal("policy_violation", err.code)
  end)

  it("that issue each other in circles come to an end", function()
    local keys, circle = {}, {}
    for i = 1, 8 do
      keys[i] = key.generate()
    end
    local function signed(i, j) -- i by j
      local issuer = assert(cert.create { key = keys[j], profile = "ca", subject = "CN=ca" .. j, path_length = false })
      return assert(cert.create { key = keys[i], profile = "ca", subject = "CN=ca" .. i, issuer = issuer, issuer_key = keys[j],
        path_length = false, clamp = true })
    end
    for i = 1, 8 do
      for j = 1, 8 do
        if i ~= j then circle[#circle + 1] = signed(i, j) end
      end
    end
    local top = assert(cert.create { key = keys[1], profile = "ca", subject = "CN=ca1", path_length = false })
    local below = assert(cert.create { key = leaf.key, hosts = { "a.example" }, issuer = top, issuer_key = keys[1] })
    local started = os.clock()
    local chain, err = store.verify(below, { trust = root.cert, server_name = "a.example", intermediates = circle, max_depth = 30 })
    assert.is_nil(chain)
    assert.is_true(err:is "verify")
    assert.is_true(os.clock() - started < 5)
    require("lacre.x509.chain_order").of(circle)
  end)

  it("reads any number of PEM blocks that are broken in one go", function()
    for _, text in ipairs {
      ("-----BEGIN CERTIFICATE-----\nMIIB\n"):rep(40000), ("-----BEGIN X-----\n-----BEGIN \n"):rep(40000),
      ("a-----BEGIN \n"):rep(40000) .. "-----BEGIN X-----\n", ("-----BEGIN X-----\n!\n-----END X-----\n"):rep(20000),
      ("-----BEGIN X-----\n-----END Y-----\n"):rep(20000), ("-----BEGIN X"):rep(40000), ("-----BEGIN X-----"):rep(40000),
    } do
      local started = os.clock()
      local found = documents.parse(text)
      assert.is_true(found == nil or #found > 0)
      cert.parse_all(text)
      key.parse(text)
      assert.is_true(os.clock() - started < (os.getenv "SANITIZER" and 20 or 2))
    end
  end)
end)
