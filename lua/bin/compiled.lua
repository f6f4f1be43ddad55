-- what `make install` has compiled; what this Lua does not take, for it is another than then, it reads from its source
table.insert(rawget(package, "searchers") or rawget(package, "loaders"), 2, function(name)
  return (loadfile(root .. "@LIBDIR@/lacre/compiled/" .. name)) -- luacheck: read globals root
end)
