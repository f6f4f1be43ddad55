--- report.markup: text inside of XML and HTML.

local plain = require "lacre.plain"

local markup = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- Text as XML and HTML may hold it: what is markup is escaped, control characters are written out, and what is
--- no character is left out.
---@param text any
---@return string
function markup.escape(text)
  return (tostring(text):gsub("[^\n]+", plain.printable):gsub("\239\191[\190\191]", ""):gsub("[&<>\"']", entities))
end

--- An element's attributes, in the order given: { "name", value }; nil values are left out.
---@param list table[]
---@return string
function markup.attributes(list)
  local out = {}
  for _, pair in ipairs(list) do
    if pair[2] ~= nil then
      out[#out + 1] = (' %s="%s"'):format(pair[1], markup.escape(pair[2]))
    end
  end
  return table.concat(out)
end

return markup
