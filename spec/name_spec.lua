local name = require "lacre.name"

describe("name", function()
  -- { text, how it is written again }
  for _, case in ipairs {
    { "CN=a,O=b", "CN=a,O=b" }, { "/O=b/CN=a", "CN=a,O=b" }, { "CN=a+OU=b,O=c", "CN=a+OU=b,O=c" }, { "CN=a\\,b", "CN=a\\,b" },
    { "CN=\\41\\00B", "CN=A\\00B" }, { "CN=#0c0141", "CN=A" }, { "2.5.4.3=x", "CN=x" }, { "OID.2.5.4.3=x", "CN=x" },
    { "cn=a, o = b ", "CN=a,O=b" }, { "STREET=a,dc=b", "street=a,DC=b" }, { "EMAILADDRESS=a@b.test", "emailAddress=a@b.test" },
    { "CN=a\\\\", "CN=a\\\\" }, { "CN=a\\ ", "CN=a\\ " }, { "", "" }, { "CN=" .. ("\195\169"):rep(64), "CN=" .. ("\195\169"):rep(64) },
  } do
    it(("reads %q"):format(case[1]), function()
      local made = assert(name.parse(case[1]))
      assert.equal(case[2], tostring(made))
      assert.equal(made, name.parse(tostring(made)))
    end)
  end

  for _, text in ipairs {
    "CN=", "CN", "=a", "CN=a,,O=b", "CN=a,", "CN=a\\", "FOO=a", "C=BRA", "CN=\255", "CN=" .. ("a"):rep(65), "O=" .. ("\195\169"):rep(65),
    "L=" .. ("a"):rep(129), "emailAddress=" .. ("a"):rep(256), "serialNumber=" .. ("1"):rep(65),
  } do
    it(("refuses %q"):format(text), function()
      local none, err = name.parse(text)
      assert.is_nil(none)
      assert.equal("bad_name", err.code)
    end)
  end

  it("of others may be as long as they like", function()
    local long = assert(name.parse("O=#0c81c8" .. ("78"):rep(200)))
    assert.equal(("x"):rep(200), long:get "O")
    assert.equal(long, name.from_der(long:der()))
  end)
end)
