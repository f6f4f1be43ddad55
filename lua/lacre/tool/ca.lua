--- ca: a certificate authority in a directory: what each action does stands in lua/lacre/tool/ca/.

local toolkit = require "lacre.toolkit"

local renew = require "lacre.tool.ca.renew"
local revoke = require "lacre.tool.ca.revoke"
local list = require "lacre.tool.ca.list"

return toolkit.group {
  name = "ca",
  summary = "run a certificate authority",
  description = "A CA in a directory, whose books `openssl ca` and `openssl ocsp` read and write too. Every change is "
    .. "made under a lock and is on disk, with a line in a log, before anything is given away.",
  examples = {
    { "lacre ca init ca", "a root" },
    { "lacre ca issue ca www.example.test 10.0.0.7", "a key and a certificate with its chain" },
    { "lacre ca sign ca www.example.test.csr", "for a key that somebody else keeps" },
    { "lacre ca revoke ca www.example.test.crt --reason key_compromise", "and the list that says so" },
    { "lacre ca list ca --expiring 30d", "what has to be renewed" },
    { "lacre ca check ca", "is everything as it should be?" },
  },
  actions = {
    require "lacre.tool.ca.init",
    require "lacre.tool.ca.intermediate",
    require "lacre.tool.ca.issue",
    require "lacre.tool.ca.sign",
    renew.renew,
    renew.rekey,
    revoke.revoke,
    revoke.release,
    require "lacre.tool.ca.crl",
    list.list,
    list.show,
    require "lacre.tool.ca.export",
    require "lacre.tool.ca.trust",
    require "lacre.tool.ca.check",
  },
}
