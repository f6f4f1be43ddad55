--- tls.file_sending: a part of an open file, without a Lua string of it.
--
-- The kernel sends it where it encrypts (`ktls`), else it goes through one buffer of the module. The time limit is one
-- for each piece: who takes a large file slowly is served, who takes nothing is not waited for.

local facts = require "lacre.tls.facts"
local lacre_error = require "lacre.error"
local options = require "lacre.options"
local steps = require "lacre.tls.steps"
local stream = require "lacre.net.stream"

local file_sending = {}
local methods = {}

local MOST, PIECE = 2 ^ 30, 65536

local function await(self, why, deadline)
  if stream.events_of[why] then
    return steps.await(self, why, deadline, "timeout", "write")
  end
  return steps.failed(self, why)
end

-- whoever closes it while it is sent closes it between two steps
local function step(self, handle, ...)
  if io.type(handle) ~= "file" then
    return nil, lacre_error.new {
      code = "io_error", stage = "load", library = "lacre", message = "the file was closed while it was being sent",
    }
  end
  return self.core:send_file(handle, ...)
end

-- what was taken over from the last step goes with one more, which is for nothing else; the head counts from below 0
local function send(self, handle, from, count, head)
  local sent, mark, deadline = -#head, 0, nil
  while true do
    local rest = sent < 0 and head:sub(sent + #head + 1) or ""
    local begun = math.max(sent, 0)
    local done, why = step(self, handle, from + begun, math.min(count - begun, MOST), rest)
    sent = sent + (done or 0)
    if not why and (done == 0 or sent == count) then
      return math.max(sent, 0)
    elseif why then
      if not deadline or sent >= mark + PIECE then
        deadline, mark = stream.deadline_of(self), sent
      end
      local ready, err = await(self, why, deadline)
      if not ready then
        return nil, err, math.max(sent, 0)
      end
    end
  end
end

--- Sends part of a file that is open for reading; its position does not change.
---@param handle file*
---@param from integer the first byte, counted from 0
---@param count integer
---@param head? string sent first; at most 16384 bytes
---@return integer? sent of the file; less than `count` where the file ends before
---@return lacre.error? err timeout, closed, connection_reset, io_error, is_directory ...
---@return integer? sent
function methods:send_file(handle, from, count, head)
  if self.core == facts.CLOSED then
    return facts.closed()
  end
  options.expect("send_file", 1, io.type(handle) == "file", "open file", handle)
  options.argument("send_file", 2, from, "number")
  options.argument("send_file", 3, count, "number")
  if not self.is_established then
    local done, err = self:handshake()
    if not done then
      return nil, err, 0
    end
  end
  steps.alone(self, "send_file")
  return steps.writing(self, send, handle, from, count, head or "")
end

--- Gives a class the method.
---@param class table
function file_sending.give(class)
  class.send_file = methods.send_file
end

return file_sending
