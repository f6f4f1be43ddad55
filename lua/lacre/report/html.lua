--- report.html: results of the health check as one page that needs nothing else: no script, no font, no image. The
--- worst stands first.

local cells = require "lacre.report.cells"
local health_codes = require "lacre.health.codes"
local markup = require "lacre.report.markup"
local time = require "lacre.time"

local escape = markup.escape

local css = [[
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60666d;--line:#8883;--card:#8881;--pass:#187a33;--warn:#8f5f00;
--fail:#b3121f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#9aa1a9;--pass:#5bd778;--warn:#e5b454;--fail:#ff7b7b}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);margin:2.5rem auto;max-width:80rem;padding:0 1.25rem}
h1{font-size:1.5rem;margin:0}
.soft{color:var(--soft)}
.counts{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0 1.75rem}
.counts div{background:var(--card);border-radius:.6rem;padding:.6rem 1.1rem;min-width:6rem}
.counts b{display:block;font-size:1.7rem;line-height:1.2}
.pass b,.pass .v{color:var(--pass)}.warn b,.warn .v{color:var(--warn)}.fail b,.fail .v{color:var(--fail)}
table{border-collapse:collapse;width:100%}
th{position:sticky;top:0;background:Canvas;font-size:.8rem;font-weight:600;color:var(--soft)}
th,td{text-align:left;vertical-align:top;padding:.45rem .7rem;border-bottom:1px solid var(--line)}
td.v{font-weight:700}td.n{white-space:nowrap}td.t{overflow-wrap:anywhere;min-width:11rem}
td div+div{margin-top:.2rem}
code{font:.85em ui-monospace,monospace;background:var(--card);border-radius:.3rem;padding:.1rem .35rem;cursor:help}
@media print{body{margin:0;max-width:none}th{position:static}}
]]

local function reasons(result)
  local items = {}
  for i, problem in ipairs(result.problems) do
    items[i] = ('<div><code title="%s">%s</code> %s</div>'):format(
      escape(health_codes.by_code[problem.code].meaning), problem.code, escape(problem.message))
  end
  local expected = cells.expected(result)
  items[#items + 1] = expected and ('<div class="soft">%s</div>'):format(escape(expected)) or nil
  for _, change in ipairs(result.changes or {}) do
    items[#items + 1] = ('<div class="soft">changed: %s</div>'):format(escape(change))
  end
  return table.concat(items)
end

local function cell(class, text)
  return ('<td class="%s">%s</td>'):format(class, text)
end

local function row(result)
  local cert = result.cert
  local ends = result.not_after and time.format(result.not_after, "date") or ""
  return table.concat {
    ('<tr class="%s">'):format(result.grade), cell("v", cells.verdict(result.grade)), cell("t", escape(result.target)),
    cell("n", result.version and "TLS " .. result.version or "-"), cell("n", escape(result.key_exchange or "-")),
    ('<td class="n" title="%s">%s</td>'):format(ends, cells.left(result.days_left)),
    cell("t", cert and escape(cells.common_name(cert:issuer())) or "-"), cell("", reasons(result)), "</tr>",
  }
end

-- in the order of the list, but the worst first
local function sorted_rows(results)
  local rows = {}
  for _, grade in ipairs { "fail", "warn", "pass" } do
    for _, result in ipairs(results) do
      if result.grade == grade then
        rows[#rows + 1] = row(result)
      end
    end
  end
  return table.concat(rows, "\n")
end

local function earliest(results)
  local first = results.earliest
  return first
    and ("; first to expire: %s on %s"):format(escape(first.target), time.format(first.not_after, "date")) or ""
end

local page = [[
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>TLS health: %d PASS, %d WARN, %d FAIL</title><style>
%s</style></head><body>
<h1>TLS health</h1>
<p class="soft">%s, %d target%s in %.2f s%s%s</p>
<div class="counts"><div class="fail"><b>%d</b>FAIL</div><div class="warn"><b>%d</b>WARN</div>
<div class="pass"><b>%d</b>PASS</div></div>
<table><thead><tr><th>verdict</th><th>target</th><th>version</th><th>key exchange</th><th>left</th><th>issuer</th>
<th>reasons</th></tr></thead>
<tbody>
%s
</tbody></table></body></html>
]]

---@param results lacre.survey
---@return string
return function(results)
  local counts, cut = results.counts, cells.interruption(results)
  local count = counts.pass + counts.warn + counts.fail
  return page:format(counts.pass, counts.warn, counts.fail, css, time.format(results.started), count,
    count == 1 and "" or "s", results.seconds, cut and ", " .. cut or "", earliest(results),
    counts.fail, counts.warn, counts.pass, sorted_rows(results))
end
