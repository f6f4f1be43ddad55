--- health.target: one server as people write it: host, host:port, [2001:db8::1]:443, host:25/smtp, https://host/,
--- smtp://host, name@192.0.2.7:443.

local lacre_error = require "lacre.error"
local settings = require "lacre.health.target.settings"
local starttls = require "lacre.starttls"
local place_of = require("lacre.net.target").parse
local words = require "lacre.health.target.words"

local fail = lacre_error.fail

local target = {}

---@class lacre.target_row
---@field text string as it was written
---@field host? string
---@field port? integer
---@field name? string what is asked for and verified, where it is not the host
---@field starttls? string
---@field set table settings of this target alone
---@field group? string
---@field file? string
---@field line? integer
---@field error? lacre.error why it is none

-- whether some characters are in a text: asked before patterns that few lines match, and every line would pay for
local function has(text, plain)
  return text:find(plain, 1, true) ~= nil
end

local function split_scheme(text)
  local scheme, rest
  if has(text, "://") then
    scheme, rest = text:match "^(%a[%w+.-]*)://(.*)$"
  end
  if not scheme then
    return text, {}
  end
  local row = words.schemes[scheme:lower()]
  if not row then
    return fail("config", "bad_name", "unknown protocol: %s; write host:port, https://, smtp:// ...", scheme)
  end
  return rest:gsub("[/?#].*$", ""), { port = row[1], starttls = row[2] }
end

local function split_starttls(text, from)
  local bare, protocol
  if has(text, "/") then
    bare, protocol = text:match "^(.-)/([%w]+)$"
  end
  if not protocol then
    return text
  elseif not starttls.option(protocol) or from.starttls then
    return fail("config", "bad_name", "unknown STARTTLS protocol: %s; known: %s", protocol,
      table.concat(starttls.names, " "))
  end
  from.starttls = protocol
  local row = words.schemes[protocol]
  from.port = from.port or row and row[1]
  return bare
end

local function read(text)
  if has(text, "=") and text:find "^[%w_-]+=" then
    return fail("config", "bad_name", "a setting without a target: %s (write 'example.com %s', in quotes)", text, text)
  end
  local bare, from = split_scheme(text)
  if not bare then
    return nil, from
  end
  local why
  bare, why = split_starttls(bare, from)
  if not bare then
    return nil, why
  end
  local name, rest
  if has(bare, "@") then
    name, rest = bare:match "^([^@%s]+)@(.+)$"
  end
  local place, err = place_of(rest or bare, from.port or 443)
  if not place then
    return nil, err
  end
  return { text = text, host = place.host, port = place.port, name = name, starttls = from.starttls, set = {} }
end

--- Reads one target, without settings.
---@param text string
---@return lacre.target_row?
---@return lacre.error? err bad_name
function target.parse(text)
  local row, err = read(text)
  if not row then
    return nil, lacre_error.annotate(err, { hint = "write host, host:port, host:port/smtp, a URL or name@address" })
  end
  return row
end

-- what `name=` and `starttls=` say goes where the target says it
local function applied(row, set)
  row.set = set
  row.name = set.name or row.name
  row.starttls = set.starttls or row.starttls
  if row.starttls and not starttls.option(row.starttls) then
    return fail("config", "bad_name", "unknown STARTTLS protocol: %s", row.starttls)
  end
  return row
end

--- Reads one target with what stands behind it. One that makes no sense is a row with an `error`.
---@param text string
---@param rest string key=value, in any number
---@param inherited? table settings of its group
---@return lacre.target_row
function target.read(text, rest, inherited)
  local row, err = target.parse(text)
  local set
  if row then
    set, err = settings.read(rest, inherited)
  end
  if set then
    row, err = applied(row, set)
  end
  if not set or not row then
    return { text = text, error = err, set = {} }
  end
  return row
end

return target
