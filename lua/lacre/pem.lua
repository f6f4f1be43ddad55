--- pem: the textual encoding of certificates and keys, RFC 7468.

local core = require "lacre.core"
local options = require "lacre.options"

local pem = {}

local sound = { bad_pem = true }

--- All blocks of a text: `for label, der, headers, text in pem.split(bytes) do`. Text around the
--- blocks is skipped. A broken block raises an error, as `io.lines` does;
--- `pem.list` returns it instead.
---@param text string
---@return fun(): string?, string?, table?, string?
function pem.split(text)
  options.argument("pem.split", 1, text, "string")
  local from = 1
  return function()
    local behind, label, der, headers, block = core.pem.next(text, from)
    if behind == nil and sound[label.code] then
      error(label, 2)
    elseif not behind then
      return nil
    end
    from = behind
    return label, der, pem.headers(headers), block
  end
end

--- The headers of RFC 1421 as a table: `{ ["Proc-Type"] = "4,ENCRYPTED" }`.
---@param text string
---@return table<string, string>
function pem.headers(text)
  options.argument("pem.headers", 1, text, "string")
  local headers = {}
  for name, value in text:gmatch "([%w-]+):[ \t]*([^\r\n]*)" do
    headers[name] = value
  end
  return headers
end

--- All blocks at once: `{ { label =, der =, headers =, text = }, ... }`.
---@param text string
---@return table[]? blocks
---@return lacre.error? err bad_pem
function pem.list(text)
  options.argument("pem.list", 1, text, "string")
  local blocks, from = {}, 1
  while true do
    local behind, label, der, headers, block = core.pem.next(text, from)
    if behind == nil then
      return nil, label
    elseif not behind then
      return blocks
    end
    blocks[#blocks + 1] = { label = label, der = der, headers = pem.headers(headers), text = block }
    from = behind
  end
end

--- Whether a text is PEM itself, and not the name of a file.
---@param text string
---@return boolean
---@package
function pem.is(text)
  return text:find("-----BEGIN ", 1, true) ~= nil
end

--- The first block with one of the given labels: `{ label =, der =, headers =, text = }`.
---@param text string
---@param labels table<string, any> labels as keys
---@return table? block
---@return lacre.error? err bad_pem; neither where there is none
function pem.find(text, labels)
  options.argument("pem.find", 1, text, "string")
  options.argument("pem.find", 2, labels, "table")
  local from = 1
  while true do
    local behind, label, der, headers, block = core.pem.next(text, from)
    if behind == nil then
      return nil, label
    elseif not behind then
      return nil
    elseif labels[label] then
      return { label = label, der = der, headers = pem.headers(headers), text = block }
    end
    from = behind
  end
end

--- A block.
---@param label string such as "CERTIFICATE"
---@param der string
---@return string
function pem.encode(label, der)
  if type(label) ~= "string" or not label:find "^[%w ._/+#]*$" then
    error("bad argument #1 to 'pem.encode' (label expected, such as \"CERTIFICATE\")", 2)
  end
  options.argument("pem.encode", 2, der, "string")
  return core.pem.encode(label, der)
end

return pem
