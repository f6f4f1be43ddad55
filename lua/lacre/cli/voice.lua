--- cli.voice: what the command says, and where. Results go to stdout, everything else to stderr.

local core = require "lacre.core"
local lacre_error = require "lacre.error"
local later = require "lacre.later"
local style = require "lacre.report.style"

local json = later "lacre.report.json"
local meter = later "lacre.report.progress"

local voice = {}

-- what a peer or a file says may hold commands for the terminal: only ends of lines, tabs and colours are let through
local function tame(text)
  text = text:gsub("\27%[(%d*)m", "\1%1\2"):gsub("\194[\128-\159]", "?")
  text = text:gsub("[%z\3-\8\11\12\14-\31\127]", function(byte)
    return ("\\x%02x"):format(byte:byte())
  end):gsub("\r([^\n])", "\\x0d%1"):gsub("\r$", "\\x0d")
  return (text:gsub("\1(%d*)\2", "\27[%1m"))
end

-- the line that tells how far something is, while it is there
local gauge

local function wipe()
  if gauge then
    gauge()
    gauge = nil
  end
end

--- A line on stderr.
---@param text string
function voice.say(text)
  wipe()
  io.stderr:write(tame(text), text:sub(-1) == "\n" and "" or "\n")
end

--- Bytes on stdout, as they are.
---@param bytes string
---@return true?
---@return lacre.error? err
function voice.put(bytes)
  wipe()
  if io.stdout:write(bytes) and io.stdout:flush() then
    return true
  end
  return lacre_error.fail("save", "io_error", "standard output cannot be written")
end

--- A text on stdout, ended by a line feed.
---@param text string
function voice.print(text)
  text = tame(text)
  return voice.put(text:sub(-1) == "\n" and text or text .. "\n")
end

--- A failure on stderr: a line and its hint, or JSON.
---@param err lacre.error
---@param as_json? boolean
function voice.complain(err, as_json)
  if as_json then
    return voice.say(json.encode { error = err:to_table() } or tostring(err))
  end
  voice.say("lacre: " .. tostring(err))
  if err.hint then
    voice.say("  hint: " .. err.hint)
  end
end

local function put_json(data)
  if data == nil then -- it was put out on the way
    return true
  end
  local text, err = json.encode(data)
  if not text then
    return nil, err
  end
  return voice.print(text)
end

local function palette(parsed)
  return style.new(style.wanted(core.terminal.is "stdout", parsed.color))
end

--- What a tool found, on stdout.
---@param tool lacre.tool
---@param parsed table the parsed command line
---@param result table
---@param is_success boolean of which --quiet says nothing
---@return true?
---@return lacre.error? err
function voice.show(tool, parsed, result, is_success)
  if parsed.quiet and is_success then
    return true
  elseif parsed.json then
    return put_json(tool.to_table(result))
  end
  local text = tool.text(result, palette(parsed))
  if text == nil then -- it was put out on the way
    return true
  end
  return voice.print(text)
end

-- how far something is, for who watches
local function progress(talks)
  return talks and core.terminal.is "stderr" and os.getenv "TERM" ~= "dumb" and meter.new(function(text)
    io.stderr:write(text)
    io.stderr:flush()
  end, core.terminal.width "stderr") or nil
end

local function nothing()
  return true
end

-- how many of how many, for who watches
local function counter(talks)
  local show = progress(talks)
  return show and function(done, total)
    gauge = show
    show(done, total, "done")
  end or nothing
end

--- What a tool may be given to say things while it runs: `on_event` takes a line about what happens,
--- `on_progress` how much is done and how much there is, `on_count` how many of how many, `on_data` bytes of the
--- result as they come, `on_start` what is known when serving begins, `style` the colours of standard output.
---@param parsed table the parsed command line
---@return table<string, function?>
function voice.seams(parsed)
  local talks = not parsed.quiet
  return {
    on_event = talks and voice.say or nothing,
    on_progress = progress(talks),
    on_count = counter(talks),
    on_start = parsed.json and talks and put_json or nil,
    on_data = not parsed.json and (talks and voice.put or nothing) or nil,
    style = palette(parsed),
  }
end

return voice
