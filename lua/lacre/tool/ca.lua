--- tool.ca: a certificate authority in a directory: what each action does stands in lua/lacre/tool/ca/.

local toolkit = require "lacre.toolkit"

-- files that hold two actions
local together = {
  renew = "renew", rekey = "renew", revoke = "revoke", release = "revoke", list = "list", show = "list",
}

return toolkit.group {
  name = "ca",
  summary = "run a certificate authority",
  description = "Runs a CA in a directory that `openssl ca` and `openssl ocsp` can also work on. Every change is "
    .. "made under a lock, logged, and on disk before anything is handed out.",
  examples = {
    { "lacre ca init ca", "a root CA" },
    { "lacre ca issue ca www.example.test 10.0.0.7", "a key, and a certificate with its chain" },
    { "lacre ca sign ca www.example.test.csr", "for a key that somebody else holds" },
    { "lacre ca revoke ca www.example.test.crt --reason key_compromise", "revoke it, and make a new CRL" },
    { "lacre ca list ca --expiring 30d", "what needs renewal" },
    { "lacre ca check ca", "check that everything is consistent" },
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
