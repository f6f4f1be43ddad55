-- After every test: OpenSSL's error queue is empty, no descriptor leaked, no global was set.
local busted = require "busted"
local core = require "lacre.core"
local lfs = require "lfs"

-- busted forgets modules between files, but the core and its types live as long as the process
for _, name in ipairs { "context", "key", "store", "cert", "csr", "crl" } do
  require("lacre." .. name)
end

local function descriptors()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do
    count = count + 1
  end
  return count
end

local function globals()
  local names = {}
  for name in pairs(_G) do
    names[name] = true
  end
  return names
end

require("lacre.warning").on_warning(false)

local has_proc = lfs.attributes("/proc/self/fd", "mode") == "directory"
local before

local function leaked()
  return descriptors() - before.descriptors
end

local function complaint()
  if os.getenv "SANITIZER" then
    collectgarbage() -- what is collected is watched
  end
  if core.openssl.has_errors() then
    return "OpenSSL's error queue is not empty"
  end
  if has_proc and leaked() > 0 then
    collectgarbage() -- slow here, where busted holds much: not after every test
    collectgarbage()
    if leaked() > 0 then
      return ("%d descriptors leaked"):format(leaked())
    end
  end
  for name in pairs(_G) do
    if not before.globals[name] then
      return "the global '" .. tostring(name) .. "' was set"
    end
  end
end

busted.subscribe({ "test", "start" }, function()
  before = { descriptors = has_proc and descriptors(), globals = globals() }
  return nil, true
end)

-- heard before the reporters, which are told "failure" instead of "success"
busted.subscribe({ "test", "end" }, function(element, parent, status)
  local text = status == "success" and complaint()
  if not text then
    return nil, true
  end
  busted.publish({ "failure", "it" }, element, parent, text, { message = text, traceback = "" })
  busted.publish({ "test", "end" }, element, parent, "failure")
  return nil, false
end, { priority = 1 })
