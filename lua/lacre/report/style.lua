--- report.style: how text looks on a terminal, and does not elsewhere.

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
      return text == "" and "" or ("\27[%sm%s\27[0m"):format(code, text)
    end or plain
  end
  return palette
end

local function is_set(name)
  local value = os.getenv(name)
  return value ~= nil and value ~= "" and value ~= "0"
end

--- Whether colours are wanted: as the command line says; else NO_COLOR forbids them (no-color.org), FORCE_COLOR and
--- CLICOLOR_FORCE ask for them, and else they are for terminals that are not dumb.
---@param is_terminal boolean
---@param when? "always"|"never"|"auto"
---@return boolean
function style.wanted(is_terminal, when)
  if when == "always" or when == "never" then
    return when == "always"
  end
  local no_color = os.getenv "NO_COLOR"
  if no_color ~= nil and no_color ~= "" then
    return false
  end
  return is_set "FORCE_COLOR" or is_set "CLICOLOR_FORCE" or is_terminal and os.getenv "TERM" ~= "dumb"
end

return style
