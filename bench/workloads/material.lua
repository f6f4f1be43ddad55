-- The keys and certificates of the workloads, written into the directory BENCH_DATA.
local cert = require "lacre.cert"
local file = require "lacre.file"
local key = require "lacre.key"
local lacre_error = require "lacre.error"

local assert = lacre_error.assert
local directory = os.getenv "BENCH_DATA"

local function write(name, bytes)
  assert(file.write(directory .. name, bytes, { overwrite = true, mode = name:find "%.key$" and "0600" or "0644" }))
end

local function issue(options, kind, issuer)
  options.key = assert(key.generate(kind))
  if issuer then
    options.issuer, options.issuer_key = issuer.cert, issuer.key
  end
  return { cert = assert(cert.create(options)), key = options.key }
end

for name, kind in pairs { ecdsa = "p256", rsa = "rsa:2048" } do
  local root = issue({ profile = "ca", subject = "CN=Bench Root " .. name }, kind)
  local inter = issue({ profile = "intermediate", subject = "CN=Bench Intermediate " .. name }, kind, root)
  local leaf = issue({ hosts = { "localhost", "127.0.0.1" } }, kind, inter)
  write(name .. "-root.pem", root.cert:to_pem())
  write(name .. "-inter.pem", inter.cert:to_pem())
  write(name .. "-inter.key", inter.key:to_pem())
  write(name .. "-leaf.pem", leaf.cert:to_pem())
  write(name .. "-chain.pem", leaf.cert:to_pem() .. inter.cert:to_pem())
  write(name .. "-leaf.key", leaf.key:to_pem())
end

local csr = require "lacre.csr"
local private = assert(key.generate "p256")
write("bench.csr", assert(csr.create { key = private, subject = "CN=bench.test", hosts = { "bench.test" } }):to_pem())

-- as many as browsers trust
local bundle = {}
for i = 1, 140 do
  bundle[i] = issue({ profile = "ca", subject = ("CN=Bench Root %d"):format(i) }, "p256").cert:to_pem()
end
write("bundle.pem", table.concat(bundle))

os.execute(("mkdir -p '%swww'"):format(directory))
for name, size in pairs { ["1k"] = 1024, ["100k"] = 102400, ["1m"] = 1048576 } do
  write("www/" .. name, require("lacre.core").bytes.random(size))
end
