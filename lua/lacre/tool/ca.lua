--- ca: a certificate authority in a directory: what each action does stands in lua/lacre/tool/ca/.

local toolkit = require "lacre.toolkit"

-- files that hold two actions
local together = {
  renew = "renew", rekey = "renew", revoke = "revoke", release = "revoke", list = "list", show = "list",
}

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
    "init", "intermediate", "issue", "sign", "renew", "rekey", "revoke", "release", "crl", "list", "show", "export",
    "ocsp", "trust", "check",
  },
  load = function(name)
    local action = require("lacre.tool.ca." .. (together[name] or name))
    return together[name] and action[name] or action
  end,
}
