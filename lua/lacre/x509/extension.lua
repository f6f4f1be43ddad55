--- x509.extension: extensions as typed values, both ways.
--
-- What `lacre.x509.extension.types` has a row for is read and written by it. What no row knows is told as
-- identifier and DER, and can be written the same way, so nothing is ever lost.

local core = require "lacre.core"
local der = require "lacre.der"
local later = require "lacre.later"
local types = require "lacre.x509.extension.types"

local extension_text = later "lacre.x509.extension.text"

local extension = { purposes = types.purposes, usages = types.usages }

local by_oid, by_name = {}, {}
for _, row in ipairs(types.rows) do
  by_oid[row[1]], by_name[row[2]] = row, row
end
by_name.subject_alt_name = by_name.subject_alt_names

--- The dotted identifier of an extension by its name here, OpenSSL's, or itself.
---@param known string
---@return string?
function extension.oid(known)
  if by_name[known] then
    return by_name[known][1]
  end
  local content = type(known) == "string" and not known:find "%z" and core.oid.content(known)
  return content and (core.oid.text(content)) or nil
end

local extension_type = der.sequence {
  { "oid", der.oid }, { "critical", der.boolean, default = false }, { "der", der.octets },
}

-- values that never change are encoded once
local constants = setmetatable({}, { __mode = "k" })

--- Promises that a value stays as it is, so that it is encoded once.
---@generic T
---@param value T
---@return T
function extension.constant(value)
  constants[value] = constants[value] or {}
  return value
end

--- One that is ready to be written.
---@param known string name or dotted identifier
---@param critical boolean
---@param value any as the reading side gives it
---@return { oid: string, critical: boolean, der: string }
function extension.make(known, critical, value)
  local kept = constants[value]
  local one = kept and kept[known]
  if one and one.critical == critical then
    return one
  end
  local row = by_name[known] or by_oid[known] or error("unknown extension: " .. tostring(known), 0)
  one = { oid = row[1], name = row[2], critical = critical, der = row[3].write(value) }
  if kept then
    kept[known] = one
  end
  return one
end

--- Adds `name` and `value` to an extension as the core gives it; no value where no row knows the
--- extension or its bytes are malformed (`malformed` says how).
---@param raw { oid: string, critical: boolean, der: string }
---@return table raw the same
function extension.understand(raw)
  local row = by_oid[raw.oid]
  if row then
    local value, err = der.decode(row[3], raw.der)
    raw.name, raw.value, raw.malformed = row[2], value, err and err.message
  end
  return raw
end

--- The list of extensions as certificates, requests and revocation lists hold it.
extension.list = der.sequence_of(extension_type)

--- An extension as the core gives it, understood and in words.
---@param raw { oid: string, critical: boolean, der: string }
---@return table raw the same, with `name`, `value` and `text`
function extension.explain(raw)
  local one = extension.understand(raw)
  one.text = extension_text.of(one)
  return one
end

return extension
