-- Prints docs/errors.md from the table of codes: make docs
local codes = require "lacre.error.codes"

local head = [[
# Errors

What the world does wrong comes back as `nil, err`; what the program does wrong (a misspelt option, a wrong
type) raises. An error is a table: `code` (stable), `message`, `stage` (`config load parse sign save resolve
connect proxy starttls handshake verify read write shutdown`), and what it concerns: `host`, `port`, `cert`,
`depth`, `detail`, `reason`, `openssl`, `cause`. `hint` is the fix. `err:is "verify"` asks by category or by code,
`err:to_table()` is fit for JSON, `tostring(err)` is a line for a log, `temporary` and `timeout` say what trying
again may mend.

```lua
local conn, err = lacre.connect("localhost", 8443, { trust = "ca.pem", server_name = "other.test" })
assert(not conn and err:is "verify" and err.code == "hostname_mismatch")
print(err, err.hint)
```

`lacre.assert(...)` returns its arguments or raises the error. This page is made from the table that the library
uses (`make docs`).

| code | category | what it means | what to do |
|---|---|---|---|
]]

local function row_of(code)
  local row = codes[code]
  local category = row.category .. (row.by_stage and ", of files: file" or "")
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
