--- tls.steps: between two steps of the core's engine: waiting for what one wants, and telling why one failed.

local lacre_error = require "lacre.error"
local options = require "lacre.options"
local peer_error = require "lacre.tls.peer_error"
local stream = require "lacre.net.stream"

local steps = {}

--- A step failed.
---@param self lacre.conn
---@param err lacre.error
---@return nil
---@return lacre.error
function steps.failed(self, err)
  return nil, peer_error.explain(self, err)
end

--- Waits for what a step wants.
---@param self lacre.conn
---@param want "want_read"|"want_write"
---@param deadline? number of the whole operation
---@param code string the error when time runs out
---@param stage string
---@return true?
---@return lacre.error?
function steps.await(self, want, deadline, code, stage)
  local ready, err = stream.await(self.socket, want, deadline, code, stage, self.wait)
  if ready then
    return true
  end
  return nil, lacre_error.annotate(err, { host = self.host, port = self.port })
end

--- Raises where another task waits to write: half of its record may be on the wire.
---@param self lacre.conn
---@param what string the function that was called
function steps.alone(self, what)
  if self.is_writing then
    options.misuse("bad call of '%s' (another task waits to write on this connection)", what)
  end
end

local function written(self, ...)
  self.is_writing = nil
  return ...
end

--- Writes what may have to wait.
---@param self lacre.conn
---@param write fun(self: lacre.conn, ...: any): any, lacre.error?, integer?
function steps.writing(self, write, ...)
  self.is_writing = true
  return written(self, write(self, ...))
end

return steps
