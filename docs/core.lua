-- Prints types/lacre/core.lua, what editors know of the C module, from the sources: make docs
local core = require "lacre.core"
local lfs = require "lfs"
local sorted = require "lacre.sorted"

local function read(path)
  local handle = assert(io.open(path))
  local text = handle:read "*a"
  handle:close()
  return text
end

-- the parts of the core, each with the file that opens it
local function parts()
  local list = {}
  for name, file in read("src/core.c"):gmatch '{ "([%w_]+)", ([%w_]+)_open }' do
    list[#list + 1] = { name = name, file = file }
  end
  table.sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

-- the comment right above a binding
local function comment_of(text, binding)
  local before = text:match("(.*)\nstatic int " .. binding .. " %(lua_State %*L%) {")
  local comment = before and before:match "/%*([^/]-)%*/$"
  return comment and comment:gsub("%s*\n%*%*%s*", " "):gsub("^%s+", ""):gsub("%s+$", "") or nil
end

local function declare(owner, name, comment)
  if comment then
    print("--- " .. comment)
  end
  print(("function %s%s() end\n"):format(owner, name))
end

local function describe_functions(part, text)
  print(("---@class lacre.core.%s\ncore.%s = {}\n"):format(part.name, part.name))
  for _, name in ipairs(sorted(core[part.name])) do
    if type(core[part.name][name]) == "function" then
      local binding = text:match('{ "' .. name .. '", ([%w_]+) }') or part.file .. "_" .. name
      declare("core." .. part.name .. ".", name, comment_of(text, binding))
    end
  end
end

-- methods stand in the file of the part, and in others whose names begin with its name
local function rows_of(part)
  local list = {}
  for name in lfs.dir "src" do
    if name == part.file .. ".c" or name:find("^" .. part.file .. "_%l+%.c$") then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

local function describe_methods(part)
  local begun = false
  for _, name in ipairs(rows_of(part)) do
    local text = read("src/" .. name)
    local rows = text:match "const luaL_Reg methods%[%] = (%b{});"
      or text:match("const luaL_Reg " .. name:sub(1, -3) .. "%[%] = (%b{});")
    if rows and not begun then
      print(("---@class lacre.core.%s_object\nlocal %s = {}\n"):format(part.name, part.name))
      begun = true
    end
    for method, binding in (rows or ""):gmatch '{ "([%w_]+)", ([%w_]+) }' do
      declare(part.name .. ":", method, comment_of(text, binding))
    end
  end
end

print "---@meta lacre.core\n-- The C module: private to lacre, its shape may change. Made from src/ (make docs).\n"
print "---@class lacre.core\nlocal core = {}\n"
for _, part in ipairs(parts()) do
  describe_functions(part, read("src/" .. part.file .. ".c"))
  describe_methods(part)
end
print "return core"
