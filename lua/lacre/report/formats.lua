--- report.formats: the forms in which results of the health check are told, by name.

local cells = require "lacre.report.cells"
local csv = require "lacre.report.csv"
local github = require "lacre.report.github"
local html = require "lacre.report.html"
local json = require "lacre.report.json"
local junit = require "lacre.report.junit"
local nagios = require "lacre.report.nagios"
local plain = require "lacre.plain"
local prometheus = require "lacre.report.prometheus"
local record = require "lacre.report.record"
local sarif = require "lacre.report.sarif"
local show_table = require "lacre.report.table"
local style = require "lacre.report.style"

local formats = {}

local function lines(results)
  local out = {}
  for i, result in ipairs(results) do
    local text, err = json.encode(record.of(result), true)
    if not text then
      return nil, err
    end
    out[i] = text .. "\n"
  end
  return table.concat(out)
end

-- behind a hash, TAP readers look for words that excuse a failure
local function without_directives(text)
  return (text:gsub("#", ""))
end

local function tap(results)
  local out = { "TAP version 13", ("1..%d"):format(#results) }
  for i, result in ipairs(results) do
    local why = result.problems[1]
    out[#out + 1] = plain.printable(("%s %d - %s%s"):format(result.grade == "fail" and "not ok" or "ok", i,
      without_directives(result.target), why and " # " .. why.code .. " " .. without_directives(why.message) or ""))
  end
  local cut = cells.interruption(results)
  if cut then
    out[2], out[#out + 1] = ("1..%d"):format(results.total or #results), "Bail out! " .. cut
  end
  return table.concat(out, "\n") .. "\n"
end

-- what is markup to Markdown, or to HTML within it, stands there as it is
local function cell(text)
  return (plain.printable(text):gsub("[\\`*_~|<>&%[%]]", "\\%0"))
end

local function markdown(results)
  local out = { "| verdict | target | left | reasons |", "|---|---|---|---|" }
  for _, result in ipairs(results) do
    local why = #result.reasons > 0 and table.concat(result.reasons, " ") or cells.expected(result) or ""
    out[#out + 1] = ("| %s | %s | %s | %s |"):format(cells.verdict(result.grade), cell(result.target),
      cells.left(result.days_left), why)
  end
  local cut = cells.interruption(results)
  if cut then
    out[#out + 1] = "\n" .. cut
  end
  return table.concat(out, "\n") .. "\n"
end

-- forms that are lists for somebody to read; to the others what passes matters too
local lists = { json = true, jsonl = true, csv = true, html = true, markdown = true, md = true }

--- The results, or with `problems_only` those that do not pass; what is said of the whole stays.
---@param results lacre.survey
---@param set { problems_only?: boolean }
---@return lacre.survey
function formats.shown(results, set)
  if not set.problems_only then
    return results
  end
  local shown = {}
  for key, value in pairs(results) do
    shown[key] = type(key) ~= "number" and value or nil
  end
  for _, result in ipairs(results) do
    shown[#shown + 1] = result.grade ~= "pass" and result or nil
  end
  return shown
end

local writers = {
  table = function(results, set)
    return show_table(results, {
      style = set.style or style.new(false), problems_only = set.problems_only, changes_only = set.changes_only,
    })
  end,
  json = function(results)
    local text, err = json.encode(record.all(results))
    return text and text .. "\n", err
  end,
  jsonl = lines, csv = csv, junit = junit, prometheus = prometheus, prom = prometheus, nagios = nagios, sarif = sarif,
  github = github, html = html, tap = tap, markdown = markdown, md = markdown,
}

--- The names, for messages.
formats.names = {
  "table", "json", "jsonl", "csv", "junit", "prometheus", "nagios", "sarif", "github", "html", "tap", "markdown",
}

--- Whether there is such a form.
---@param name string
---@return boolean
function formats.has(name)
  return writers[name] ~= nil
end

-- forms that have no place for it, and whose readers would take a part for the whole
local silent = { csv = true, jsonl = true, prometheus = true, prom = true }

--- Whether a form says of itself that the run was interrupted.
---@param name string
---@return boolean
function formats.tells_interruption(name)
  return not silent[name]
end

--- The text of results in a form.
---@param name string
---@param results lacre.survey
---@param set? { style?: lacre.style, problems_only?: boolean, fail_on?: string }
---@return string? text
---@return lacre.error? err
function formats.render(name, results, set)
  set = set or {}
  return writers[name](lists[name] and formats.shown(results, set) or results, set)
end

return formats
