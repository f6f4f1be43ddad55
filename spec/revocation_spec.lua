local crl = require "lacre.crl"
local health = require "lacre.tool.health"
local loop = require "lacre.loop"
local pki = require "spec.support.pki"
local process = require "spec.support.process"
local revocation = require "lacre.health.revocation"
local verify = require "lacre.tool.verify"
local time = require "lacre.time"
local in_zoo = require "spec.support.zoo"
local warning = require "lacre.warning"

local function settings(given)
  local set = { deadline = time.monotonic() + 5, now = time.now(), kept = {} }
  for name, value in pairs(given or {}) do
    set[name] = value
  end
  return set
end

describe("revocation", function()
  it("is asked of the responder, once a run", function()
    in_zoo({ "ocsp-good", "ocsp-revoked" }, function(at, menagerie)
      local results = assert(health { at["ocsp-good"], at["ocsp-revoked"], at["ocsp-good"], trust = menagerie.pki:trust(),
        ocsp = "hard" })
      assert.same({ "pass", "fail", "pass" }, { results[1].grade, results[2].grade, results[3].grade })
      assert.equal("REVOKED", results[2].reason)
      for _, note in ipairs(results[1].notes) do
        assert.is_true(note.code ~= "REVOCATION_UNCHECKED")
      end
    end)
  end)

  it("is known where a good answer is stapled, and not read where that is not wanted", function()
    in_zoo({ "staple-good", "staple-revoked", "staple-old", "must-staple", "ocsp-dead" }, function(at, menagerie)
      local function reasons(ocsp)
        local list = {}
        for i, name in ipairs { "staple-good", "staple-revoked", "staple-old", "must-staple" } do
          local results = assert(health { at[name], trust = menagerie.pki:trust(), ocsp = ocsp })
          list[i] = results[1].reason or results[1].grade
        end
        return table.concat(list, " ")
      end
      assert.equal("pass REVOKED STAPLE_BAD MUST_STAPLE_MISSING", reasons "staple")
      assert.equal("pass pass pass MUST_STAPLE_MISSING", reasons "off")
      assert.matches("^pass REVOKED ", reasons "hard")
      local results = assert(health { at["ocsp-dead"], trust = menagerie.pki:trust(), ocsp = "hard" })
      assert.matches("^http://127.0.0.1:%d+/: ", results[1].problems[1].message)
    end)
  end)

  it("is not asked unless that is wanted", function()
    in_zoo({ "ocsp-revoked" }, function(at, menagerie)
      local results = assert(health { at["ocsp-revoked"], trust = menagerie.pki:trust() })
      assert.equal("pass", results[1].grade)
      assert.equal("REVOCATION_UNCHECKED", results[1].notes[#results[1].notes].code)
    end)
  end)

  it("is not asked where a certificate that nobody trusts says", function()
    in_zoo({ "ocsp-dead", "crl-dead", "ocsp-revoked", "untrusted-root" }, function(at, menagerie)
      for _, how in ipairs { { ocsp = "hard", crl = "fetch" }, { ocsp = "soft", crl = "try" } } do
        local stranger = menagerie.pki:ca("rogue").cert
        local results = assert(health { at["ocsp-dead"], at["crl-dead"], at["ocsp-revoked"], trust = stranger,
          ocsp = how.ocsp, crl = how.crl })
        for _, result in ipairs(results) do
          assert.matches("^UNTRUSTED_ROOT", result.reason)
          for _, code in ipairs(result.reasons) do
            assert.is_nil(code:find "^OCSP_" or code:find "^CRL_" or code:find "^REVO", code)
          end
        end
      end
    end)
  end)

  it("is looked up in lists that are fetched, kept and believed until they end", function()
    in_zoo({ "crl-revoked", "ocsp-good" }, function(_, menagerie)
      local authority = menagerie.pki:ca "issuing"
      local good = menagerie.pki:identity({ create = menagerie.office:urls() }, "x").cert
      local bad = menagerie.pki:identity({ create = menagerie.office:urls() }, "y").cert
      menagerie.office:revoke(bad)
      local cache = process.directory()
      assert.is_true(revocation.crl(good, authority.cert, settings { crl_cache = cache }))
      local none, err = revocation.crl(bad, authority.cert, settings { crl_cache = cache })
      assert.is_nil(none)
      assert.equal("cert_revoked", err.code)
      assert.matches("key compromise", err.message)
      err = select(2, revocation.crl(good, menagerie.pki:trust(), settings { crl_cache = cache }))
      assert.equal("crl_invalid", err.code)
      menagerie.office:close()
      err = select(2, revocation.crl(bad, authority.cert, settings { crl_cache = cache }))
      assert.equal("cert_revoked", err.code) -- from the directory
      err = select(2, revocation.crl(bad, authority.cert, settings {}))
      assert.equal("connection_refused", err.code)
      err = select(2, revocation.crl(good, authority.cert, settings { crl_cache = cache, now = time.now() + 30 * 86400 }))
      assert.equal("connection_refused", err.code) -- what is kept has ended
      process.remove(cache)
    end)
  end)

  it("is not looked up in a signed list that says nothing of the certificate, or not yet", function()
    local ca, url, now = pki.root(), "http://127.0.0.1:9/a.crl", time.now()
    local leaf = pki.issue(ca, { crl_urls = { url } }).cert
    local function told(given)
      given.issuer, given.issuer_key = ca.cert, ca.key
      local list = assert(crl.create(given))
      local good, err = revocation.crl(leaf, ca.cert, settings { kept = { ["crl " .. url] = { value = list } } })
      return good or err.code .. ": " .. err.message
    end
    local function at(point)
      return told { extensions = { { name = "issuing_distribution_point", critical = true, value = point } } }
    end
    local function place(where)
      return { full_name = { { type = "uri", value = where } } }
    end
    local others = "crl_invalid: the CRL is for other certificates than " .. tostring(leaf:subject())
    assert.is_true(told {})
    assert.is_true(at { name = place(url), only_user_certs = true })
    assert.equal(others, at { name = place "http://127.0.0.1:9/b.crl" })
    assert.equal(others, at { only_ca_certs = true })
    assert.equal(others, at { only_attribute_certs = true })
    assert.equal(others, at { only_reasons = { key_compromise = true } })
    assert.equal(others, at { indirect = true })
    assert.matches("^crl_invalid: the CRL is a delta", told { number = 2, base_number = 1 })
    assert.matches("^crl_invalid: the CRL is dated in the future", told { this_update = now + 86400, next_update = now + 2 * 86400 })
    assert.is_true(told { this_update = now + 60, next_update = now + 86400 }) -- clocks differ
    assert.matches("^crl_invalid: the CRL has an unknown critical extension: 1.3.6.1.4.1.32473.1$",
      told { extensions = { { oid = "1.3.6.1.4.1.32473.1", der = "\5\0", critical = true } } })
  end)

  it("fetches a list once, however many want it at the same time", function()
    local fetching = require "lacre.health.fetching"
    local set, asked = settings(), 0
    local function seek()
      asked = asked + 1
      loop.sleep(0.05)
      if asked == 1 then
        error("the first one fails", 0)
      end
      return "list"
    end
    loop.run(function()
      local tasks, got = {}, {}
      for i = 1, 20 do
        tasks[i] = loop.spawn(function()
          got[i] = { loop.pcall(fetching.once, set, "crl http://a", seek) }
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
      assert.same({ false, "the first one fails" }, got[1])
      for i = 2, 20 do
        assert.same({ true, "list" }, got[i])
      end
      assert.equal(2, asked)
      set.kept.x = { is_sought = true, told = loop.condition() }
      local none, err = fetching.once(settings { kept = set.kept, deadline = time.monotonic() }, "x", seek)
      assert.same({ nil, "timeout" }, { none, err.code })
    end)
  end)

  it("says once that lists cannot be kept", function()
    in_zoo({ "crl-revoked" }, function(_, menagerie)
      local authority, said = menagerie.pki:ca "issuing", {}
      warning.on_warning(function(message)
        said[#said + 1] = message
      end)
      for _ = 1, 2 do
        local good = menagerie.pki:identity({ create = menagerie.office:urls() }, "x").cert
        assert.is_true(revocation.crl(good, authority.cert, settings { crl_cache = "/no/such/place" }))
      end
      warning.on_warning(nil)
      assert.same({ "fetched CRLs are not kept in /no/such/place: file_not_found" }, said)
    end)
  end)

  it("keeps no list that it does not believe", function()
    in_zoo({ "crl-revoked" }, function(_, menagerie)
      local good = menagerie.pki:identity({ create = menagerie.office:urls() }, "x").cert
      local cache = process.directory()
      local err = select(2, revocation.crl(good, menagerie.pki:trust(), settings { crl_cache = cache }))
      assert.equal("crl_invalid", err.code)
      assert.equal("", (process.run { "ls", cache }))
      process.remove(cache)
    end)
  end)

  it("is looked up in a list from a file", function()
    in_zoo({ "good" }, function(at, menagerie)
      local authority = menagerie.pki:ca "issuing"
      local leaf = assert(health { at.good, trust = menagerie.pki:trust() })[1].cert
      local function list(revoked)
        return pki.file("list.pem", assert(crl.create {
          issuer = authority.cert, issuer_key = authority.key, revoked = revoked,
        }):to_pem())
      end
      local function judge(path)
        local one = assert(health { at.good, trust = menagerie.pki:trust(), crl = path })[1]
        return one.grade .. " " .. tostring(one.reason)
      end
      assert.equal("pass nil", judge(list {}))
      assert.equal("fail REVOKED", judge(list { { cert = leaf } }))
      local told = assert(health { at.good, trust = menagerie.pki:trust(), crl = list { { cert = leaf, time = 1767225600,
        reason = "superseded" } } })[1].problems[1]
      assert.same({ "CN=good.zoo.test was revoked on 2026-01-01 (superseded)", "2026-01-01T00:00:00Z", "superseded", 0 },
        { told.message, told.revoked_at, told.revocation_reason, told.depth })
      local none, err = health { at.good, trust = menagerie.pki:trust(), crl = "/no/such/list" }
      assert.is_nil(none)
      assert.equal("file_not_found", err.code)
      assert.equal("TARGET_INVALID", judge(list {}) and
        assert(health { at.good .. " crl=/no/such/list", trust = menagerie.pki:trust() })[1].reason)
      pki.clean()
    end)
  end)

  it("of a CA is in any list of a file", function()
    in_zoo({ "good" }, function(at, menagerie)
      local root, authority = menagerie.pki:ca "root", menagerie.pki:ca "issuing"
      local function list(ca, given)
        given.issuer, given.issuer_key = ca.cert, ca.key
        return assert(crl.create(given)):to_pem()
      end
      local function judge(...)
        local one = assert(health { at.good, trust = menagerie.pki:trust(), crl = pki.file("lists.pem", table.concat { ... }) })[1]
        return one.reason or one.grade, one.problems[1] and one.problems[1].message
      end
      local good = list(authority, {})
      assert.equal("pass", judge(good, list(root, {})))
      assert.equal("pass", judge(list(root, {}), good))
      assert.same({ "REVOKED", "CN=Zoo Issuing CA,O=Lacre was revoked on 2026-01-01" },
        { judge(good, list(root, { revoked = { { cert = authority.cert, time = 1767225600 } } })) })
      assert.same({ "CRL_PROBLEM", "there is no CRL of CN=Zoo Issuing CA,O=Lacre" }, { judge(list(root, {})) })
      assert.same({ "CRL_PROBLEM", "the CRL of CN=Zoo Issuing CA,O=Lacre is out of date (past its nextUpdate)" },
        { judge(list(authority, { this_update = 1767225600, next_update = 1767312000 })) })
      local leaf = assert(health { at.good, trust = menagerie.pki:trust() })[1].cert
      local told = assert(verify { pki.file("chain.pem", leaf:to_pem() .. authority.cert:to_pem()), host = "localhost",
        trust = pki.file("root.pem", root.cert:to_pem()), crl = { pki.file("lists.pem", good .. list(root, {})) } })
      assert.is_true(told.ok)
      local none, err = health { at.good, trust = menagerie.pki:trust(), crl = pki.file("lists.pem", good .. "-----BEGIN X509 CRL-----\nAA") }
      assert.same({ nil, "bad_pem" }, { none, err.code })
      pki.clean()
    end)
  end)

  it("tells when and why, wherever it was said", function()
    in_zoo({ "staple-revoked", "ocsp-revoked", "crl-revoked" }, function(at, menagerie)
      for _, name in ipairs { "staple-revoked", "ocsp-revoked", "crl-revoked" } do
        local told = assert(health { at[name], trust = menagerie.pki:trust(), ocsp = name == "ocsp-revoked" and "hard" or nil,
          crl = name == "crl-revoked" and "fetch" or nil })[1].problems[1]
        assert.equal("REVOKED", told.code)
        assert.matches("^CN=" .. name:gsub("%-", "%%-") .. ".zoo.test was revoked on %d+%-%d%d%-%d%d %(key compromise%)$",
          told.message)
        assert.matches("^%d+%-%d%d%-%d%dT", told.revoked_at)
      end
    end)
  end)

  it("that nobody answers about is told", function()
    local leaf, ca = pki.issue(pki.root()), pki.root()
    loop.run(function()
      assert.equal("ocsp_missing", select(2, revocation.ocsp(leaf.cert, ca.cert, settings())).code)
      assert.equal("crl_missing", select(2, revocation.crl(leaf.cert, ca.cert, settings())).code)
    end)
  end)
end)
