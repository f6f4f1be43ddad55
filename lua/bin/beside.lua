#!@RUN@
-- lacre: the command, which finds its modules beside itself, through links too.
local function beside(path)
  local root = (path:match "^.*/" or "./") .. "@ROOT@/"
  local found = io.open(root .. "@LUADIR@/lacre/cli.lua")
  return found and found:close() and root
end

-- Lua knows no links; who came through one waits a moment for this
local function linked(path)
  local pipe = io.popen("readlink -f -- '" .. path:gsub("'", "'\\''") .. "'")
  return pipe:read "*l" or path
end

local root = beside(arg[0]) or beside(linked(arg[0]))
  or error("the modules of " .. arg[0] .. " are not beside it", 0)
local sources, binaries = root .. "@LUADIR@/", root .. "@LIBDIR@/"
-- then the user's own, and what this Lua knows by itself, which argparse and dkjson may be in
package.path = ("%s?.lua;%s?/init.lua;%s;@PATH@"):format(sources, sources, package.path)
package.cpath = ("%s?.so;%s;@CPATH@"):format(binaries, package.cpath)

-- make has compiled the modules, which takes two thirds of the time to read them. What was changed since is read from
-- its source, and so is what this Lua does not take, because another one compiled it
table.insert(rawget(package, "searchers") or rawget(package, "loaders"), 2, function(name)
  local compiled, source = binaries .. "lacre/compiled/" .. name, sources .. name:gsub("%.", "/") .. ".lua"
  local is_there = name ~= "lacre.core" and require("lacre.core").disk.is_current(compiled, source)
  return is_there and loadfile(compiled) or nil
end)
