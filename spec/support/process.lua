-- Other programs as peers: started in the background, found by their port, stopped by their pid.
local lfs = require "lfs"
local net = require("lacre.core").net
local nobody = require "lacre.zoo.nobody"

local process = {}

local Process = {}
Process.__index = Process

local function quoted(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

--- A command line of words, quoted for sh.
function process.line(words)
  local out = {}
  for i, word in ipairs(words) do
    out[i] = quoted(word)
  end
  return table.concat(out, " ")
end

--- A fresh directory.
function process.directory()
  local name = os.tmpname()
  os.remove(name)
  assert(os.execute("mkdir -m 700 " .. quoted(name)))
  return name
end

--- Removes a directory and what is in it.
function process.remove(directory)
  os.execute("rm -rf " .. quoted(directory))
end

--- Writes a file, and gives its path.
function process.write(path, bytes)
  local handle = assert(io.open(path, "wb"))
  handle:write(bytes)
  handle:close()
  return path
end

local installed = {}

--- Whether a program is on this machine, also where administrators have theirs.
function process.has(program)
  if installed[program] == nil then
    installed[program] = select(2, process.run { "sh", "-c", "PATH=$PATH:/usr/sbin command -v " .. program }) == 0
  end
  return installed[program]
end

--- Runs a command to its end, or for `seconds` (30): its output, both streams, and its exit code. `input` is a text.
function process.run(words, input, seconds)
  local stdin = "/dev/null"
  if input then
    stdin = os.tmpname()
    local handle = assert(io.open(stdin, "wb"))
    handle:write(input)
    handle:close()
  end
  local pipe = io.popen(("timeout %d %s < %s 2>&1; echo \"=$?\""):format(seconds or 30, process.line(words), quoted(stdin)))
  local output, code = pipe:read("*a"):match "^(.*)=(%d+)\n$"
  pipe:close()
  if input then
    os.remove(stdin)
  end
  return output, tonumber(code)
end

--- Starts a command; it ends after a minute at the latest.
function process.start(words)
  local log = os.tmpname()
  local pipe = io.popen(("timeout 60 %s < /dev/null > %s 2>&1 & echo $!"):format(process.line(words), log))
  local pid = pipe:read "*n"
  pipe:close()
  return setmetatable({ pid = pid, log = log }, Process)
end

--- What it printed so far.
function Process:output()
  local handle = io.open(self.log)
  local text = handle and handle:read "*a" or ""
  if handle then
    handle:close()
  end
  return text
end

local has_proc = lfs.attributes("/proc/self/stat", "mode") == "file"

-- "S", "R" ... of ps(1), from the kernel where it tells; ps is not on every machine
local function state_of(pid)
  local handle = io.open(("/proc/%d/stat"):format(pid))
  if not handle and not has_proc then
    handle = io.popen(("ps -o stat= -p %d 2>/dev/null"):format(pid))
    return handle:read("*a"):match "%a", handle:close()
  end
  local text = handle and handle:read "*a" or ""
  if handle then
    handle:close()
  end
  return text:match "%) (%a)"
end

--- Whether it runs; one that ended and was not reaped yet does not.
function Process:is_alive()
  local state = state_of(self.pid)
  return state ~= nil and state ~= "Z"
end

--- The process itself, below the timeout(1) that it runs under.
function Process:child()
  local handle = io.open(("/proc/%d/task/%d/children"):format(self.pid, self.pid))
    or io.popen(("ps -o pid= --ppid %d"):format(self.pid))
  local pid = handle:read "*n"
  handle:close()
  return pid
end

--- Ends it and forgets its output.
function Process:stop()
  os.execute(("kill %d 2>/dev/null"):format(self.pid))
  while self:is_alive() do
    os.execute "sleep 0.02"
  end
  os.remove(self.log)
end

--- Waits until something answers on a loopback port.
function process.wait_for_port(port)
  for _ = 1, 200 do
    local socket = net.connect("127.0.0.1", port)
    local ready = socket and require("lacre.core").poller.wait(socket:fd(), "w", 1) and socket:connected()
    if socket then
      socket:close()
    end
    if ready then
      return true
    end
    os.execute "sleep 0.05"
  end
  error("nothing listens on port " .. port)
end

--- A port that was free a moment ago.
function process.free_port()
  local socket = assert(net.listen("127.0.0.1", 0, 1))
  local _, port = socket:address()
  socket:close()
  return port
end

local dead = assert(nobody.open())

--- A port of 127.0.0.1 where nobody listens, and nobody can.
process.dead_port = dead.port

return process
