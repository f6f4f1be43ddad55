--- report.lab: what the lab of TLS showed, for people and for programs.

local core = require "lacre.core"
local plain = require "lacre.plain"
local records = require "lacre.tls.records"
local time = require "lacre.time"

local lab = {}

local function describe_identity(add, certificate, style)
  add(style.bold "1. A self-signed certificate, just made")
  add("   issued to   %s", table.concat(certificate:hosts(), ", "))
  add("   expires     %s (%s)", time.format(certificate:not_after()), time.humanize(certificate:expires_in()))
  add("   pin         %s", certificate:pin())
  add "   No CA vouches for it, so the client is told to trust exactly this certificate."
end

local function describe_flight(add, flight, style)
  local shown = {}
  for i, record in ipairs(flight.records) do
    shown[i] = ("%s %d"):format(record.message or record.type, record.length)
  end
  local arrow = flight.from == "client" and "client -> server" or "server -> client"
  add("   %s  %5d bytes  %s", arrow, #flight.bytes, style.dim(table.concat(shown, ", ")))
end

local function describe_connection(add, conversation, style)
  local info = conversation.info
  add("")
  add(style.bold "2. The handshake: keys are agreed on, and chain, name and dates are verified")
  for _, flight in ipairs(conversation.wire) do
    if flight.bytes == conversation.sent then
      break
    end
    describe_flight(add, flight, style)
  end
  if info.version == "1.3" then
    add(style.dim "   After the two hellos everything is encrypted (application_data), even the certificate.")
  end
  add("   version     TLS %s", info.version)
  add("   cipher      %s", info.cipher)
  add("   group       %s", info.group or "unknown to this OpenSSL")
end

-- a line between quotes, whatever is in it
local function spoken(line)
  return '"' .. plain.printable((line:gsub("\n$", ""))) .. '"'
end

local function describe_exchange(add, conversation, style)
  add("")
  add(style.bold "3. A line is sent and comes back")
  add("   the client said          %s", spoken(conversation.message))
  add("   an observer on the wire saw %d bytes:", #conversation.sent)
  for line in records.dump(conversation.sent, 96):gmatch "[^\n]+" do
    add("      %s", style.dim(line))
  end
  add("   the server answered      %s", spoken(conversation.reply))
end

local function describe_refusals(add, refusals, style)
  add("")
  add(style.bold "4. What must be refused, and is")
  for _, refusal in ipairs(refusals) do
    local mark = refusal.held and style.good "refused" or style.bad "NOT AS EXPECTED"
    add("   %s: %s", refusal.who, mark)
    add("      %s", refusal.error and tostring(refusal.error) or "it was accepted")
  end
end

local function describe_client(add, who, outcome, mark, style)
  add("   %s: %s", who, mark)
  if outcome.error then
    add("      %s", tostring(outcome.error))
  end
  add("      the attacker read: %s", outcome.read == "" and style.good "nothing" or
    style.bad(spoken(outcome.read)))
end

local function marked(outcome, word, style)
  return outcome.held and style.good(word) or style.bad "NOT AS EXPECTED"
end

local function describe_middle(add, story, style)
  add("")
  add(style.bold "6. An attacker in the middle, with a certificate of their own")
  add "   The attacker's proxy poses as the server, reads everything, and passes it on."
  describe_client(add, "the client that verifies", story.verifying, marked(story.verifying, "refused", style), style)
  add("   %s", style.warn "DEMONSTRATION of what never to do: a client whose verification was switched off")
  describe_client(add, "the careless client", story.careless,
    story.careless.held and style.bad "connected, and noticed nothing: the answer arrived" or "NOT AS EXPECTED", style)
  add "   What to do instead when a certificate does not verify: trust exactly that certificate, or its pin."
  describe_client(add, "a client that knows the pin, through the attacker's proxy", story.pinned,
    marked(story.pinned, "refused", style), style)
  add("   the same client, directly to the server: %s", marked(story.direct, "let in", style))
end

local function describe_spoiled(add, spoiled, style)
  add("")
  add(style.bold "5. One bit is changed on the way")
  add("   the client that reads it: %s", marked(spoiled, "noticed", style))
  if spoiled.error then
    add("      %s", tostring(spoiled.error))
  end
end

local function describe_sense(add, style)
  add("")
  add(style.bold "What TLS provided")
  add "   confidentiality   section 3: an observer saw only encrypted bytes"
  add "   authentication    sections 4 and 6: only the owner of the key was accepted"
  add "   integrity         section 5: a change was noticed"
  add "   All three depend on verification: without it, keys are agreed on with whoever answers."
end

local function lab_text(result, style)
  local lines = {}
  local function add(format, ...)
    lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
  end
  describe_identity(add, result.identity.cert, style)
  describe_connection(add, result.conversation, style)
  describe_exchange(add, result.conversation, style)
  describe_refusals(add, result.refusals, style)
  describe_spoiled(add, result.spoiled, style)
  describe_middle(add, result.middle, style)
  describe_sense(add, style)
  add("")
  add(result.held and style.good "Everything went as expected." or style.bad "Something did NOT go as expected.")
  return table.concat(lines, "\n")
end

--- For people.
---@param result table
---@param style lacre.style
---@return string
function lab.text(result, style)
  return result.conversation and lab_text(result, style) or result.reply
end

local function refusal_table(refusal)
  return {
    who = refusal.who,
    expected = refusal.expected,
    held = refusal.held,
    error = refusal.error and refusal.error:to_table(),
  }
end

local function flight_table(flight)
  return { from = flight.from, bytes = #flight.bytes, records = flight.records }
end

local function map(list, convert)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = convert(item)
  end
  return out
end

local function middle_table(story)
  local out = { held = story.held, pin = story.cert:pin() }
  for _, name in ipairs { "verifying", "careless", "pinned", "direct" } do
    local one = story[name]
    out[name] = { held = one.held, read = one.read, reply = one.reply, error = one.error and one.error:to_table() }
  end
  return out
end

--- Plain data.
---@param result table
---@return table
function lab.to_table(result)
  local conversation = result.conversation
  if not conversation then
    return { message = result.message, reply = result.reply, connection = result.info }
  end
  return {
    held = result.held,
    cert = result.identity.cert:to_table(),
    pin = result.identity.cert:pin(),
    connection = conversation.info,
    message = conversation.message,
    reply = conversation.reply,
    wire = map(conversation.wire, flight_table),
    wire_sent = core.bytes.hex(conversation.sent),
    refusals = map(result.refusals, refusal_table),
    spoiled = { held = result.spoiled.held, error = result.spoiled.error and result.spoiled.error:to_table() },
    middle = middle_table(result.middle),
  }
end

return lab
