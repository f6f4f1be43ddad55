local client = require "lacre.lab.client"
local core = require "lacre.core"
local echo = require "lacre.tool.echo"
local json = require "lacre.report.json"
local lab = require "lacre.lab"
local style = require("lacre.report.style").new(false)
local warning = require "lacre.warning"

core.signals.watch "WINCH"
core.signals.forget "WINCH"

describe("the lab", function()
  local said = {}
  warning.on_warning(function(text)
    said[#said + 1] = text
  end)
  local result = assert(lab.run "attack at dawn")
  warning.on_warning(false)

  it("holds, and warns of nothing", function()
    assert.is_true(result.held)
    assert.same({}, said)
  end)

  it("shows a round trip whose line nobody else could read", function()
    local conversation = result.conversation
    assert.equal("attack at dawn\n", conversation.reply)
    for _, flight in ipairs(conversation.wire) do
      assert.is_nil(flight.bytes:find("attack", 1, true))
    end
  end)

  it("shows every refusal with its code", function()
    local codes = {}
    for i, refusal in ipairs(result.refusals) do
      codes[i] = refusal.error.code
      assert.equal(refusal.expected, refusal.error.code)
    end
    assert.same({ "self_signed", "hostname_mismatch", "pin_mismatch", "cert_expired" }, codes)
  end)

  it("notices a bit that was changed on the way", function()
    assert.is_true(result.spoiled.held)
    assert.equal("bad_record", result.spoiled.error.code)
  end)

  it("takes one line that can be read, and says so of others", function()
    assert.is_true(assert(echo { ("x"):rep(8000) }).held)
    for _, text in ipairs { "two\nlines", ("x"):rep(8001) } do
      local fine, raised = pcall(echo, { text })
      assert.is_false(fine)
      assert.matches("the text to send must be one line of at most 8000 bytes", raised)
    end
  end)

  it("prints a line so that it cannot steer a terminal", function()
    local text = echo.text(assert(echo { "a\27[31mb\255\r" }), style)
    assert.equal(3, select(2, text:gsub('"a\\x1b%[31mb\\xff\\x0d"', "")))
    assert.is_nil(text:find "[\27\255\r]")
  end)

  it("keeps no certificate silent that only a server uses", function()
    local fine, raised = pcall(echo, { cert = "no.crt", key = "no.key" })
    assert.is_false(fine)
    assert.matches("option 'cert'.*it is for a server: add listen", raised)
  end)

  it("changes one bit and no more", function()
    for byte = 0, 255 do
      local changed = client.with_a_bit_changed("a" .. string.char(byte))
      assert.equal("a", changed:sub(1, -2))
      assert.equal(byte - byte % 2, changed:byte(2) - changed:byte(2) % 2)
      assert.not_equal(byte, changed:byte(2))
    end
  end)

  it("keeps somebody in the middle from reading anything of who verifies", function()
    local story = result.middle
    assert.equal("", story.verifying.read)
    assert.equal("self_signed", story.verifying.error.code)
    assert.equal("", story.pinned.read)
    assert.equal("pin_mismatch", story.pinned.error.code)
    assert.equal("attack at dawn\n", story.direct.reply)
  end)

  it("shows that all is read of who does not", function()
    assert.equal("attack at dawn\n", result.middle.careless.read)
    assert.equal("attack at dawn\n", result.middle.careless.reply)
    assert.is_nil(result.middle.careless.error)
  end)

  it("is told in words and as data", function()
    local text = echo.text(result, style)
    assert.matches("DEMONSTRATION of what never to do", text)
    assert.matches('the attacker read: "attack at dawn"', text)
    assert.matches("Everything went as expected%.$", text)
    local data = assert(json.decode(json.encode(echo.to_table(result))))
    assert.equal("attack at dawn\n", data.middle.careless.read)
    assert.equal("pin_mismatch", data.middle.pinned.error.code)
    assert.is_false(echo.failed(result))
    result.middle.held, result.held = false, false
    assert.is_true(echo.failed(result))
  end)
end)
