--- zoo.tour: any client led past every server of the zoo, and what it overlooked.
--
-- The client is a command of the shell. It runs beside the loop that serves the zoo: it is started in the
-- background and tells its exit code in a file.

local file = require "lacre.file"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local zoo = require "lacre.zoo"

local zoo_tour = {}

local function quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function filled(command, entry, ca)
  local values = {
    url = ("https://%s:%d/"):format(entry.host, entry.port), host = entry.host, port = entry.port, name = entry.name,
    ca = ca,
  }
  return (command:gsub("{(%l+)}", function(word)
    return values[word] and quoted(values[word])
  end))
end

-- timeout(1) is part of coreutils, busybox and BSD; without it a command may hang
local function start(command, base, seconds)
  local script = ("(timeout %d sh -c %s >%s 2>&1 </dev/null; echo $? >%s; mv %s %s) &"):format(
    math.ceil(seconds), quoted(command), quoted(base .. ".out"), quoted(base .. ".tmp"), quoted(base .. ".tmp"),
    quoted(base .. ".code"))
  return os.execute(script)
end

local function await_code(base, seconds)
  local deadline = loop.now() + seconds + 2
  repeat
    loop.sleep(0.01)
    local text = file.read(base .. ".code")
    if text then
      return tonumber(text)
    end
  until loop.now() > deadline
end

local function last_line(text)
  local last = ""
  for line in (text or ""):gmatch "[^\r\n]+" do
    last = line:gsub("%c", " ")
  end
  return last:sub(1, 160)
end

local TIMED_OUT = 124

local function judge(entry, code)
  local should = zoo.client_of(entry)
  if should == "either" then
    return "either"
  elseif should == "accept" then
    return code == 0 and "right" or "refused"
  end
  return code == 0 and "overlooked" or code == TIMED_OUT and "hung" or "right"
end

local function visit(entry, set, ca)
  local base = os.tmpname()
  start(filled(set.run, entry, ca), base, set.timeout)
  local code = await_code(base, set.timeout)
  local result = {
    name = entry.name, about = entry.about, should = zoo.client_of(entry), code = code,
    said = last_line(file.read(base .. ".out")),
    outcome = judge(entry, code or TIMED_OUT),
  }
  for _, ending in ipairs { "", ".out", ".code", ".tmp" } do
    os.remove(base .. ending)
  end
  return result
end

local function counted(results)
  local tour = { results = results, right = 0, overlooked = 0, refused = 0, hung = 0, either = 0 }
  for _, one in ipairs(results) do
    tour[one.outcome] = tour[one.outcome] + 1
  end
  return tour
end

--- Runs a command against every entry, a few at once.
---@param menagerie lacre.zoo
---@param set { run: string, timeout: number }
---@return { results: table[], right: integer, overlooked: integer, refused: integer, hung: integer, either: integer }?
---@return lacre.error? err
function zoo_tour.run(menagerie, set)
  local ca = set.ca
  if not ca then
    ca = os.tmpname()
    local done, err = file.write(ca, menagerie.pki:trust():to_pem(), { overwrite = true })
    if not done then
      return nil, err
    end
  end
  local results = loop.map(menagerie.entries, function(entry)
    return visit(entry, set, ca)
  end, { concurrency = 8 })
  if not set.ca then
    os.remove(ca)
  end
  for _, one in ipairs(results) do
    if one.err then
      return lacre_error.fail("config", "internal_error", "%s", tostring(one.err))
    end
  end
  return counted(results)
end

local words = {
  overlooked = { "bad", "OVERLOOKED", "accepted a server it must refuse" },
  refused = { "warn", "REFUSED", "refused a good server" },
  hung = { "warn", "HUNG", "did not give up in time" },
}

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
  local summary = ("%d right, %d overlooked, %d good ones refused, %d hung, %d where either is fine"):format(
    tour.right, tour.overlooked, tour.refused, tour.hung, tour.either)
  lines[#lines + 1] = (tour.overlooked == 0 and style.good or style.bad)(summary)
end

return zoo_tour
