-- lacre ca, as a shell sees it and as Lua calls it.
local lacre = require "lacre"
local process = require "spec.support.process"

local command = os.getenv "PWD" .. "/" .. os.getenv "BUILD" .. "/bin/lacre"
local must = lacre.assert
local directory

local function shell(line)
  local script = ("cd '%s' && umask 022 && %s"):format(directory, line:gsub("^lacre", command):gsub("([;&] )lacre", "%1" .. command))
  return process.run { "sh", "-c", script }
end

-- runs a line that must succeed
local function ok(line)
  local output, code = shell(line)
  assert.equal(0, code, line .. ": " .. output)
  return output
end

local function fails(line, expected, pattern)
  local output, code = shell(line)
  assert.equal(expected, code, line .. ": " .. output)
  assert.matches(pattern, output)
  assert.falsy(output:find("internal error", 1, true))
end

local function field(output, name)
  return output:match('"' .. name .. '":"([^"]*)"')
end

before_each(function()
  directory = process.directory()
end)

after_each(function()
  process.remove(directory)
end)

describe("lacre ca", function()
  it("never writes over what the CA lives from, not even when told to overwrite", function()
    ok "lacre ca init ca --no-password --quiet"
    ok "lacre ca issue ca www.example.test --quiet"
    local before = ok "cat ca/ca.key ca/ca.crt ca/index.txt ca/log.jsonl"
    for _, name in ipairs { "ca.key", "index.txt", "ca.crt", "log.jsonl", "serial", "../ca/crlnumber" } do
      fails("lacre ca crl ca --out ca/" .. name, 3, "is one of the CA's own files")
      fails("lacre ca ocsp ca --cert www.example.test.crt --out ca/" .. name, 3, "is one of the CA's own files")
      fails("lacre ca export ca www.example.test.crt --overwrite --out ca/" .. name, 3, "is one of the CA's own files")
    end
    fails("lacre ca issue ca ca --out ca --overwrite", 3, "is one of the CA's own files")
    assert.equal(before, (ok "cat ca/ca.key ca/ca.crt ca/index.txt ca/log.jsonl"))
  end)

  it("takes no empty password for a key, wherever it comes from", function()
    fails(": > empty; lacre ca init ca --password-file empty", 3, "password is empty")
    fails("export PW=; lacre ca init ca --password-env PW", 3, "password is empty")
  end)

  it("is a CA and a server certificate in two commands", function()
    ok "echo secret > pw; lacre ca init ca --password-file pw"
    ok "lacre ca issue ca www.example.test 10.0.0.7 --password-file pw"
    assert.equal("600 700 600\n", ok "stat -c %a ca/ca.key ca www.example.test.key | tr '\\n' ' ' | sed 's/ $/\\n/'")
    assert.matches("ENCRYPTED", ok "head -1 ca/ca.key")
    ok "openssl verify -x509_strict -CAfile ca/ca.crt -verify_hostname www.example.test www.example.test.crt"
    ok "openssl verify -CAfile ca/ca.crt -verify_ip 10.0.0.7 www.example.test.crt"
    ok "openssl crl -in ca/ca.crl -CAfile ca/ca.crt -noout -verify 2>&1 | grep -q OK"
    fails("lacre ca issue ca www.example.test --password-file pw", 3, "file_exists")
    fails("lacre ca issue ca b.test --password-env NOWHERE", 3, "password_required")
    fails("echo wrong > bad; lacre ca issue ca b.test --password-file bad", 3, "bad_password")
    assert.equal(1, select(2, ok "cat ca/index.txt":gsub("\n", "")))
  end)

  it("says when somebody may not look", function()
    local somebody = "setpriv --reuid nobody --clear-groups "
    if select(2, shell("test $(id -u) = 0 && " .. somebody .. "test -r " .. command)) ~= 0 then
      return pending "only root can become nobody, who may not look into this checkout"
    end
    ok "chmod 755 .; lacre ca init ca --no-password"
    fails(somebody .. command .. " ca list ca", 3, "permission_denied")
  end)

  it("wants its key sealed, or told that it is not", function()
    fails("lacre ca init ca < /dev/null", 3, "password_required")
    fails("ls ca", 2, "ca")
    ok "lacre ca init ca --no-password"
    fails("lacre ca init ca --no-password", 3, "file_exists: ca is not empty")
    if not lacre.openssl.features.mldsa then
      fails("lacre ca init other --no-password --key ml-dsa-65", 2, "unsupported: this OpenSSL does not support ml%-dsa%-65 keys")
      fails("ls other", 2, "other")
    end
  end)

  it("keeps an offline root apart by request and file", function()
    ok "lacre ca init root --no-password --permit example.test"
    ok "lacre ca intermediate online --request --no-password --name 'Online CA'"
    fails("lacre ca issue online a.example.test", 3, "is waiting for the certificate")
    local said = ok "lacre ca sign root online/ca.csr --profile intermediate --valid-for 2y"
    assert.matches("requested: CN=Online CA, for no names", said)
    fails("lacre ca intermediate online --cert root/ca.crt", 2, "key_mismatch")
    ok "lacre ca intermediate online --cert ca.crt --chain root/ca.crt"
    ok "lacre ca issue online a.example.test"
    ok "openssl verify -x509_strict -CAfile root/ca.crt -untrusted a.example.test.crt a.example.test.crt"
    fails("lacre ca issue online a.other.test", 4, "name_constraint_violation")
    fails("lacre ca intermediate deeper --issuer online --no-password", 2, "issuer_path_length")
    ok "lacre ca check root && lacre ca check online"
    assert.matches("CN=Online CA", ok "lacre ca list root")
    ok "lacre ca renew root ca.crt --valid-for 3y && lacre ca intermediate online --cert Online_CA.crt --chain root/ca.crt"
    fails("lacre ca intermediate online --cert root/ca.crt", 2, "key_mismatch")
    ok "lacre ca issue online b.example.test && lacre ca check online"
    ok "openssl verify -CAfile root/ca.crt -untrusted b.example.test.crt b.example.test.crt"
    ok "cmp Online_CA.crt online/ca.crt"
    ok "lacre ca renew root ca.crt --overwrite && lacre ca intermediate online --cert Online_CA.crt"
    assert.equal(2, tonumber((ok "grep -c BEGIN online/chain.pem")))
    fails("lacre ca issue online a.other.test", 4, "name_constraint_violation")
  end)

  it("issues nothing for a directory that is not there, and supersedes what is revoked already", function()
    ok "lacre ca init ca --no-password -q; lacre ca issue ca a.test -q; lacre ca revoke ca a.test.crt -q"
    for _, action in ipairs { "issue ca b.test", "renew ca a.test.crt", "rekey ca a.test.crt" } do
      fails("lacre ca " .. action .. " --out nowhere", 3, "file_not_found: nowhere")
      fails("lacre ca " .. action .. " --out a.test.key", 3, "file_not_found: a.test.key: there is no such directory")
    end
    ok "openssl req -new -key a.test.key -subj /CN=c.test -addext subjectAltName=DNS:c.test -out c.csr"
    fails("lacre ca sign ca c.csr --out nowhere", 3, "file_not_found: nowhere")
    assert.equal("1\n", ok "wc -l < ca/index.txt")
    assert.matches("ca/ca.crl  CRL 03, until", ok "lacre ca renew ca a.test.crt --supersede --overwrite")
    assert.equal("2\n", ok "wc -l < ca/index.txt")
    assert.matches('"crl_number":"04"', ok "lacre ca rekey ca a.test.crt --supersede --overwrite --json")
    assert.equal("", (ok "lacre ca check ca | grep -v ^ok || true"))
  end)

  it("keeps the key of a certificate of very many names whose process died", function()
    ok "lacre ca init ca --no-password -q; lacre ca issue ca $(seq -f n%g.very-long-name-of-a-host.example.test 1 2500) -q"
    local file_name = "n1.very-long-name-of-a-host.example.test"
    ok(("mv %s.key %s.key.new; rm %s.crt"):format(file_name, file_name, file_name))
    fails("lacre ca issue ca " .. file_name, 3, "the key of serial")
  end)

  it("renews only what is due where it is told so", function()
    ok "lacre ca init ca --no-password -q; lacre ca issue ca a.test --valid-for 40d -q; cp a.test.crt before"
    assert.matches("^not due  a.test, serial %x+, is valid until", ok "lacre ca renew ca a.test.crt --overwrite --expiring 30d")
    assert.matches('"renewed":false', ok "lacre ca rekey ca a.test.crt --overwrite --expiring 30d --supersede --json")
    ok "cmp a.test.crt before; test $(wc -l < ca/index.txt) = 1"
    assert.matches('"renewed":true', ok "lacre ca renew ca a.test.crt --overwrite --expiring 41d --json")
    ok "! cmp -s a.test.crt before"
  end)

  it("says how to revoke where the CA's key is not at hand", function()
    ok "lacre ca init ca --no-password -q; lacre ca issue ca a.test -q; mv ca/ca.key away"
    fails("lacre ca revoke ca a.test.crt", 3, "file_not_found: ca/ca.key.*make the CRL later: %-%-no%-crl")
    ok "lacre ca revoke ca a.test.crt --no-crl"
    fails("lacre ca revoke nowhere a.test.crt", 3, "make one: lacre ca init DIR\n$")
  end)

  it("makes lists that last as long as a root", function()
    ok "lacre ca init ca --no-password -q; lacre ca issue ca a.test -q"
    for _, line in ipairs { "crl ca --next-update 10y", "crl ca --next-update 60y", "revoke ca a.test.crt --next-update 11y" } do
      local year = (ok("lacre ca " .. line)):match "until (2%d+)%-"
      assert.is_true(tonumber(year) - tonumber(os.date "%Y") >= 9, line)
    end
  end)

  it("says what is missing on the command line", function()
    ok "lacre ca init ca --no-password -q"
    for _, more in ipairs { "", " --profile client", " --profile email", " --profile peer", " --profile code_signing" } do
      fails("lacre ca issue ca" .. more, 2, "missing")
    end
  end)

  it("names what it leaves out of a request", function()
    ok "lacre ca init ca --no-password -q; openssl ecparam -name prime256v1 -genkey -noout -out k"
    ok "printf '[r]\\n[d]\\nCN=x\\n[req]\\ndistinguished_name=r\\n[e]\\nsubjectAltName=DNS:a.test,dirName:d,RID:1.2.3\\n' > cnf"
    ok "openssl req -new -key k -config cnf -reqexts e -subj /CN=a.test -out a.csr"
    local said = ok "lacre ca sign ca a.csr 2>&1"
    assert.matches("for dns:a.test\n", said)
    assert.matches("ignored: the name dir:CN=x", said)
    assert.matches("ignored: the name rid:1.2.3", said)
  end)

  it("drops nothing that is said of an intermediate", function()
    ok "lacre ca init root --no-password -q; lacre ca init other --no-password -q"
    for _, option in ipairs { "--permit a.test", "--exclude a.test", "--purpose server_auth", "--path-length 1", "--valid-for 1y" } do
      fails("lacre ca intermediate ca --request --no-password " .. option, 2, "bad option .* issuing CA decides")
    end
    ok "lacre ca intermediate ca --request --no-password --crl-url http://ca.test/ca.crl -q"
    ok "lacre ca sign root ca/ca.csr --profile intermediate -q"
    fails("lacre ca intermediate ca --cert ca.crt --chain other/ca.crt", 4, "unknown_issuer: .*does not contain the issuer, CN=root")
    fails("lacre ca intermediate ca --cert ca.crt --permit a.test", 2, "says it already")
    fails("lacre ca intermediate ca --cert ca.crt --crl-url http://b.test/", 3, "file_exists: ca/policy.lua.*write the URLs")
    assert.matches("CN=root Root CA is not here.*add it with %-%-chain FILE", ok "lacre ca intermediate ca --cert ca.crt 2>&1")
    ok "cat other/ca.crt root/ca.crt > bundle && lacre ca intermediate ca --cert ca.crt --chain bundle -q && lacre ca crl ca"
    ok "lacre ca issue ca a.test -q"
    assert.matches("http://ca.test/ca.crl", ok "openssl x509 -in a.test.crt -noout -text")
    assert.equal("", (ok "lacre ca check ca | grep -v ^ok || true"))
  end)

  it("signs a request, and takes no more than it says", function()
    ok "lacre ca init ca --no-password"
    ok([[openssl req -newkey rsa:2048 -nodes -keyout k -out www.csr -subj /O=Ex/CN=www.a.test -addext subjectAltName=DNS:www.a.test \
      -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign]])
    fails("lacre ca sign ca www.csr --dry-run", 0, "ignored: basic_constraints")
    assert.equal("", ok "cat ca/index.txt")
    local output = ok "lacre ca sign ca www.csr --json"
    assert.same({ "www.crt", "CN=www.a.test,O=Ex" }, { field(output, "cert_file"), field(output, "subject") })
    local text = ok "openssl x509 -in www.crt -noout -ext basicConstraints,keyUsage,subjectAltName"
    assert.matches("CA:FALSE", text)
    assert.falsy(text:find "Certificate Sign")
    output = ok "lacre ca sign ca www.csr --host other.test --subject CN=other.test --overwrite --json"
    assert.matches('\n  "subject":"CN=other.test"', output)
    ok "openssl asn1parse -in www.csr -out d -noout && head -c $(($(stat -c %s d) - 2)) d > e && printf xx >> e"
    fails("lacre ca sign ca e --out /tmp", 2, "csr_signature_invalid")
    fails("lacre ca sign ca k", 3, "lacre: ")
  end)

  it("renews with the same pin and rekeys with another", function()
    ok "lacre ca init ca --no-password; lacre ca issue ca a.test --valid-for 30d --key p384"
    local pin = ok "lacre ca show ca a.test.crt":match "pin (%S+)"
    fails("lacre ca renew ca a.test.crt", 3, "file_exists")
    assert.matches(pin, ok "lacre ca renew ca a.test.crt --overwrite --supersede", 1, true)
    local output = ok "lacre ca rekey ca a.test.crt --overwrite --json"
    assert.not_equal(pin, field(output, "pin"))
    assert.matches("P%-384", ok "openssl x509 -in a.test.crt -noout -text | grep -o P-384")
    assert.equal(field(output, "pin"), (ok "lacre pin a.test.key":match "sha256//%S+"))
    assert.matches("superseded", ok "lacre ca list ca --revoked")
    fails("lacre ca renew ca 0bad", 2, "unknown_serial")
  end)

  it("revokes, and everybody who reads the list knows", function()
    ok "lacre ca init ca --no-password; lacre ca issue ca a.test; lacre ca issue ca b.test"
    ok "lacre ca revoke ca a.test.crt --reason key_compromise"
    fails("openssl verify -crl_check -CAfile ca/ca.crt -CRLfile ca/ca.crl a.test.crt", 2, "revoked")
    ok "openssl verify -crl_check -CAfile ca/ca.crt -CRLfile ca/ca.crl b.test.crt"
    fails("lacre ca revoke ca a.test.crt", 2, "already_revoked")
    fails("lacre ca revoke ca b.test.crt --reason because", 2, "key_compromise")
    ok "lacre ca revoke ca b.test.crt --reason certificate_hold; lacre ca crl ca --delta --out d.crl --der"
    ok "openssl crl -inform DER -in d.crl -noout -text | grep -q 'Delta CRL Indicator: critical'"
    ok "lacre ca release ca b.test.crt && openssl verify -crl_check -CAfile ca/ca.crt -CRLfile ca/ca.crl b.test.crt"
    ok "lacre ca check ca"
  end)

  it("lists what has to be renewed", function()
    ok "lacre ca init ca --no-password; lacre ca issue ca a.test --valid-for 10d; lacre ca issue ca b.test"
    assert.matches("^%x+  valid .*a.test\n$", ok "lacre ca list ca --expiring 30d")
    assert.equal("none\n", ok "lacre ca list ca --revoked")
    assert.matches("b.test", ok "lacre ca list ca --match B.TEST")
    assert.equal("valid", field(ok "lacre ca list ca --valid --json", "status"))
  end)

  it("keeps to its policy", function()
    ok "lacre ca init ca --no-password --crl-url http://ca.test/ca.crl --ocsp-url http://ca.test/ocsp"
    ok "lacre ca issue ca a.test"
    local text = ok "openssl x509 -in a.test.crt -noout -text"
    assert.matches("URI:http://ca.test/ca.crl", text)
    assert.matches("OCSP %- URI:http://ca.test/ocsp", text)
    ok "echo 'return { names = { \"*.corp.test\" }, longest = \"30d\", unique = true }' > ca/policy.lua"
    fails("lacre ca issue ca b.test", 2, "policy_refused: rule 'names'")
    fails("ls b.test.key", 2, "b.test.key")
    ok "lacre ca issue ca b.corp.test"
    fails("lacre ca issue ca b.corp.test --overwrite", 2, "duplicate_names")
  end)

  it("seals keys and bundles with passwords of their own", function()
    ok "lacre ca init ca --no-password; echo one > p12; echo two > seal"
    fails("lacre ca issue ca alice@a.test --profile client --p12 < /dev/null", 3, "password_required")
    assert.equal("", ok "cat ca/index.txt; rm -f *.key.new")
    ok "lacre ca issue ca alice@a.test --profile client --p12 --p12-password-file p12 --encrypt --key-password-file seal"
    ok "openssl pkcs12 -in alice@a.test.p12 -passin file:p12 -nodes | grep -q 'BEGIN PRIVATE KEY'"
    ok "openssl pkey -in alice@a.test.key -passin file:seal -noout"
    assert.equal("600 600\n", ok "stat -c %a alice@a.test.p12 alice@a.test.key | paste -sd ' '")
    local none, err = lacre.tool.ca.issue { directory .. "/ca", "b.test", encrypt = true, out = directory }
    assert.is_nil(none)
    assert.equal("password_required", err.code)
    ok "lacre ca export ca alice@a.test.crt --key alice@a.test.key --key-password-file seal --p12-password-file p12 --out b.p12"
    ok "openssl pkcs12 -in b.p12 -passin file:p12 -nokeys | grep -q alice"
    ok "lacre ca export ca alice@a.test.crt --out chain.pem && openssl verify -purpose sslclient -CAfile ca/ca.crt chain.pem"
    fails("lacre ca export ca alice@a.test.crt", 2, "out")
  end)

  it("loses no key of a run that died", function()
    ok "lacre ca init ca --no-password; lacre ca issue ca a.test"
    local pin, own = ok "lacre pin a.test.crt":match "sha256//%S+", ok "lacre pin ca/ca.crt":match "sha256//%S+"
    ok(("{ echo 'key %s of x'; cat a.test.key; } > a.test.key.new"):format(pin))
    ok "cp a.test.key mine; rm a.test.key a.test.crt"
    for _, more in ipairs { "", " --overwrite" } do
      local output, code = shell("lacre ca issue ca a.test" .. more)
      assert.equal(3, code, output)
      assert.matches("the key of serial %x+, issued before the process died", output)
      assert.matches("hint: mv a.test.key.new a.test.key && lacre ca export ca %x+ %-%-out a.test.crt", output)
    end
    local hint = select(1, shell "lacre ca issue ca a.test"):match "hint: (mv [^\n]*)"
    ok(hint:gsub("&& lacre", "; lacre"))
    ok "lacre verify a.test.crt --trust ca/ca.crt --host a.test; cat a.test.key | grep -v '^key' | cmp - mine"
    ok "touch b.test.key.new"
    fails("lacre ca issue ca b.test", 3, "a key that another program left")
    ok(("{ echo 'key sha256//x of %s'; cat mine; } > c.test.key.new"):format(own))
    ok "lacre ca issue ca c.test; ! ls c.test.key.new"
  end)

  it("leaves no file where it cannot leave both", function()
    ok "lacre ca init ca --no-password; touch a.test.crt"
    fails("lacre ca issue ca a.test", 3, "file_exists")
    fails("lacre ca issue ca b.test --out nowhere", 3, "file_not_found")
    assert.equal("a.test.crt\nca\n", ok "ls")
    assert.equal("", ok "cat ca/index.txt")
  end)

  it("checks and repairs", function()
    ok "lacre ca init ca --no-password; lacre ca issue ca a.test"
    local head = field(ok "lacre ca check ca --json", "log_head")
    ok "sed -i d ca/index.txt"
    fails("lacre ca check ca", 1, "it was issued, but is not in the index")
    assert.matches("repaired", ok "lacre ca check ca --repair")
    ok("lacre ca check ca --expect " .. head)
    fails("lacre ca check ca --expect " .. ("0"):rep(64), 1, "was rewritten")
  end)

  it("is a table of functions too", function()
    local tool = lacre.tool.ca
    local dir = directory .. "/ca"
    must(tool.init(dir, { no_password = true }))
    local id = must(tool.issue { dir, "a.test", "b.test" })
    assert.same({ "a.test", "b.test" }, id.cert:hosts())
    assert.is_nil(id.cert_file)
    local request = must(lacre.csr.create { key = must(lacre.key.generate "p256"), hosts = { "c.test" } })
    local signed = must(tool.sign(dir, { request = request }))
    assert.same({ "dns:c.test" }, signed.asked.names)
    assert.equal(2, #must(tool.list(dir)))
    assert.equal("revoked", must(tool.revoke { dir, id.cert:serial() }).record.status)
    assert.has_error(function()
      tool.init(dir .. "2")
    end)
    assert.has_error(function()
      tool.intermediate(dir .. "2", { no_password = true })
    end)
  end)
end)

describe("lacre ca trust", function()
  local events

  local function trust(action, more)
    local set = {
      action, directory .. "/ca/ca.crt", root = directory .. "/root", home = directory .. "/home",
      on_event = function(text)
        events[#events + 1] = text
      end,
    }
    for name, value in pairs(more or {}) do
      set[name] = value
    end
    return must(lacre.tool.ca.trust(set))
  end

  before_each(function()
    events = {}
    ok "lacre ca init ca --no-password --quiet"
  end)

  it("tells what it would do, and does nothing", function()
    ok "mkdir -p root/usr/local/share/ca-certificates"
    local result = trust("install", { dry_run = true })
    assert.is_false(result.done)
    assert.same({}, events)
    assert.matches("^write .*/lacre%-%x+%.crt$", result.steps[1].text)
    assert.equal("run update-ca-certificates", result.steps[2].text)
    assert.equal("", ok "ls root/usr/local/share/ca-certificates")
    fails("lacre ca trust instal ca", 2, "install, remove or status")
  end)

  it("leaves no link behind where Debian's would", function()
    ok "mkdir -p root/usr/local/share/ca-certificates"
    ok "cp ca/ca.crt root/usr/local/share/ca-certificates/lacre-$(openssl x509 -in ca/ca.crt -outform DER | sha256sum | head -c 16).crt"
    local steps = trust("remove", { dry_run = true }).steps
    if select(2, shell "grep -q -- --fresh $(PATH=$PATH:/usr/sbin command -v update-ca-certificates)") == 0 then
      assert.equal("run update-ca-certificates --fresh", steps[2].text)
    end
  end)

  it("finds the place of each system", function()
    local places = {
      ["/usr/local/share/ca-certificates"] = "update-ca-certificates",
      ["/etc/pki/ca-trust/source/anchors"] = "update-ca-trust extract",
      ["/etc/pki/trust/anchors"] = "update-ca-certificates",
      ["/etc/ca-certificates/trust-source/anchors"] = "update-ca-trust",
    }
    for place, update in pairs(places) do
      ok(("rm -rf root; mkdir -p root%s"):format(place))
      local result = trust("install", { dry_run = true })
      assert.is_truthy(result.steps[1].text:find(place, 1, true))
      assert.equal("run " .. update, result.steps[2].text)
    end
  end)

  it("installs into NSS databases, and takes out again", function()
    if select(2, shell "command -v certutil") ~= 0 then
      return pending "certutil (libnss3-tools) is missing"
    end
    ok "for d in .pki/nssdb .mozilla/firefox/x.default; do mkdir -p home/$d && certutil -N -d sql:home/$d --empty-password; done"
    assert.is_true(lacre.tool.ca.trust.failed(trust "status"))
    local result = trust "install"
    assert.equal(2, #events)
    assert.equal(2, #result.places)
    assert.is_true(result.places[1].installed and result.places[2].installed)
    assert.same({}, trust("install").steps)
    assert.matches("C,,", ok "certutil -L -d sql:home/.pki/nssdb")
    result = trust "remove"
    assert.is_false(result.places[1].installed or result.places[2].installed)
    assert.falsy((ok "certutil -L -d sql:home/.pki/nssdb"):find "lacre")
  end)
end)

describe("lacre ca ocsp", function()
  -- `status: reason` as openssl tells it
  local function openssl(more, cert)
    local output = shell(("openssl ocsp -issuer ca/ca.crt -CAfile ca/ca.crt -cert %s %s 2>&1"):format(cert, more))
    return output:match "Response verify OK" and output:match(cert .. ": (%l+)"), output:match "Reason: (%a+)"
  end

  before_each(function()
    ok "lacre ca init ca --no-password --quiet; lacre ca issue ca a.test -q; lacre ca issue ca b.test -q"
    ok "lacre ca revoke ca b.test.crt --reason key_compromise"
  end)

  it("answers openssl from file to file", function()
    ok "openssl ocsp -issuer ca/ca.crt -cert a.test.crt -cert b.test.crt -reqout in.der && lacre ca ocsp ca --request in.der --out out.der"
    assert.equal("good", (openssl("-respin out.der -no_nonce", "a.test.crt")))
    assert.same({ "revoked", "keyCompromise" }, { openssl("-respin out.der -no_nonce", "b.test.crt") })
    assert.equal("600\n", ok "stat -c %a ca/ocsp.key")
    ok "lacre ca ocsp ca --cert b.test.crt --out b.ocsp && openssl ocsp -respin b.ocsp -CAfile ca/ca.crt -resp_text | grep -q keyCompromise"
    assert.equal(3, select(2, ok "cat ca/index.txt":gsub("\n", "")))
    ok "lacre ca check ca"
  end)

  it("needs the CA's key only to appoint who answers", function()
    ok "lacre ca ocsp ca --cert a.test.crt && mv ca/ca.key away && lacre ca ocsp ca --cert a.test.crt --out a.ocsp"
    ok "rm ca/ocsp.key"
    fails("lacre ca ocsp ca --cert a.test.crt", 3, "ca.key")
    fails("lacre ca ocsp ca", 2, "one of port, request and cert")
  end)

  it("appoints another once the one there is was revoked", function()
    ok "lacre ca ocsp ca --cert a.test.crt; lacre ca revoke ca ca/ocsp.crt --reason key_compromise; cp ca/ocsp.crt old.crt"
    ok "lacre ca ocsp ca --cert a.test.crt --out a.ocsp; ! cmp -s ca/ocsp.crt old.crt"
    assert.equal("good", (openssl("-respin a.ocsp -no_nonce", "a.test.crt")))
    ok "cp ca/ocsp.crt old.crt; lacre ca ocsp ca --cert a.test.crt; cmp ca/ocsp.crt old.crt"
  end)

  -- puts a signer there that expires in three hours
  local function ends_soon()
    ok "lacre ca issue ca --profile ocsp --subject CN=soon --valid-for 3h --out . -q; cp soon.crt ca/ocsp.crt; mv soon.key ca/ocsp.key"
    ok "rm soon.crt"
  end

  it("promises nothing beyond the certificate of who signs", function()
    ends_soon()
    local ca = must(lacre.ca.load(directory .. "/ca", { key = false }))
    assert.equal("no_key", select(2, ca:responder()).code)
    local who = must(ca:responder(true))
    local cert = must(lacre.cert.load(directory .. "/a.test.crt"))
    local request = must(lacre.ocsp.request { cert = cert, issuer = ca:cert() })
    local answer = must(lacre.ocsp.parse(must(ca:respond(request.der, { signer = who.cert, key = who.key, next_update = "7d" }))))
    assert.is_true(answer:next_update() <= who.cert:not_after())
    assert.is_true(answer:next_update() > who.cert:not_after() - 60)
  end)

  local function serving(more)
    local pid = process.start { "sh", "-c", ("cd '%s' && exec %s ca ocsp ca --port %d %s"):format(directory, command,
      process.free_port(), more) }
    for _ = 1, 100 do
      local url = pid:output():match "http://%S+"
      if url then
        return pid, url
      end
      os.execute "sleep 0.05"
    end
  end

  it("goes on when its signer expires, with a new one or for the rest of the day", function()
    ok "lacre ca ocsp ca --cert a.test.crt"
    local pid, url = serving ""
    ends_soon()
    assert.equal("good", (openssl("-url " .. url, "a.test.crt")))
    assert.falsy((ok "openssl x509 -in ca/ocsp.crt -noout -subject"):find "soon")
    ends_soon()
    ok "mv ca/ca.key away"
    for _ = 1, 3 do
      assert.equal("good", (openssl("-url " .. url, "a.test.crt")))
    end
    assert.matches("signed by serial %x+, valid until 20%S+;", pid:output())
    assert.equal(1, select(2, pid:output():gsub("refused: ", "")), pid:output())
    assert.matches("soon", (ok "openssl x509 -in ca/ocsp.crt -noout -subject"))
    pid:stop()
    ok "mv away ca/ca.key"
  end)

  it("opens a sealed key for a new signer while it runs", function()
    ok "echo secret > pw; openssl pkey -in ca/ca.key -aes256 -passout file:pw -out sealed && mv sealed ca/ca.key && chmod 600 ca/ca.key"
    ok "lacre ca ocsp ca --cert a.test.crt --password-file pw"
    local pid, url = serving "--password-file pw"
    ok "lacre ca issue ca --profile ocsp --subject CN=soon --valid-for 3h -q --password-file pw; mv soon.crt ca/ocsp.crt; mv soon.key ca/ocsp.key"
    assert.equal("good", (openssl("-url " .. url, "a.test.crt")))
    assert.falsy((ok "openssl x509 -in ca/ocsp.crt -noout -subject"):find "soon")
    pid:stop()
  end)

  it("answers openssl and our own client over HTTP", function()
    local http, ocsp = lacre.http, lacre.ocsp
    local issuer = must(lacre.cert.load(directory .. "/ca/ca.crt"))
    local a, b = must(lacre.cert.load(directory .. "/a.test.crt")), must(lacre.cert.load(directory .. "/b.test.crt"))
    local stranger = must(must(lacre.ca.new {}):issue { hosts = { "a.test" } }).cert
    local pid = process.start { command, "ca", "ocsp", directory .. "/ca", "--port", tostring(process.free_port()) }
    local url
    for _ = 1, 100 do
      url = pid:output():match "http://%S+"
      if url then
        break
      end
      os.execute "sleep 0.05"
    end
    assert.equal("good", (openssl("-url " .. url, "a.test.crt")))
    assert.same({ "revoked", "keyCompromise" }, { openssl("-url " .. url, "b.test.crt") })
    local function ask(cert, how)
      local request = ocsp.request { cert = cert, issuer = issuer }
      local set = { url = url, plaintext = true, method = "POST", body = request.der }
      if how == "GET" then
        local path = lacre.pem and require("lacre.core").bytes.base64(request.der):gsub("[+/=]", function(c)
          return ("%%%02X"):format(c:byte())
        end)
        set = { url = url .. path, plaintext = true }
      end
      local response = must(ocsp.parse(must(http.request(set)).body))
      local verified, err = response:verify { cert = cert, issuer = issuer, nonce = request.nonce }
      return verified and "good" or err.code
    end
    for _, how in ipairs { "GET", "POST" } do
      assert.same({ "good", "cert_revoked", "ocsp_unknown" }, { ask(a, how), ask(b, how), ask(stranger, how) })
    end
    assert.equal("malformed_request", must(ocsp.parse(must(http.request { url = url, plaintext = true, method = "POST", body = "x" }).body)):refusal())
    assert.equal("malformed_request", must(ocsp.parse(must(http.request { url = url .. "%%", plaintext = true }).body)):refusal())
    pid:stop()
  end)
end)
