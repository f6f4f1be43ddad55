-- Prints docs/reasons.md from the table of reasons: make docs
local codes = require "lacre.health.codes"

local head = [[
# The reasons of lacre health

Every problem that `lacre health` finds has one of these codes. The verdict is FAIL if any reason is FAIL, otherwise
WARN if any is WARN, otherwise PASS; INFO notes never change it. A result lists all of its reasons, the worst
first. `lacre health --explain REASON` prints one line of this page. The last column is the corresponding
[error code](errors.md) of the library.

| reason | severity | what it means | error |
|---|---|---|---|]]

print(head)
for _, row in ipairs(codes.list) do
  local same = row.error and "`" .. row.error .. "`" or ""
  print(("| `%s` | %s | %s | %s |"):format(row.code, row.severity:upper(), row.meaning, same))
end
