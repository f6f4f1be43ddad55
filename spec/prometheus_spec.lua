-- A real Prometheus scrapes the exporter, where there is one, and promtool reads what it says.
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
    honor_labels: true
    static_configs: [{ targets: ["127.0.0.1:%d", "127.0.0.1:%d"] }]
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

local function get(port, path)
  local response = loop.run(function()
    return http.request { url = ("http://127.0.0.1:%d%s"):format(port, path), plaintext = true, timeout = 5 }
  end)
  return response and response.status == 200 and response.body
end

local function value_of(port, query)
  query = query:gsub("[^%w_]", function(c)
    return ("%%%02x"):format(c:byte())
  end)
  local body = get(port, "/api/v1/query?query=" .. query)
  local first = body and json.decode(body).data.result[1]
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

local function is_missing()
  local _, code = process.run { "sh", "-c", "command -v prometheus && command -v promtool" }
  return code ~= 0
end

describe("Prometheus", function()
  it("scrapes a list in several parts, and single targets", function()
    if is_missing() then
      return pending "prometheus is not installed"
    end
    local directory = process.directory()
    local root, hosts = directory .. "/zoo.pem", directory .. "/hosts.txt"
    local zoo = process.start { command, "zoo", "good", "expired", "dates", "--ca", root }
    local list, count, expired = {}, 0, nil
    soon(function()
      return zoo:output():find "front door"
    end)
    for name, port in zoo:output():gmatch "([%w-]+)%s+https://localhost:(%d+)" do
      count, list[#list + 1] = count + 1, ("localhost:%s label=%s"):format(port, name)
      expired = name == "expired" and port or expired
    end
    write(hosts, table.concat(list, "\n") .. "\n")
    local exporters, ports = {}, { process.free_port(), process.free_port() }
    for i, port in ipairs(ports) do
      exporters[i] = process.start { command, "health", "--trust", root, "--serve", (i == 1 and ":" or "") .. port, "-f", hosts, "--shard",
        i .. "/2" }
    end
    write(directory .. "/prometheus.yml", config:format(ports[1], ports[2], expired, ports[1]))
    local port = process.free_port()
    local prometheus = process.start { "prometheus", "--config.file=" .. directory .. "/prometheus.yml",
      "--storage.tsdb.path=" .. directory .. "/data", "--web.listen-address=127.0.0.1:" .. port }
    local function metric(query, wanted)
      return soon(function()
        local value = value_of(port, query)
        return (not wanted or value == wanted) and value
      end)
    end
    local found = {
      metric 'tls_health_status{job="list",target="good"}', metric('count(tls_health_status{job="list"})', tostring(count)),
      metric 'probe_success{job="probe"}', metric 'tls_health_reason{job="probe",code="CERT_EXPIRED"}',
      metric 'count(count by (instance) (tls_health_status{job="list"}))',
    }
    local checks = {}
    for i, text in ipairs { get(ports[1], "/metrics"), get(ports[2], "/metrics"),
      get(ports[1], "/probe?target=localhost:" .. expired) } do
      local output, code = process.run({ "promtool", "check", "metrics" }, text)
      checks[i] = code == 0 and output or output .. " (" .. tostring(code) .. ")"
    end
    prometheus:stop()
    for _, exporter in ipairs(exporters) do
      exporter:stop()
    end
    zoo:stop()
    process.remove(directory)
    assert.same({ "0", tostring(count), "0", "1", "2" }, found)
    assert.same({ "", "", "" }, checks)
  end)

  it("takes the configurations of the documentation", function()
    if is_missing() then
      return pending "promtool is not installed"
    end
    local handle = assert(io.open "docs/health.md")
    local page, count = handle:read "*a", 0
    handle:close()
    for block in page:gmatch "\n```yaml\n(.-\n)```\n" do
      local path = os.tmpname()
      write(path, block)
      local output, code = process.run { "promtool", "check", block:find "^groups" and "rules" or "config", path }
      os.remove(path)
      assert.equal(0, code, output)
      count = count + 1
    end
    assert.equal(3, count)
  end)
end)
