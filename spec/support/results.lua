--- Results of a health check made by hand, with everything in them that a format could stumble over.
local pki = require "spec.support.pki"

local results = { nasty = 'quote " less < amp & pipe | line\nend % back \\ {}' }

--- Four of them: one of each grade, and one that could not be reached.
function results.made()
  local ca = pki.root { subject = "CN=Root <b>\"x\"</b>" }
  local leaf = pki.issue(ca, { subject = "CN=leaf \\ | & ]]>" })
  local list = {
    {
      target = "good.example:443", grade = "pass", problems = {}, notes = {}, reasons = {}, version = "1.3", seconds = 0.1,
      cipher = "TLS_AES_128_GCM_SHA256", key_exchange = "X25519", cert = leaf.cert, chain = { leaf.cert, ca.cert },
      verified_chain = { leaf.cert, ca.cert }, verified = true, not_after = leaf.cert:not_after(), days_left = 89.5,
      soonest_not_after = leaf.cert:not_after(), timing = { connect = 0.01, handshake = 0.02, total = 0.03, address = "x" },
      file = "hosts.txt", line = 3, address = "192.0.2.1", port = 443,
    },
    {
      target = "=cmd|' /C calc'!A0", grade = "fail", reason = "HOSTNAME_MISMATCH", seconds = 0.2,
      problems = { { code = "HOSTNAME_MISMATCH", severity = "fail", message = results.nasty, depth = 0 },
        { code = "EXPIRES_SOON", severity = "warn", message = "in a while", depth = 0 } },
      notes = {}, reasons = { "HOSTNAME_MISMATCH", "EXPIRES_SOON" }, file = "hosts, old:1.txt", line = 17, version = "1.2",
      cert = leaf.cert, chain = { leaf.cert }, not_after = leaf.cert:not_after(), days_left = -1.5,
    },
    {
      target = "warn.example:443", grade = "warn", reason = "NO_AEAD", reasons = { "NO_AEAD" }, notes = {},
      problems = { { code = "NO_AEAD", severity = "warn", message = "old" } },
    },
    {
      target = "dead.example:443", grade = "fail", reason = "CONNECT_REFUSED", reasons = { "CONNECT_REFUSED" }, notes = {},
      problems = { { code = "CONNECT_REFUSED", severity = "fail", message = "refused" } },
      err = { code = "connection_refused", message = "refused", stage = "connect" },
    },
  }
  list.counts, list.worst, list.started, list.seconds = { pass = 1, warn = 1, fail = 2 }, "fail", 1.8e9, 1.5
  list.interrupted, list.earliest = false, { target = "good.example:443", not_after = leaf.cert:not_after() }
  return list
end

return results
