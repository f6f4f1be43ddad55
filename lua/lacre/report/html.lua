--- report.html: results of the health check as one page that needs nothing else: no script, no font, no image. The
--- worst stands first; a click on a count shows those alone, and every reason leads to what it means.

local cells = require "lacre.report.cells"
local health_codes = require "lacre.health.codes"
local markup = require "lacre.report.markup"
local time = require "lacre.time"

local escape = markup.escape

local css = [[
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5c636b;--line:#8883;--card:#8881;--edge:#8884;
--pass:#14702f;--warn:#875800;--fail:#b3121f;--pass-wash:#1fa34a1f;--warn-wash:#e09a001f;--fail-wash:#e0303f1a}
@media(prefers-color-scheme:dark){:root{--ink:#e7e9ec;--soft:#9da4ac;--pass:#63dc80;--warn:#ecbb5c;--fail:#ff8585}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);margin:2.5rem auto;max-width:84rem;padding:0 1.5rem}
h1{font-size:1.7rem;letter-spacing:-.02em;margin:0}
h2{font-size:1.1rem;margin:2.5rem 0 .8rem}
p{margin:.2rem 0 1.1rem}
.soft{color:var(--soft)}
.bar{display:flex;gap:3px;height:.55rem;border-radius:1rem;overflow:hidden;background:var(--card)}
.bar .pass{background:var(--pass)}.bar .warn{background:var(--warn)}.bar .fail{background:var(--fail)}
input{position:absolute;opacity:0;pointer-events:none}
.counts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0 1.6rem}
.counts label{flex:0 1 7.5rem;border:1px solid transparent;background:var(--card);border-radius:.7rem;
padding:.5rem 1rem;cursor:pointer;color:var(--soft);font-size:.85rem}
.counts label:hover{border-color:var(--edge)}
.counts b{display:block;font-size:1.7rem;line-height:1.25;color:var(--ink);font-variant-numeric:tabular-nums}
.counts .pass b,tr.pass .v span{color:var(--pass)}
.counts .warn b,tr.warn .v span,dt.warn{color:var(--warn)}
.counts .fail b,tr.fail .v span,dt.fail{color:var(--fail)}
#all:checked~.counts [for=all],#fail:checked~.counts [for=fail],#warn:checked~.counts [for=warn],
#pass:checked~.counts [for=pass]{border-color:currentColor}
#all:focus-visible~.counts [for=all],#fail:focus-visible~.counts [for=fail],#warn:focus-visible~.counts [for=warn],
#pass:focus-visible~.counts [for=pass]{outline:2px solid;outline-offset:2px}
#fail:checked~table tbody tr:not(.fail),#warn:checked~table tbody tr:not(.warn),
#pass:checked~table tbody tr:not(.pass){display:none}
table{border-collapse:collapse;width:100%}
th{position:sticky;top:0;background:Canvas;font-size:.8rem;font-weight:600;color:var(--soft);white-space:nowrap}
th,td{text-align:left;vertical-align:top;padding:.55rem .8rem;border-bottom:1px solid var(--line)}
tbody tr:hover{background:var(--card)}
.v span{display:inline-block;font-size:.75rem;font-weight:700;letter-spacing:.05em;border-radius:.4rem;
padding:.1rem .5rem}
tr.pass .v span{background:var(--pass-wash)}tr.warn .v span{background:var(--warn-wash)}
tr.fail .v span{background:var(--fail-wash)}
.t{font-weight:600;overflow-wrap:anywhere;min-width:13rem}
.n{white-space:nowrap;font-variant-numeric:tabular-nums}
.n small,.i{color:var(--soft);font-size:.85rem}.n small{display:block}
.i{overflow-wrap:anywhere;min-width:9rem}
.r{width:60%;overflow-wrap:anywhere}.r div+div{margin-top:.35rem}
.r a,dt{font:600 .8rem ui-monospace,monospace}
.r a{color:inherit;text-decoration:none;background:var(--card);border:1px solid var(--line);border-radius:.35rem;
padding:.08rem .4rem;margin-right:.3rem;white-space:nowrap}
.r a:hover{border-color:currentColor}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.2rem;margin:0}
dt{line-height:1.9}dd{margin:0}
dt:target,dt:target+dd{background:var(--warn-wash)}
@media(max-width:52rem){body{margin:1.2rem auto;padding:0 1rem}thead{display:none}table,tbody,dl{display:block}
.counts{gap:.4rem}.counts label{flex:1 1 4rem;padding:.4rem .6rem}
tr{display:grid;grid-template-columns:auto 1fr auto;gap:.3rem .7rem;padding:.8rem 0;border-bottom:1px solid var(--line)}
td{border:0;padding:0}.t,.i{min-width:0}.l{text-align:right}
.r{width:auto;grid-column:1/-1;grid-row:2}.r:empty{display:none}
.c{grid-column:1/3}.c small{display:inline;margin-left:.5rem}.i{text-align:right}dd{margin-bottom:.7rem}}
@media print{body{margin:0;max-width:none}th{position:static}tr{break-inside:avoid}}
]]

