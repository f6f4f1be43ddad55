--- x509.several: certificates or revocation lists as options give them: an object, PEM text, the name of a file, or a
--- list of these.

local options = require "lacre.options"
local pem = require "lacre.pem"

local several = {}

--- All of them.
---@param spec any
---@param noun { is: function, parse_all: function, load_all: function } what reads them
---@param what string what they are, for messages
---@param option string where they came from
---@return any[]? objects
---@return lacre.error? err of reading
function several.of(spec, noun, what, option)
  if noun.is(spec) then
    return { spec }
  elseif type(spec) == "string" then
    return (pem.is(spec) and noun.parse_all or noun.load_all)(spec)
  elseif type(spec) ~= "table" then
    options.misuse("bad option '%s' (%s, PEM or file expected, got %s)", option, what, type(spec))
  end
  local list = {}
  for _, item in ipairs(spec) do
    local some, err = several.of(item, noun, what, option)
    if not some then
      return nil, err
    end
    for _, one in ipairs(some) do
      list[#list + 1] = one
    end
  end
  return list
end

return several
