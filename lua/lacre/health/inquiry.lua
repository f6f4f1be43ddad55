--- health.inquiry: questions of `lacre.health.sounding` asked of a place, each on a connection of its own.

local groups = require "lacre.tls.groups"
local probe = require "lacre.health.probe"
local sounding = require "lacre.health.sounding"

local inquiry = {}

--- What a server says to a hello made by hand; nil where it cannot be asked.
---@param place { host: string, port: integer, starttls?: string }
---@param set { timeout: number, deadline: number, server_name?: string, rows?: table[], family?: string }
---@param question string|table by name, or one of one's own
---@return table? answer of `sounding.ask`
function inquiry.ask(place, set, question)
  local plain = probe.open(place, {
    timeout = set.timeout, connect_timeout = set.connect_timeout, deadline = set.deadline, rows = set.rows,
    family = set.family,
  })
  if not plain then
    return nil
  end
  return (sounding.ask(plain, sounding.questions[question] or question, set.server_name or place.host))
end

--- What a server that refused us says to others, up to the first that it takes.
---@param place { host: string, port: integer, starttls?: string }
---@param set table
---@return table<string, table> answers by question
function inquiry.around(place, set)
  local answers = {}
  for _, name in ipairs { "old", "weak", "ssl3", "tls13" } do
    answers[name] = inquiry.ask(place, set, name)
    if answers[name] and answers[name].kind == "server_hello" then
      break
    end
  end
  return answers
end

--- The key exchange that a server which refused us asked for, where this OpenSSL has it: what hides how a server does
--- otherwise is not offered at first.
---@param answers? table of `inquiry.around`
---@return string? group
function inquiry.wanted_group(answers)
  local answer = answers and answers.tls13
  local name = answer and answer.kind == "server_hello" and answer.group and groups.name_of(answer.group)
  return name and groups.list { name } and name or nil
end

return inquiry
