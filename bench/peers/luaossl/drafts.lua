--- luaossl.drafts: what the certificates and the requests of the rows say.

local altname = require "openssl.x509.altname"
local name = require "openssl.x509.name"
local pkey = require "openssl.pkey"

local drafts = {}

function drafts.key()
  return pkey.new { type = "EC", curve = "prime256v1" }
end

function drafts.name()
  local subject = name.new()
  subject:add("O", "Bench")
  subject:add("CN", "localhost")
  return subject
end

function drafts.hosts()
  local hosts = altname.new()
  hosts:add("DNS", "localhost")
  hosts:add("IP", "127.0.0.1")
  return hosts
end

return drafts
