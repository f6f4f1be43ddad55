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
-- then the user's own, and what this Lua knows by itself, which argparse and dkjson may be in
package.path = ("%s@LUADIR@/?.lua;%s@LUADIR@/?/init.lua;%s;@PATH@"):format(root, root, package.path)
package.cpath = ("%s@LIBDIR@/?.so;%s;@CPATH@"):format(root, package.cpath)
