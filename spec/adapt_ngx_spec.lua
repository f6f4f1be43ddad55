-- A cosocket of nginx's Lua, which must be the Lua that is tested: LuaJIT (Debian: libnginx-mod-http-lua, curl).
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local process = require "spec.support.process"
local tls = require "spec.support.tls"

local place = os.getenv "NGINX_MODULES" or "/usr/lib/nginx/modules"
local modules = { place .. "/ndk_http_module.so", place .. "/ngx_http_lua_module.so" }
local directory

local function exists(path)
  return file.stat(path) ~= nil
end

local function put(name, bytes)
  lacre_error.assert(file.write(directory .. "/" .. name, bytes, { overwrite = true }))
end

-- what nginx answers to each path, from Lua
local program = [[
  local lacre = require "lacre"
  local given = { server_name = "localhost", trust = ngx.var.uri == "/stranger" and DIRECTORY .. "/other.pem" or DIRECTORY .. "/ca.pem" }
  if ngx.var.uri == "/name" then
    given.server_name = "other.test"
  end
  local sock = ngx.socket.tcp()
  sock:settimeout(ngx.var.uri == "/slow" and 200 or 3000)
  assert(sock:connect("127.0.0.1", PORT))
  local conn = assert(lacre.adapt.ngx(sock, given))
  local done, err = conn:handshake()
  if not done then
    ngx.say(err.code)
    return
  end
  if ngx.var.uri == "/slow" then
    local _, why = conn:receive()
    ngx.say(why.code)
    conn:abort()
    return
  end
  conn:write("hello\n")
  ngx.say(conn:info().version, " ", conn:info().verified, " ", conn:read "l")
  conn:write(("x"):rep(100000), "\n")
  conn:set_limits { line = 200000 }
  ngx.say(#conn:read "l")
  conn:close()
]]

local config = [[
load_module %s;
load_module %s;
worker_processes 1;
daemon off;
master_process off;
pid %s/pid;
error_log %s/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fastcgi; uwsgi_temp_path %s/uwsgi;
  scgi_temp_path %s/scgi;
  lua_package_path '%s'; lua_package_cpath '%s';
  server { listen 127.0.0.1:%d; location / { content_by_lua_file %s/program.lua; } }
}
]]

describe("adapt.ngx", function()
  it("carries TLS over a cosocket", function()
    local lua = os.getenv "LUA"
    local _, none = process.run { "sh", "-c", "command -v nginx && command -v curl" }
    if not rawget(_G, "jit") or none ~= 0 or not exists(modules[2]) or os.getenv "SANITIZER" == "asan" then
      pending("nginx with Lua, of the same Lua, is needed: this is " .. tostring(lua))
      return
    end
    directory = process.directory()
    local port, front = process.free_port(), process.free_port()
    put("ca.pem", tls.root.pem)
    put("other.pem", require("spec.support.pki").root().pem)
    put("program.lua", (program:gsub("DIRECTORY", ("%q"):format(directory)):gsub("PORT", tostring(port))))
    local d, here = directory, require("lfs").currentdir()
    put("nginx.conf", config:format(modules[1], modules[2], d, d, d, d, d, d, d,
      here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;;", here .. "/" .. os.getenv "BUILD" .. "/?.so;;", front, d))
    local nginx = process.start { "nginx", "-c", d .. "/nginx.conf", "-e", d .. "/error.log" }
    local answers = {}
    require("lacre.loop").run(function()
      local loop = require "lacre.loop"
      local server = lacre_error.assert(require("lacre.listener").listen { port = port, context = tls.server() })
      local task = loop.spawn(function()
        while true do
          local conn = server:accept()
          if not conn then
            return
          end
          loop.spawn(function()
            tls.echo(conn)
            conn:close()
          end)
        end
      end)
      for _, name in ipairs { "ok", "stranger", "name", "slow" } do
        local asked = process.start { "curl", "-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--max-time", "20",
          ("http://127.0.0.1:%d/%s"):format(front, name) }
        repeat
          loop.sleep(0.02)
        until not asked:is_alive()
        answers[name] = asked:output()
        asked:stop()
      end
      server:close()
      task:join(1)
    end)
    nginx:stop()
    local log = file.read(d .. "/error.log") or ""
    process.remove(directory)
    assert.equal("1.3 chain hello\n100000\n", answers.ok, log)
    assert.same({ "unknown_issuer\n", "hostname_mismatch\n", "timeout\n" }, { answers.stranger, answers.name, answers.slow })
  end)
end)
