--- health.inquiry: questions of `lacre.health.sounding` asked of a place, each on a connection of its own.

local groups = require "lacre.tls.groups"
local opening = require "lacre.health.opening"
local probe = require "lacre.health.probe"
local sounding = require "lacre.health.sounding"
local time = require "lacre.time"

local inquiry = {}

-- some servers, and walls before them, drop a hello they do not like without a word. So a question has a share of the
-- time of its target and no more than is worth waiting, unless the server is so slow or far that all takes longer
local SHARE, ENOUGH, TIMES = 0.2, 2, 5

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
    patience = math.max(math.min(ENOUGH, SHARE * set.timeout), TIMES * took),
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

--- What a server that refused us does where more is offered, and if it refuses that too, what it says to others.
---@param place { host: string, port: integer, starttls?: string }
---@param terms table of `inquiry.terms`
---@param contact fun(group: string, deadline: number): table? a handshake that offers this group, or `probe.EVERYTHING`
---@return table? facts with `offered`, the group
---@return table<string, table>? answers by question
function inquiry.again(place, terms, contact)
  local facts, answers = contact(probe.EVERYTHING, limit(terms)), nil
  local group = probe.EVERYTHING
  if not facts then
    answers = inquiry.around(place, terms)
    group = wanted_group(answers)
    facts = group and contact(group, limit(terms))
  end
  if facts then
    facts.offered = group
  end
  return facts, answers
end

return inquiry
