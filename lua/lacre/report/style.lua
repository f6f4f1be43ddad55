--- style: how text looks on a terminal, and does not elsewhere.

local style = {}

---@class lacre.style
---@field bold fun(text: string): string
---@field dim fun(text: string): string
---@field good fun(text: string): string
---@field bad fun(text: string): string
---@field warn fun(text: string): string

local codes = { bold = "1", dim = "2", good = "32", bad = "31", warn = "33" }

local function plain(text)
  return text
end

--- A palette: colours when `enabled`, else the text as it is.
---@param enabled boolean
---@return lacre.style
function style.new(enabled)
  local palette = {}
  for name, code in pairs(codes) do
    palette[name] = enabled and function(text)
      return ("\27[%sm%s\27[0m"):format(code, text)
    end or plain
  end
  return palette
end

--- Whether colours are wanted: a terminal, and neither NO_COLOR nor a dumb one (no-color.org).
---@param is_terminal boolean
---@return boolean
function style.wanted(is_terminal)
  local no_color = os.getenv "NO_COLOR"
  return is_terminal and (no_color == nil or no_color == "") and os.getenv "TERM" ~= "dumb"
end

return style
