-- Several workers by the clock, for bench/workers.sh: scaling.lua DIR BITS makes an identity whose handshakes cost the
-- server much and the client little; "serve PORT" is a worker; "load PORT COUNT" says connections a second.
local lacre = require "lacre"
local loop = lacre.loop

local directory, what = arg[1] .. "/", arg[2]
local port, count = tonumber(arg[3]), tonumber(arg[4])

local function serve()
  lacre.assert(lacre.serve({
    port = port, reuse_port = true, cert = directory .. "crt", key = directory .. "key", on_error = function() end,
  }, function(conn)
    conn:write(lacre.assert(conn:read "l"), "\n")
  end))
end

local function load()
  local ctx = lacre.assert(lacre.client { trust = directory .. "crt", sessions = 0 })
  local begun, list = loop.now(), {}
  for i = 1, count do
    list[i] = i
  end
  local results = loop.map(list, function()
    local conn = lacre.assert(ctx:connect("localhost", port, { timeout = 60, handshake_timeout = 60 }))
    conn:write "x\n"
    assert(conn:read "l" == "x")
    conn:close()
    return true
  end)
  for _, result in ipairs(results) do
    assert(result == true, tostring(result ~= true and result.err))
  end
  print(("%.1f"):format(count / (loop.now() - begun)))
end

if what == "serve" then
  serve()
elseif what == "load" then
  loop.run(load)
else
  local key = lacre.assert(lacre.key.generate("rsa:" .. what))
  local cert = lacre.assert(lacre.cert.create { key = key, hosts = { "localhost" } })
  lacre.assert(require("lacre.file").write_together { { path = directory .. "crt", bytes = cert:to_pem() },
    { path = directory .. "key", bytes = key:to_pem(), mode = "0600" } })
end
