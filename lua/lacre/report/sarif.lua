--- sarif: results of the health check by SARIF 2.1.0, each at the line of the hosts file that named the target.

local codes = require "lacre.health.codes"
local json = require "lacre.report.json"
local version = require "lacre.version"

local levels = { fail = "error", warn = "warning", info = "note" }

local function rules()
  local list, index = {}, {}
  for _, row in ipairs(codes.list) do
    if row.severity ~= "info" then
      list[#list + 1] = {
        id = row.code, shortDescription = { text = row.meaning }, fullDescription = { text = row.meaning },
        defaultConfiguration = { level = levels[row.severity] },
      }
      index[row.code] = #list - 1
    end
  end
  return list, index
end

local function location(result)
  if not result.file then
    return { logicalLocations = { { fullyQualifiedName = result.target, kind = "resource" } } }
  end
  return {
    physicalLocation = { artifactLocation = { uri = result.file }, region = { startLine = result.line } },
    logicalLocations = { { fullyQualifiedName = result.target, kind = "resource" } },
  }
end

local function finding(result, problem, index)
  return {
    ruleId = problem.code, ruleIndex = index[problem.code], level = levels[problem.severity], kind = "fail",
    message = { text = ("%s: %s"):format(result.target, problem.message) }, locations = { location(result) },
    partialFingerprints = { ["target/v1"] = result.target .. " " .. problem.code .. " " .. (problem.depth or 0) },
  }
end

---@param results lacre.survey
---@return string? text
---@return lacre.error? err unsupported
return function(results)
  local list, index = rules()
  local found = {}
  for _, result in ipairs(results) do
    for _, problem in ipairs(result.problems) do
      found[#found + 1] = finding(result, problem, index)
    end
  end
  local text, err = json.encode {
    version = "2.1.0", ["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json",
    runs = { { tool = { driver = { name = "lacre", version = version.NUMBER, rules = list } },
      results = json.list(found) } },
  }
  return text and text .. "\n", err
end
