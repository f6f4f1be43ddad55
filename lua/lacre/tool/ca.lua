--- ca: a certificate authority in a directory: what each action does stands in lua/lacre/tool/ca/.

local check = require "lacre.tool.ca.check"
local crl = require "lacre.tool.ca.crl"
local export = require "lacre.tool.ca.export"
local init = require "lacre.tool.ca.init"
local intermediate = require "lacre.tool.ca.intermediate"
local issue = require "lacre.tool.ca.issue"
local list = require "lacre.tool.ca.list"
local ocsp = require "lacre.tool.ca.ocsp"
local renew = require "lacre.tool.ca.renew"
local revoke = require "lacre.tool.ca.revoke"
local sign = require "lacre.tool.ca.sign"
local toolkit = require "lacre.toolkit"
local trust = require "lacre.tool.ca.trust"

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
    init, intermediate, issue, sign, renew.renew, renew.rekey, revoke.revoke, revoke.release, crl, list.list,
    list.show, export, ocsp, trust, check,
  },
}
