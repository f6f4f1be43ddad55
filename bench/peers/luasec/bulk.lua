-- One write, as far as it goes, and all of it read as a string. VARIANT: 16k 64k
local bench = require "clock"
local tls = require "luasec.tls"

local size = bench.variant == "16k" and 16384 or 65536
local out = ("\0"):rep(size)
local listener, port = tls.listen(0)
local near, far = tls.pair(listener, port, tls.client "ecdsa", tls.server "ecdsa")

local function send(sent)
  if sent == size then
    return sent
  end
  local last, _, part = near:send(out, sent + 1)
  return last or part
end

bench.repeated(function()
  local sent = send(0)
  local got, _, part = far:receive(size)
  while not got do
    sent = send(sent)
    got, _, part = far:receive(size, part)
  end
end)
