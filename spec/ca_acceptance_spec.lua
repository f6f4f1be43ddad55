-- What the CA issues is accepted by everybody else's programs, and what it revokes is refused by them.
local file = require "lacre.file"
local lacre = require "lacre"
local lfs = require "lfs"
local process = require "spec.support.process"

local must = lacre.assert
local directory

local has = process.has

local function write(name, bytes)
  must(file.write(directory .. "/" .. name, bytes, { overwrite = true }))
  return directory .. "/" .. name
end

local function pem(list)
  local all = {}
  for i, one in ipairs(list) do
    all[i] = one:to_pem()
  end
  return table.concat(all)
end

local kinds = { "p256", "p384", "ed25519", "rsa:2048" }
local root, inter, good, bad

setup(function()
  directory = process.directory()
  root = must(lacre.ca.new { name = "Acceptance Root", key = "p384" })
  inter = must(root:intermediate {
    name = "Acceptance CA", extended_key_usage = { "server_auth", "client_auth", "email_protection" },
  })
  good, bad = must(inter:issue { hosts = { "good.test" } }), must(inter:issue { hosts = { "bad.test" } })
  must(inter:revoke(bad.cert, "key_compromise"))
  write("root.pem", root:cert():to_pem())
  write("inter.pem", inter:cert():to_pem())
  write("crls.pem", pem { must(inter:crl()), must(root:crl()) })
  write("good.pem", good.cert:to_pem())
  write("bad.pem", bad.cert:to_pem())
end)

teardown(function()
  process.remove(directory)
end)

local function run(...)
  return process.run { "sh", "-c", ("cd '%s' && "):format(directory) .. (...) }
end

describe("what a CA issues is accepted by", function()
  it("openssl, for every kind of key and profile, strictly", function()
    local purposes = { server = "sslserver", client = "sslclient", peer = "sslserver", email = "smimesign" }
    for _, kind in ipairs(kinds) do
      for profile, purpose in pairs(purposes) do
        write("leaf.pem", must(inter:issue { hosts = { profile == "email" and "a@a.test" or "a.test" }, profile = profile, key = kind }).cert:to_pem())
        local output, code = run(
          "openssl verify -x509_strict -purpose " .. purpose .. " -CAfile root.pem -untrusted inter.pem leaf.pem")
        assert.equal(0, code, kind .. " " .. profile .. output)
      end
    end
  end)

  it("openssl and its lists", function()
    local line = "openssl verify -crl_check_all -CAfile root.pem -untrusted inter.pem -CRLfile crls.pem "
    assert.equal(0, select(2, run(line .. "good.pem")))
    assert.matches("certificate revoked", (run(line .. "bad.pem")))
  end)

  it("gnutls certtool", function()
    if not has "certtool" then
      return pending "certtool (gnutls-bin) is missing"
    end
    write("chain.pem", pem { good.cert, inter:cert(), root:cert() })
    local output, code = run "certtool --verify --load-ca-certificate root.pem --verify-hostname good.test --infile chain.pem"
    assert.equal(0, code, output)
    output, code = run "certtool --verify --load-ca-certificate root.pem --load-crl crls.pem --infile chain.pem"
    assert.equal(0, code, output)
    assert.matches("CRL Number", (run "certtool --crl-info --infile crls.pem"))
  end)

  it("node", function()
    if not has "node" then
      return pending "node is missing"
    end
    write("check.js", [[
      const { X509Certificate } = require("crypto"), fs = require("fs");
      const [root, inter, good] = ["root", "inter", "good"].map(n => new X509Certificate(fs.readFileSync(n + ".pem")));
      console.log(good.verify(inter.publicKey), inter.verify(root.publicKey), good.checkIssued(inter), inter.ca, good.checkHost("good.test"));
    ]])
    assert.equal("true true true true good.test\n", (run "node check.js"))
  end)

  it("python", function()
    if select(2, process.run { "python3", "-c", "from cryptography.x509 import verification" }) ~= 0 then
      return pending "python3-cryptography with its verifier is missing"
    end
    write("check.py", [[
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
load = lambda n: x509.load_pem_x509_certificate(open(n + ".pem", "rb").read())
verifier = PolicyBuilder().store(Store([load("root")])).build_server_verifier(x509.DNSName("good.test"))
print(len(verifier.verify(load("good"), [load("inter")])))
]])
    assert.equal("3\n", (run "python3 check.py"))
  end)

  it("curl and nginx in a ceremony: offline root, mutual TLS, a revocation that takes effect", function()
    if not has "nginx" or not has "curl" then
      return pending "nginx or curl is missing"
    end
    local lacre_command = os.getenv "PWD" .. "/" .. os.getenv "BUILD" .. "/bin/lacre"
    local output, code = process.run {
      "env", "LACRE=" .. lacre_command, "PORT=" .. process.free_port(), "sh", "examples/ceremony.sh", directory .. "/ceremony",
    }
    assert.equal(0, code, output)
    assert.matches("hello CN=alice@example.test\nhello CN=bob@example.test\n7", output)
    assert.matches("hello CN=alice@example.test\nbob is turned away", output)
    assert.is_nil(lfs.attributes(directory .. "/ceremony/site/nginx.pid"))
  end)
end)
