--- error: the one kind of value that says why something outside the program failed.
--
-- Every function of lacre that can fail returns `nil, err`. `err.code` is stable and made for
-- programs; `err.message` and `err.hint` are for people. C makes the same tables (`fail.c`) and
-- gives them this metatable; what a code means in general stands in the rows below.

local core = require "lacre.core"
local merged = require "lacre.merged"
local rows = require "lacre.error.codes"
local sorted = require "lacre.sorted"

---@class lacre.error
---@field code string stable identifier, see `lacre.error.codes()`
---@field message string one sentence for people; may change between releases
---@field stage string config load parse sign resolve connect proxy starttls handshake verify read write shutdown
---@field reason? string symbol of the cause: `X509_V_ERR_CERT_HAS_EXPIRED`, `ECONNREFUSED`
---@field number? integer the number of that symbol
---@field library? string x509 tls os dns openssl lacre
---@field alert? string TLS alert, RFC 8446 section 6
---@field alert_from? string "peer" or "us"
---@field host? string
---@field port? integer
---@field address? string the numeric address in use
---@field path? string the file concerned
---@field depth? integer place in the chain, 0 is the leaf
---@field cert? lacre.cert the certificate concerned
---@field chain? lacre.cert[] the chain as presented
---@field detail? table what the code needs to be understood: `not_after`, `expected`, `pins` ...
---@field hint? string the fix
---@field errors? lacre.error[] every error, where all were asked for
---@field openssl? string[] what OpenSSL's queue held, oldest first
---@field cause? any the error inside this one
---@field temporary boolean trying again may help
---@field timeout boolean a time limit ran out
local methods = {}

local metatable = core.error
metatable.__name = "lacre.error"
metatable.__metatable = "lacre.error"

local unknown = { category = "internal", summary = "unknown code" }

local function row_of(err)
  return rows[rawget(err, "code")] or unknown
end

--- Fields that follow from the code alone, so that no place that makes an error repeats them.
local derived = {
  hint = function(err)
    local row = row_of(err)
    return row.hint_by_stage and row.hint_by_stage[err.stage] or row.hint
  end,
  temporary = function(err)
    return row_of(err).temporary or false
  end,
  timeout = function(err)
    return row_of(err).category == "timeout"
  end,
}

function metatable.__index(err, key)
  local compute = derived[key]
  if compute then
    return compute(err)
  end
  return methods[key]
end

local function place(err)
  if err.host then
    local host = err.port and err.host:find(":", 1, true) and "[" .. err.host .. "]" or err.host
    return " " .. host .. (err.port and ":" .. err.port or "")
  end
  return err.path and " " .. err.path or ""
end

function metatable.__tostring(err)
  return ("%s: %s [%s%s]"):format(tostring(err.code), tostring(err.message), tostring(err.stage), place(err))
end

function metatable.__concat(a, b)
  return tostring(a) .. tostring(b)
end

--- The category of an error: verify network timeout protocol closed config parse file internal.
---@return string
function methods:category()
  local row = row_of(self)
  return row.by_stage and row.by_stage[self.stage] or row.category
end

--- Whether this error has that code or category.
---@param what string
---@return boolean
function methods:is(what)
  return self.code == what or self:category() == what or row_of(self).was == what
end

local function is_error(value)
  return type(value) == "table" and debug.getmetatable(value) == metatable
end

local plain = { string = true, number = true, boolean = true }

-- depth bounds what a hook may have hung into `detail` or `cause`
local function plain_value(value, depth)
  if is_error(value) then
    return value:to_table()
  elseif plain[type(value)] then
    return value
  elseif type(value) ~= "table" or depth == 0 then
    return tostring(value)
  end
  local copy = {}
  for k, v in pairs(value) do
    copy[k] = plain_value(v, depth - 1)
  end
  return copy
end

--- The error as plain data, ready for JSON; certificates become one-line summaries.
---@return table
function methods:to_table()
  local copy = { category = self:category(), hint = self.hint }
  for key, value in pairs(self) do
    copy[key] = plain_value(value, 4)
  end
  return copy
end

local error_module = {}

--- Makes an error, for adaptors and hooks.
---@param fields table `code`, `message` and `stage` are required
---@return lacre.error
function error_module.new(fields)
  if type(fields) ~= "table" then
    error(("bad argument #1 to 'error.new' (table expected, got %s)"):format(type(fields)), 2)
  end
  for _, name in ipairs { "code", "message", "stage" } do
    if type(fields[name]) ~= "string" then
      error(("bad field '%s' to 'error.new' (string expected, got %s)"):format(name, type(fields[name])), 2)
    end
  end
  return setmetatable(merged(fields), metatable)
end

--- Failure in one line: `return fail("load", "no_key", "no key in %s", path)`.
---@return nil, lacre.error
---@package
function error_module.fail(stage, code, format, ...)
  local message = select("#", ...) > 0 and format:format(...) or format
  return nil, setmetatable({ code = code, message = message, stage = stage, library = "lacre" }, metatable)
end

--- Adds what a higher floor knows (host, file, hint) and this error does not say yet.
---@param err lacre.error
---@param fields table
---@return lacre.error err the same
---@package
function error_module.annotate(err, fields)
  for key, value in pairs(fields) do
    if rawget(err, key) == nil then
      rawset(err, key, value)
    end
  end
  return err
end

--- Whether a value is a lacre error and, with `what`, has that code or category.
---@param value any
---@param what? string
---@return boolean
function error_module.is(value, what)
  return is_error(value) and (what == nil or value:is(what))
end

--- Every code: `for code, row in lacre.error.codes() do print(code, row.category, row.summary) end`.
---@return fun(): string?, table?
function error_module.codes()
  local names, i = sorted(rows), 0
  return function()
    i = i + 1
    return names[i], rows[names[i]]
  end
end

-- PUC 5.1 shows "(error object is not a string)" for an uncaught table
local raise_text = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

--- Returns its arguments, or raises the error: plain `assert(nil, err)` refuses tables on Lua 5.1.
---@generic T
---@param value T
---@param err any
---@return T
function error_module.assert(...)
  local value, err = ...
  if value then
    return ...
  end
  if raise_text or not is_error(err) then
    err = err == nil and "assertion failed!" or tostring(err)
  end
  error(err, is_error(err) and 0 or 2)
end

return error_module
