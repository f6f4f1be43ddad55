-- A server of the files of www on the port COUNT, until it is ended.
local bench = require "workload"
local files = require "lacre.http.files"

bench.assert(files.serve { root = bench.dir .. "www", port = bench.count, context = bench.server "ecdsa" })
