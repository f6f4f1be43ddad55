--- report.sarif: results of the health check by SARIF 2.1.0, each at the line of the hosts file that named the target.

local cells = require "lacre.report.cells"
local codes = require "lacre.health.codes"
local json = require "lacre.report.json"
local plain = require "lacre.plain"
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

-- a path as a reference (RFC 3986): what stands in it for itself does, and no colon is taken for a scheme's
local function uri(path)
  local text = path:gsub("[^%w._~/!$&'()*+,;=@-]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end)
  return path:sub(1, 1) == "/" and "file://" .. text or text
end

-- brackets before a parenthesis would be a link
local function message(text)
  return { text = (plain.text(text):gsub("%[([^%]]*)%]%(", "\\[%1\\](")) }
end

local function location(result)
  local named = result.file and result.file ~= "-"
  return {
    physicalLocation = named and {
      artifactLocation = { uri = uri(result.file) }, region = { startLine = result.line },
    } or nil,
    logicalLocations = { { fullyQualifiedName = plain.text(result.target), kind = "resource" } },
  }
end

local function finding(result, problem, index)
  return {
    ruleId = problem.code, ruleIndex = index[problem.code], level = levels[problem.severity], kind = "fail",
    message = message(("%s: %s"):format(result.target, problem.message)), locations = { location(result) },
    partialFingerprints = {
      ["target/v1"] = ("%s %s %d"):format(plain.text(result.target), problem.code, problem.depth or 0),
    },
  }
end

-- whether the list was gone through
local function invocation(results)
  local cut = cells.interruption(results)
  return {
    executionSuccessful = cut == nil,
    toolExecutionNotifications = cut and { { level = "error", message = { text = cut } } } or nil,
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
      invocations = { invocation(results) }, results = json.list(found) } },
  }
  return text and text .. "\n", err
end
