--- zoo.command: commands of the shell that run beside a loop, each with a time limit.
--
-- A command is started in the background, and tells its process id and its exit code in files of a directory that
-- nobody else can write to.

local core = require "lacre.core"
local file = require "lacre.file"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"

local disk = core.disk

local command = {}

---@class lacre.zoo.workshop
---@field directory string for files of one's own, too
---@field stopped boolean
local Workshop = {}
Workshop.__index = Workshop

--- The exit code of what had to be stopped, as timeout(1) has it.
command.TIMED_OUT = 124

--- What the shell says where a command is not there, or is no program.
command.UNFIT = { [126] = true, [127] = true }

--- Text as one word of the shell; as it is where it can be, so that it may also stand between quotes.
---@param text any
---@return string
function command.quoted(text)
  return tostring(text):find "^[%w%./:_-]+$" and tostring(text) or "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function new_directory()
  local parent = os.getenv "TMPDIR"
  return file.join(parent and parent ~= "" and parent or "/tmp",
    "lacre-zoo-" .. core.bytes.hex(lacre_error.assert(core.bytes.random(8))))
end

--- Opens a place for the files of commands.
---@return lacre.zoo.workshop?
---@return lacre.error? err
function command.open()
  local directory = new_directory()
  local made, err = disk.make_directory(directory, tonumber("700", 8))
  if not made then
    return nil, err
  end
  return setmetatable({ directory = directory, stopped = false }, Workshop)
end

-- timeout(1) ends what the command started, too; where there is none, the command alone is ended
local script = [[
limit=; command -v timeout >/dev/null 2>&1 && limit="timeout %d"
($limit sh -c %s >%s.out 2>&1 </dev/null & echo $! >%s.pid; wait $!; echo $? >%s.tmp; mv %s.tmp %s.code) 2>/dev/null &]]

local function await_code(self, base, seconds)
  local deadline = loop.now() + seconds
  repeat
    loop.sleep(0.01)
    local text = file.read(base .. ".code")
    if text then
      return tonumber(text)
    end
  until self.stopped or loop.now() > deadline
end

-- with what it started: timeout(1) leads a group
local function kill(base)
  local pid = (file.read(base .. ".pid") or ""):match "^%d+"
  if pid then
    os.execute(("kill -9 -%s 2>/dev/null || kill -9 %s 2>/dev/null"):format(pid, pid))
  end
end

--- Runs a command until it ends, is too slow, or everything is stopped.
---@param name string what it is called: one word
---@param text string
---@param seconds number
---@return integer? code nil if all was stopped
---@return string output
function Workshop:run(name, text, seconds)
  local base = file.join(self.directory, name)
  local place = command.quoted(base)
  os.execute(script:format(math.ceil(seconds), command.quoted(text), place, place, place, place, place))
  local code = await_code(self, base, seconds + 1)
  if not code then
    kill(base)
    code = not self.stopped and command.TIMED_OUT or nil
  end
  return code, file.read(base .. ".out") or ""
end

--- Ends what runs, as soon as it can.
function Workshop:stop()
  self.stopped = true
end

--- Takes its files away.
function Workshop:close()
  for _ = 1, 20 do -- what was ended a moment ago may still be writing its exit code
    for _, name in ipairs(disk.list(self.directory) or {}) do
      os.remove(file.join(self.directory, name))
    end
    if disk.remove_directory(self.directory) then
      return
    end
    loop.sleep(0.01)
  end
end

return command
