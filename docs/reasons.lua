-- Prints docs/reasons.md from the table of reasons: make docs
local codes = require "lacre.health.codes"

local head = [[
# The reasons of lacre health

FAIL if any reason fails, else WARN if any warns, else PASS; notes (INFO) never change a verdict. A result holds all
of its reasons, the worst first. `lacre health --explain REASON` prints a line of this page, which is made from
the table that the health check uses. Where the library has an error that says the same, it is named.

| reason | weight | what it means | error |
|---|---|---|---|]]

print(head)
for _, row in ipairs(codes.list) do
  local same = row.error and "`" .. row.error .. "`" or ""
  print(("| `%s` | %s | %s | %s |"):format(row.code, row.severity:upper(), row.meaning, same))
end
