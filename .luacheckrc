std = "min"
max_line_length = 120
self = false
files["spec"] = { std = "+busted", max_line_length = false }
files["lua/lacre/init.lua"] = { ignore = { "143" } }
