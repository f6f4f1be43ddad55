-- A real Prometheus scrapes the exporter, where there is one.
local core = require "lacre.core"
local http = require "lacre.http"
local json = require "lacre.report.json"
local loop = require "lacre.loop"
local process = require "spec.support.process"

core.signals.watch "WINCH"
core.signals.forget "WINCH"

local command = (os.getenv "BUILD" or "build/lua5.4") .. "/bin/lacre"

local config = [[
global: { scrape_interval: 300ms }
scrape_configs:
  - job_name: list
    static_configs: [{ targets: ["127.0.0.1:%d"] }]
  - job_name: probe
    metrics_path: /probe
    params: { target: ["localhost:%d"] }
    static_configs: [{ targets: ["127.0.0.1:%d"] }]
]]

local function write(path, text)
  local handle = assert(io.open(path, "w"))
  handle:write(text)
  handle:close()
end

local function value_of(port, query)
  local response = loop.run(function()
    return http.request {
      url = ("http://127.0.0.1:%d/api/v1/query?query=%s"):format(port, query), plaintext = true, timeout = 5,
    }
  end)
  local answer = response and response.status == 200 and json.decode(response.body)
  local first = answer and answer.data.result[1]
  return first and first.value[2]
end

local function soon(fn)
  local value
  for _ = 1, 60 do
    value = fn()
    if value then
      return value
    end
    os.execute "sleep 0.1"
  end
end

describe("Prometheus", function()
  it("scrapes the list and single targets", function()
    local _, code = process.run { "sh", "-c", "command -v prometheus" }
    if code ~= 0 then
      return pending "prometheus is not installed"
    end
    local directory = process.directory()
    local root = directory .. "/zoo.pem"
    local zoo = process.start { command, "zoo", "good", "expired", "--ca", root }
    local ports = soon(function()
      local output = zoo:output()
      return output:find "front door" and {
        good = output:match "good%s+https://localhost:(%d+)", expired = output:match "expired%s+https://localhost:(%d+)",
      }
    end)
    local exporter_port, port = process.free_port(), process.free_port()
    local exporter = process.start { command, "health", "--trust", root, "--serve", tostring(exporter_port),
      "localhost:" .. ports.good, "localhost:" .. ports.expired }
    write(directory .. "/prometheus.yml", config:format(exporter_port, ports.expired, exporter_port))
    local prometheus = process.start { "prometheus", "--config.file=" .. directory .. "/prometheus.yml",
      "--storage.tsdb.path=" .. directory .. "/data", "--web.listen-address=127.0.0.1:" .. port }
    local function metric(query)
      return soon(function()
        return value_of(port, query)
      end)
    end
    local list = metric(("tls_health_status%%7Bjob=%%22list%%22,target=%%22localhost:%s%%22%%7D"):format(ports.good))
    local probe = metric "probe_success%7Bjob=%22probe%22%7D"
    local reason = metric "tls_health_reason%7Bjob=%22probe%22,code=%22CERT_EXPIRED%22%7D"
    prometheus:stop()
    exporter:stop()
    zoo:stop()
    process.remove(directory)
    assert.equal("0", list)
    assert.equal("0", probe)
    assert.equal("1", reason)
  end)
end)
