--- health.serving: the exporter as a process: where it listens, and until when.

local exporter = require "lacre.health.exporter"
local lacre_error = require "lacre.error"
local loop = require "lacre.loop"
local target = require "lacre.net.target"

local fail = lacre_error.fail

local serving = {}

-- a port alone is one of this machine's own
local function address_of(text)
  local port = text:match "^:?(%d+)$"
  if not port and not text:find "^[^:]+:%d+$" and not text:find "^%[.+%]:%d+$" then
    local _, err = fail("config", "bad_name", "not an address to listen on: %s", text)
    return nil, lacre_error.annotate(err, { hint = "write 9219, 192.0.2.1:9219 or *:9219" })
  end
  return target.parse_listening(port and "127.0.0.1:" .. port or text)
end

-- what belongs to runs that end
local apart = { "watch", "state", "baseline", "output" }

local function check_alone(set)
  for _, name in ipairs(apart) do
    if set[name] then
      return fail("config", "unsupported", "serve and %s cannot be combined", name)
    end
  end
  return true
end

--- Serves metrics until it is stopped, inside of a loop.
---@param list lacre.target_row[]
---@param set table with `serve`
---@return table? result
---@return lacre.error? err
function serving.run(list, set)
  local place
  local alone, err = check_alone(set)
  if alone then
    place, err = address_of(set.serve)
  end
  if not place then
    return nil, err
  end
  set.host, set.port = place.host, place.port
  local made
  made, err = exporter.open(list, set)
  if not made then
    return nil, err
  end
  local say = set.on_event or tostring
  say(("metrics at http://%s/metrics and /probe?target="):format(target.format(made:address())))
  local stopped = loop.condition()
  local function stop()
    stopped:notify()
  end
  loop.on_signal("INT", stop)
  loop.on_signal("TERM", stop)
  stopped:wait()
  loop.on_signal("INT", nil)
  loop.on_signal("TERM", nil)
  made:close()
  return { served = true }
end

return serving
