-- compile.lua DIRECTORY FROM AS MODULE...: modules as this Lua has them when it has read them, for a command that
-- starts often. FROM is where they are, and AS what errors call that place.
local into, from, as = arg[1], arg[2], arg[3]
local compile = rawget(_G, "loadstring") or load

for i = 4, #arg do
  local source = assert(io.open(from .. "/" .. arg[i], "rb"))
  local code = assert(compile(source:read "*a", "@" .. as .. "/" .. arg[i]))
  source:close()
  local name = arg[i]:gsub("%.lua$", ""):gsub("/", ".")
  local out = assert(io.open(into .. "/" .. name, "wb"))
  assert(out:write(string.dump(code)))
  assert(out:close())
end
