--- html: results of the health check as one page that needs nothing else: no script, no font, no image.

local markup = require "lacre.report.markup"
local time = require "lacre.time"

local escape = markup.escape

local css = [[
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
h1{font-size:1.3rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
td.v{font-weight:700}
tr.pass td.v{color:#187a33}tr.warn td.v{color:#9a6700}tr.fail td.v{color:#c1121f}
@media(prefers-color-scheme:dark){tr.pass td.v{color:#5bd778}tr.warn td.v{color:#e5b454}tr.fail td.v{color:#ff6b6b}}
ul{margin:0;padding-left:1.1rem}code{font-size:.9em}.dim{opacity:.7}
]]

local function reasons(result)
  local items = {}
  for i, problem in ipairs(result.problems) do
    items[i] = ("<li><code>%s</code> %s</li>"):format(problem.code, escape(problem.message))
  end
  return #items > 0 and "<ul>" .. table.concat(items) .. "</ul>" or ""
end

local function row(result)
  local cert = result.cert
  local days = result.days_left and ("%d"):format(math.floor(result.days_left)) or "-"
  return ('<tr class="%s"><td class="v">%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>'):format(
    result.grade, result.grade:upper(), escape(result.target), result.version and "TLS " .. result.version or "-", days,
    cert and escape(tostring(cert:issuer())) or "-", reasons(result))
end

local page = [[
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>TLS health: %d PASS, %d WARN, %d FAIL</title><style>
%s</style></head><body>
<h1>TLS health</h1>
<p>%d targets: %d PASS, %d WARN, %d FAIL. <span class="dim">%s, %.2f s, by lacre.</span></p>
<table><thead><tr><th>verdict</th><th>target</th><th>version</th><th>days left</th><th>issuer</th><th>reasons</th></tr>
</thead>
<tbody>
%s
</tbody></table></body></html>
]]

---@param results lacre.survey
---@return string
return function(results)
  local rows, counts = {}, results.counts
  for i, result in ipairs(results) do
    rows[i] = row(result)
  end
  return page:format(counts.pass, counts.warn, counts.fail, css, #results, counts.pass, counts.warn, counts.fail,
    time.format(results.started), results.seconds, table.concat(rows, "\n"))
end
