--- health.selftest: the health check led through the zoo: is every verdict right, on this machine, with this OpenSSL?

local checkup = require "lacre.health.checkup"
local loop = require "lacre.loop"
local target = require "lacre.health.target"
local zoo = require "lacre.zoo"

local selftest = {}

local SLOW = 1.5 -- seconds for those that never answer

local function same(codes, reasons)
  local wanted = {}
  for _, code in ipairs(codes) do
    wanted[code] = true
  end
  for _, code in ipairs(reasons) do
    if not wanted[code] then
      return false
    end
  end
  return #codes == #reasons
end

-- there, whatever this machine calls itself
local function row_of(entry)
  local ask = entry.ask or {}
  local row = target.parse(("%s@127.0.0.1:%d%s"):format(entry.host, entry.port,
    ask.starttls and "/" .. ask.starttls or ""))
  row.set = { label = entry.name }
  return row
end

--- The settings with which an entry of the zoo is examined.
---@param menagerie lacre.zoo
---@param entry table
---@return table
function selftest.settings(menagerie, entry)
  local set = { trust = menagerie.pki:trust(), warn = "30d", timeout = entry.slow and SLOW or 10, retries = 1,
    probe_old = true }
  for name, value in pairs(entry.ask or {}) do
    set[name] = value
  end
  return set
end

local function examine(menagerie, entry, shared)
  local result = checkup.run(row_of(entry), selftest.settings(menagerie, entry), shared)
  return {
    name = entry.name, about = entry.about, expected = entry.verdict, expected_reasons = entry.codes,
      grade = result.grade,
    reasons = result.reasons, right = result.grade == entry.verdict and same(entry.codes, result.reasons),
    message = result.problems[1] and result.problems[1].message,
  }
end

--- Opens the zoo, judges every entry, and compares.
---@param set? { on_count?: function, concurrency?: integer }
---@return table? result `entries`, `right`, `wrong`, `unavailable`
---@return lacre.error? err
function selftest.run(set)
  local menagerie, err = zoo.open()
  if not menagerie then
    return nil, err
  end
  local shared, done = { contexts = {}, kept = {} }, 0
  local entries = loop.map(menagerie.entries, function(entry)
    local one = examine(menagerie, entry, shared)
    done = done + 1
    if set and set.on_count then
      set.on_count(done, #menagerie.entries)
    end
    return one
  end, { concurrency = set and set.concurrency or 16 })
  menagerie:close()
  local result = { selftest = true, entries = entries, right = 0, wrong = 0, unavailable = menagerie.unavailable }
  for _, one in ipairs(entries) do
    local field = one.right and "right" or "wrong"
    result[field] = result[field] + 1
  end
  return result
end

--- For people.
---@param result table
---@param style lacre.style
---@return string
function selftest.text(result, style)
  local lines = {}
  for _, one in ipairs(result.entries) do
    if one.right then
      local reasons = #one.reasons > 0 and " " .. style.dim(table.concat(one.reasons, " ")) or ""
      lines[#lines + 1] = ("%s  %-24s %-4s%s"):format(style.good "right", one.name, one.grade:upper(), reasons)
    else
      lines[#lines + 1] = ("%s  %-24s %s %s instead of %s %s"):format(style.bad "WRONG", one.name, one.grade:upper(),
        table.concat(one.reasons, " "), one.expected:upper(), table.concat(one.expected_reasons, " "))
    end
  end
  for _, one in ipairs(result.unavailable) do
    lines[#lines + 1] = style.dim(("not available: %s (%s)"):format(one.name, one.error.message))
  end
  local paint = result.wrong == 0 and style.good or style.bad
  lines[#lines + 1] = paint(("%d verdicts right, %d wrong, %d not available"):format(result.right, result.wrong,
    #result.unavailable))
  return table.concat(lines, "\n")
end

--- Plain data.
function selftest.to_table(result)
  local unavailable = {}
  for i, one in ipairs(result.unavailable) do
    unavailable[i] = { name = one.name, why = one.error.message }
  end
  return { entries = result.entries, right = result.right, wrong = result.wrong, unavailable = unavailable }
end

return selftest
