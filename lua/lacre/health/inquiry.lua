--- health.inquiry: questions of `lacre.health.sounding` asked of a place, each on a connection of its own.

local groups = require "lacre.tls.groups"
local opening = require "lacre.health.opening"
local probe = require "lacre.health.probe"
local sounding = require "lacre.health.sounding"
local time = require "lacre.time"

local inquiry = {}

-- some servers, and walls before them, drop a hello they do not like without a word. So a question has a moment only,
-- unless the server is so slow or far that all takes longer: so many times what the first contact took
local TIMES = 5

--- The terms on which a place is asked, from the settings of a target.
---@param set { timeout: number, connect_timeout?: number, deadline: number, server_name?: string, family?: string }
---@param timing { connect?: number, starttls?: number, handshake?: number } what the first contact took, in seconds
---@param address? string that answered it
---@return table terms
function inquiry.terms(set, timing, address)
  local took = (timing.connect or 0) + (timing.starttls or 0) + (timing.handshake or 0)
  return {
    timeout = set.timeout, connect_timeout = set.connect_timeout, deadline = set.deadline, family = set.family,
    server_name = set.server_name, rows = address and { { address = address, family = "any" } },
    patience = math.max(opening.moment(set), TIMES * took),
  }
end

-- when a question that is asked now has had its time
local function limit(terms)
  return math.min(terms.deadline, time.monotonic() + terms.patience)
end

--- What a server says to a hello made by hand; nil and why, where that is not known.
---@param place { host: string, port: integer, starttls?: string }
---@param terms table of `inquiry.terms`
---@param question string|table by name, or one of one's own
---@return table? answer of `sounding.ask`
---@return lacre.error? err timeout, connection_refused ...
function inquiry.ask(place, terms, question)
  local plain, err = opening.open(place, terms, limit(terms))
  if not plain then
    return nil, err
  end
  return sounding.ask(plain, sounding.questions[question] or question, terms.server_name or place.host)
end

--- What a server that refused us says to others, up to the first that it takes.
---@param place { host: string, port: integer, starttls?: string }
---@param terms table of `inquiry.terms`
---@return table<string, table> answers by question
function inquiry.around(place, terms)
  local answers = {}
  for _, name in ipairs { "old", "weak", "ssl3", "tls13" } do
    answers[name] = inquiry.ask(place, terms, name)
    if answers[name] and answers[name].kind == "server_hello" then
      break
    end
  end
  return answers
end

--- The group that an answer asks for, by name; false where it asks for none, nil where there was no answer.
---@param answer? table of `inquiry.ask`
---@return string|false|nil
function inquiry.group_of(answer)
  if not answer then
    return nil
  end
  return answer.kind == "server_hello" and answer.group and groups.name_of(answer.group) or false
end

-- the key exchange that a server which refused us asked for, where this OpenSSL has it: what hides how a server does
-- otherwise is not offered at first
local function wanted_group(answers)
  local name = inquiry.group_of(answers.tls13)
  return name and groups.list { name } and name or nil
end

local alerts = { handshake_failure = true, protocol_version = true, insufficient_security = true,
  illegal_parameter = true }

--- Whether other hellos may tell why a handshake failed: the server refused what was offered.
---@param err lacre.error
---@return boolean
function inquiry.is_worthwhile(err)
  return err.stage == "handshake" and (alerts[err.alert] == true or err.code == "protocol_version"
    or err.reason == "SSL_R_WRONG_CURVE")
end

--- What a server that refused us does where more is offered, and if it refuses that too, what it says to others.
---@param place { host: string, port: integer, starttls?: string }
---@param terms table of `inquiry.terms`
---@param contact fun(group: string, deadline: number): table? a handshake that offers this group, or one of
--- `probe.EVERYTHING`
---@return table? facts with `offered`, the group
---@return table<string, table>? answers by question
function inquiry.again(place, terms, contact)
  for _, group in ipairs(probe.EVERYTHING) do
    local facts = contact(group, limit(terms))
    if facts then
      facts.offered, facts.is_insisting = group, true
      return facts
    end
  end
  local answers = inquiry.around(place, terms)
  local group = wanted_group(answers)
  local facts = group and contact(group, limit(terms))
  if facts then
    facts.offered = group
  end
  return facts, answers
end

--- A handshake with a place, with more on offer where the first is refused.
---@param place lacre.target_row
---@param set { timeout: number, trust?: any, cert?: any, key?: any, server_name?: string }
---@return table? facts of `lacre.health.probe`
---@return lacre.error? err why the first handshake failed
---@return table<string, table>? answers to other hellos, where the server refused all
function inquiry.reach(place, set)
  local began, name = time.monotonic(), set.server_name or place.name
  local function contact(group, deadline)
    local ctx, err = probe.context { trust = set.trust, cert = set.cert, key = set.key, group = group }
    if not ctx then
      return nil, err
    end
    return probe.contact(place, {
      context = ctx, timeout = set.timeout, deadline = deadline, server_name = name, has_identity = set.cert ~= nil,
    })
  end
  local facts, err = contact()
  if facts or not inquiry.is_worthwhile(err) then
    return facts, err
  end
  local now = time.monotonic()
  local terms = inquiry.terms({ timeout = set.timeout, deadline = now + set.timeout, server_name = name },
    { handshake = now - began }, err.address)
  local answers
  facts, answers = inquiry.again(place, terms, contact)
  return facts, err, answers
end

return inquiry
