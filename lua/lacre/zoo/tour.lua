--- zoo.tour: any client led past every server of the zoo, and what it overlooked.
--
-- The client is a command of the shell, which runs beside the loop that serves the zoo.

local command = require "lacre.zoo.command"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local zoo = require "lacre.zoo"

local zoo_tour = {}

---@class lacre.zoo.tour
---@field results table[]
---@field right integer
---@field overlooked integer
---@field refused integer
---@field hung integer
---@field either integer
---@field accepted integer
---@field interrupted boolean

local function filled(text, entry, ca)
  local values = {
    url = ("https://%s:%d/"):format(entry.host, entry.port), host = entry.host, port = entry.port, name = entry.name,
    ca = ca,
  }
  return (text:gsub("{(%l+)}", function(word)
    return values[word] and command.quoted(values[word])
  end))
end

local function last_line(text)
  local last = ""
  for line in (text or ""):gmatch "[^\r\n]+" do
    last = line:gsub("%c", " ")
  end
  return last:sub(1, 160)
end

local function judge(entry, code)
  local should = zoo.client_of(entry)
  if should == "either" then
    return "either"
  elseif should == "accept" then
    return code == 0 and "right" or "refused"
  end
  return code == 0 and "overlooked" or code == command.TIMED_OUT and "hung" or "right"
end

local function visit(entry, set, shop, ca)
  if shop.stopped then
    return nil
  end
  local code, output = shop:run(entry.name, filled(set.run, entry, ca), set.timeout)
  return code and {
    name = entry.name, about = entry.about, should = zoo.client_of(entry), code = code, said = last_line(output),
    outcome = judge(entry, code),
  }
end

local function counted(results)
  local tour = { results = results, right = 0, overlooked = 0, refused = 0, hung = 0, either = 0, accepted = 0 }
  for _, one in ipairs(results) do
    tour[one.outcome] = tour[one.outcome] + 1
    tour.accepted = tour.accepted + (one.code == 0 and 1 or 0)
  end
  return tour
end

-- what never ran refused nothing
local function unfit(results)
  for _, one in ipairs(results) do
    if command.UNFIT[one.code] then
      local _, err = lacre_error.fail("config", "unsupported", "the command cannot be run (exit code %d): %s", one.code,
        one.said)
      return lacre_error.annotate(err, { hint = "check how the command is spelled, and that it can be executed" })
    end
  end
end

local function visits(menagerie, set, shop, ca)
  local done, total, count = 0, #menagerie.entries, set.on_count or function() end
  local slots = loop.map(menagerie.entries, function(entry)
    local result = visit(entry, set, shop, ca)
    done = done + 1
    count(done, total)
    return result or false
  end, { concurrency = 8 })
  local results = {}
  for _, one in ipairs(slots) do
    if one and one.err then
      return lacre_error.fail("config", "internal_error", "%s", tostring(one.err))
    end
    results[#results + 1] = one or nil
  end
  return results
end

local function until_interrupted(shop)
  for _, name in ipairs { "INT", "TERM" } do
    loop.on_signal(name, function()
      shop:stop()
    end)
  end
end

local function as_before()
  loop.on_signal("INT", nil)
  loop.on_signal("TERM", nil)
end

--- Runs a command against every entry, a few at once. Ctrl-C ends it; what is known then is told.
---@param menagerie lacre.zoo
---@param set { run: string, timeout: number, ca?: string, on_count?: function }
---@return lacre.zoo.tour?
---@return lacre.error? err unsupported if the command is not there
function zoo_tour.run(menagerie, set)
  local shop, err = command.open()
  local ca, results = set.ca, nil
  if shop and not ca then
    ca = file.join(shop.directory, "zoo.pem")
    local done
    done, err = file.write(ca, menagerie.pki:trust():to_pem())
    ca = done and ca
  end
  if ca and shop then
    until_interrupted(shop)
    results, err = visits(menagerie, set, shop, ca)
    as_before()
  end
  if shop then
    shop:close()
  end
  err = err or unfit(results)
  if err then
    return nil, err
  end
  local tour = counted(results)
  tour.interrupted = shop.stopped
  return tour
end

local words = {
  overlooked = { "bad", "OVERLOOKED", "accepted a server it must refuse" },
  refused = { "warn", "REFUSED", "refused a good server" },
  hung = { "warn", "HUNG", "did not give up in time" },
}

--- Whether the client did what a careful one does, everywhere.
---@param tour lacre.zoo.tour
---@return boolean
function zoo_tour.is_faultless(tour)
  return tour.overlooked + tour.refused + tour.hung == 0
end

--- What went wrong, for people.
---@param lines string[]
---@param tour table
---@param style lacre.style
function zoo_tour.lines(lines, tour, style)
  for _, one in ipairs(tour.results) do
    local word = words[one.outcome]
    if word then
      lines[#lines + 1] = ("%s  %-22s %s: %s"):format(style[word[1]](("%-10s"):format(word[2])), one.name, word[3],
        one.about)
      if one.outcome ~= "overlooked" and one.said ~= "" then
        lines[#lines + 1] = style.dim("            " .. one.said)
      end
    end
  end
  if tour.accepted + tour.refused == 0 and #tour.results > 0 and not tour.interrupted then
    lines[#lines + 1] = style.dim "It accepted no server at all: add the server good, to see whether it can."
  end
  local summary = ("%d right, %d overlooked, %d good ones refused, %d hung, %d where either is fine"):format(
    tour.right, tour.overlooked, tour.refused, tour.hung, tour.either)
  local paint = not zoo_tour.is_faultless(tour) and style.bad or tour.interrupted and style.warn or style.good
  lines[#lines + 1] = paint(summary .. (tour.interrupted and "; interrupted" or ""))
end

return zoo_tour