-- { code = true } of the reasons of which the page says what they mean
local function reasons(result, told)
  local items = {}
  for i, problem in ipairs(result.problems) do
    told[problem.code] = true
    items[i] = ('<div><a href="#%s" title="%s">%s</a>%s</div>'):format(problem.code,
      escape(health_codes.by_code[problem.code].meaning), problem.code, escape(problem.message))
  end
  local expected = cells.expected(result)
  items[#items + 1] = expected and ('<div class="soft">%s</div>'):format(escape(expected)) or nil
  for _, change in ipairs(result.changes or {}) do
    items[#items + 1] = ('<div class="soft">changed: %s</div>'):format(escape(change))
  end
  for _, one in ipairs(#(result.addresses or {}) > 1 and result.addresses or {}) do
    items[#items + 1] = ('<div class="soft">%s %s %s</div>'):format(cells.verdict(one.grade), escape(one.address),
      table.concat(one.reasons, " "))
  end
  return table.concat(items)
end

local function cell(class, text)
  return ('<td class="%s">%s</td>'):format(class, text)
end

-- what matters, and something about it below
local function pair(class, text, more)
  return cell(class, more and ("%s<small>%s</small>"):format(text, more) or text)
end

local function row(result, told)
  local cert, ends = result.cert, result.not_after
  return table.concat {
    ('<tr class="%s">'):format(result.grade), cell("v", "<span>" .. cells.verdict(result.grade) .. "</span>"),
    cell("t", escape(result.target)), cell("r", reasons(result, told)),
    pair("n l", cells.left(result.days_left), ends and time.format(ends, "date")),
    pair("n c", result.version and "TLS " .. result.version or "-",
      result.key_exchange and escape(result.key_exchange)),
    cell("i", cert and escape(cells.common_name(cert:issuer())) or "-"), "</tr>",
  }
end

-- in the order of the list, but the worst first
local function sorted_rows(results, told)
  local rows = {}
  for _, grade in ipairs { "fail", "warn", "pass" } do
    for _, result in ipairs(results) do
      if result.grade == grade then
        rows[#rows + 1] = row(result, told)
      end
    end
  end
  return table.concat(rows, "\n")
end

local function meanings(told)
  local items = {}
  for _, one in ipairs(health_codes.list) do
    if told[one.code] then
      items[#items + 1] = ('<dt id="%s" class="%s">%s</dt><dd>%s</dd>\n'):format(one.code, one.severity, one.code,
        escape(one.meaning))
    end
  end
  return #items > 0 and ("<h2>What the reasons mean</h2><dl>\n%s</dl>"):format(table.concat(items)) or ""
end

-- how much of the whole each verdict is
local function bar(counts)
  local parts = {}
  for _, grade in ipairs { "fail", "warn", "pass" } do
    parts[#parts + 1] = counts[grade] > 0 and ('<i class="%s" style="flex:%d"></i>'):format(grade, counts[grade]) or nil
  end
  return table.concat(parts)
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
<div class="bar">%s</div>
<input type="radio" name="show" id="all" checked><input type="radio" name="show" id="fail">
<input type="radio" name="show" id="warn"><input type="radio" name="show" id="pass">
<div class="counts"><label for="all"><b>%d</b>all</label><label for="fail" class="fail"><b>%d</b>FAIL</label>
<label for="warn" class="warn"><b>%d</b>WARN</label><label for="pass" class="pass"><b>%d</b>PASS</label></div>
<table><thead><tr><th>verdict</th><th>target</th><th>reasons</th><th>left</th><th>connection</th><th>issuer</th></tr>
</thead>
<tbody>
%s
</tbody></table>
%s</body></html>
]]

---@param results lacre.survey
---@return string
return function(results)
  local counts, told = results.counts, {}
  local count = counts.pass + counts.warn + counts.fail
  local rows = sorted_rows(results, told)
  local cut = cells.interruption(results)
  return page:format(counts.pass, counts.warn, counts.fail, css, time.format(results.started), count,
    count == 1 and "" or "s", results.seconds, cut and ", " .. cut or "", earliest(results),
    bar(counts), count, counts.fail, counts.warn, counts.pass, rows, meanings(told))
end
