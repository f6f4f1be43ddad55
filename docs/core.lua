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

local function sources()
  local list = {}
  for name in lfs.dir "src" do
    list[#list + 1] = name:match "^(.*)%.c$"
  end
  table.sort(list)
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

local function fields_of(part)
  return lfs.attributes("src/" .. part .. "_fields.c") and read("src/" .. part .. "_fields.c") or ""
end

local function describe_functions(part, text)
  local functions = core[part]
  if type(functions) ~= "table" then
    return
  end
  print(("---@class lacre.core.%s\ncore.%s = {}\n"):format(part, part))
  for _, name in ipairs(sorted(functions)) do
    if type(functions[name]) == "function" then
      declare("core." .. part .. ".", name, comment_of(text .. fields_of(part), part .. "_" .. name))
    end
  end
end

-- engine_data.c gives methods to what engine.c makes
local function owner_of(part)
  local noun = part:match "^(%l+)_"
  return noun and lfs.attributes("src/" .. noun .. ".c") and noun or part:match "^(%l+)_fields$" or part
end

local opened = {}

local function open_object(owner)
  if not opened[owner] then
    print(("---@class lacre.core.%s_object\nlocal %s = {}\n"):format(owner, owner))
    opened[owner] = true
  end
end

local function describe_methods(part, text)
  local rows = text:match "const luaL_Reg methods%[%] = (%b{});"
    or text:match("const luaL_Reg " .. part .. "%[%] = (%b{});")
  if not rows then
    return
  end
  local owner = owner_of(part)
  open_object(owner)
  for name, binding in rows:gmatch '{ "([%w_]+)", ([%w_]+) }' do
    declare(owner .. ":", name, comment_of(text, binding))
  end
end

print "---@meta lacre.core\n-- The C module: private to lacre, its shape may change. Made from src/ (make docs).\n"
print "---@class lacre.core\nlocal core = {}\n"
for _, part in ipairs(sources()) do
  local text = read("src/" .. part .. ".c")
  describe_functions(part, text)
  describe_methods(part, text)
end
print "return core"
