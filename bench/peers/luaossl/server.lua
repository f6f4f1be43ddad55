-- An echo server on the port COUNT, until it is ended: a coroutine for each connection.
local bench = require "clock"
local cqueues = require "cqueues"
local tls = require "luaossl.tls"

local context = tls.server "ecdsa"
local listener = tls.listen(bench.count)

local function serve(plain)
  local ok, conn = pcall(tls.over, plain, context)
  while ok do
    local bytes = conn:read(-16384)
    if not bytes or not conn:write(bytes) then
      break
    end
  end
  plain:close()
end

tls.run(function()
  while true do
    local plain = listener:accept { nodelay = true }
    cqueues.running():wrap(function()
      serve(plain)
    end)
  end
end)
