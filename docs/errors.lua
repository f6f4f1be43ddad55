-- Prints docs/errors.md from the table of codes: make docs
local codes = require "lacre.error.codes"

local head = [[
# Errors

Failures outside the program's control (network, peer, files) return `nil, err`; mistakes in the program (a misspelt
option, a wrong type) raise an error.

```lua
local conn, err = lacre.connect("localhost", 8443, { trust = "ca.pem", server_name = "other.test" })
assert(not conn and err:is "verify" and err.code == "hostname_mismatch")
print(err, err.hint)
```

| field | |
|---|---|
| `code` | stable; the table below lists them all |
| `message`, `hint` | what is wrong, and how to fix it, where that is known |
| `stage` | where it happened: one of the stages below |
| `host` `port` `cert` `depth` `detail` `reason` `openssl` `cause` | what it concerns, where known |
| `temporary`, `timeout` | true where trying again may help |

The stages: `config` `load` `parse` `sign` `save` `resolve` `connect` `proxy` `starttls` `handshake` `verify` `read`
`write` `shutdown`.

`err:is "verify"` tests the category or the code, `err:to_table()` is ready for JSON, `tostring(err)` is one line for a
log. `lacre.assert(...)` returns its arguments, or raises the error. This page is generated from the table that the
library uses (`make docs`).

| code | category | what it means | what to do |
|---|---|---|---|
]]

local function row_of(code)
  local row = codes[code]
  local category = row.category .. (row.by_stage and "; file, if about a file" or "")
  return ("| `%s` | %s | %s | %s |"):format(code, category, row.summary or "", row.hint or "")
end

local names, lines = {}, {}
for code in pairs(codes) do
  names[#names + 1] = code
end
table.sort(names)
for i, code in ipairs(names) do
  lines[i] = row_of(code):gsub("%s+|", " |")
end
io.write(head, table.concat(lines, "\n"), "\n")
