-- Keys that stay in a token: SoftHSM behind pkcs11-provider, in a process that has an openssl.cnf of its own.
local key = require "lacre.key"
local process = require "spec.support.process"

local function existing(...)
  for _, path in ipairs { ... } do
    local handle = io.open(path)
    if handle then
      handle:close()
      return path
    end
  end
end

local modules = os.getenv "OPENSSL_MODULES" or (process.run { "openssl", "version", "-m" }):match '"(.-)"' or ""
local provider = existing(modules .. "/pkcs11.so")
local token = existing(modules .. "/../../softhsm/libsofthsm2.so", "/usr/lib/softhsm/libsofthsm2.so")

describe("a key in a token", function()
  if not provider or not token then
    pending("signs, serves and never leaves: pkcs11-provider and softhsm2 are not here", function() end)
    return
  end

  local directory = process.directory()
  teardown(function() process.remove(directory) end)

  local function put(name, text)
    local handle = assert(io.open(directory .. "/" .. name, "w"))
    handle:write(text)
    handle:close()
  end

  -- what a program prints that runs with the token
  local function run(...)
    return process.run { "env", "SOFTHSM2_CONF=" .. directory .. "/softhsm.conf", ... }
  end

  local function lua(program)
    put("program.lua", 'local lacre = require "lacre"\nlocal uri = "pkcs11:token=lab;object=k"\n' .. program)
    local output, code = run("OPENSSL_CONF=" .. directory .. "/openssl.cnf", os.getenv "LUA", directory .. "/program.lua")
    assert.equal(0, code, output)
    return output
  end

  local made = { ec = key.generate "p256", rsa = key.generate "rsa:2048" }

  setup(function()
    process.run { "mkdir", directory .. "/tokens" }
    put("softhsm.conf", ("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"):format(directory))
    put("openssl.cnf", ([[
openssl_conf = init
[init]
providers = providers_
[providers_]
default = default_
pkcs11 = pkcs11_
[default_]
activate = 1
[pkcs11_]
module = %s
pkcs11-module-path = %s
activate = 1
]]):format(provider, token))
    local function softhsm(...)
      local output, code = run("softhsm2-util", "--module", token, ...)
      assert.equal(0, code, output)
    end
    softhsm("--init-token", "--free", "--label", "lab", "--so-pin", "1234", "--pin", "5678")
    for i, kind in ipairs { "ec", "rsa" } do
      assert(made[kind]:save(directory .. "/" .. kind .. ".key"))
      softhsm("--import", directory .. "/" .. kind .. ".key", "--token", "lab", "--label", "k" .. kind, "--id", "0" .. i,
        "--pin", "5678")
    end
  end)

  for kind in pairs { ec = true, rsa = true } do
    it("signs and never leaves: " .. kind, function()
      local output = lua(([[
        local private = lacre.assert(lacre.key.load(uri .. "%s", { password = "5678" }))
        local signature = lacre.assert(private:sign "data")
        print(private:pin(), private:is_private(), private:verify("data", signature), private:verify("x", signature))
        local cert = lacre.assert(lacre.cert.create { key = private, hosts = { "a.example" } })
        print(#lacre.assert(lacre.verify(cert, { trust = cert, server_name = "a.example" })), cert:matches_key(private))
        print(select(2, lacre.pkcs12.create { cert = cert, key = private, password = "x" }).code)
        print(lacre.assert(lacre.csr.create { key = private, hosts = { "a.example" } }):verify())
        for _, given in ipairs { {}, { password = "x" }, { format = "traditional" } } do
          print(select(2, private:to_pem(given)).code)
        end
      ]]):format(kind))
      assert.equal(made[kind]:pin() .. "\ttrue\ttrue\tfalse\n1\ttrue\nunsupported\ntrue\nunsupported\nunsupported\nunsupported\n", output)
    end)
  end

  it("is asked for with its PIN, which nobody but the caller is asked for or told", function()
    local output = lua [[
      print(lacre.key.open(uri .. "ec"))
      print(lacre.key.open(uri .. "ec", { password = "0000" }))
      print(lacre.key.open(uri .. "ec?pin-value=271828"))
      print(lacre.key.open(uri .. "ec", { password = function(what) print("asked", what) return "5678" end }))
    ]]
    assert.matches("^nil\tpassword_required: [^\n]*\nnil\tbad_password: [^\n]*\nnil\t%l+_%l+: [^\n]*\n"
      .. "asked\tpkcs11:token=lab;object=kec\nlacre.key: private ec P%-256\n$", output)
    assert.is_nil(output:find "271828")
    assert.is_nil(output:find "Enter PIN")
  end)
end)
