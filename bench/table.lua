-- table.lua RESULTS: the table of run.sh. The cost of an operation is CPU, instructions or bytes; a ratio is taken
-- from two runs side by side, and the median of them printed. The exit code is 1 where one misses its target.

local order, rows = {}, {}

local function cost_of(line)
  local operations, seconds = line:match "ops=(%d+) .*cpu=([%d.]+)"
  local bytes, instructions = line:match "bytes_each=(%d+)", line:match "ir=(%d+)"
  if seconds then
    return seconds / operations, "s"
  end
  return tonumber(bytes or instructions), bytes and "B" or "instructions"
end

for line in io.lines(arg[1]) do
  local id, side, most, result, what = line:match "^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$"
  local row = rows[id]
  if not row then
    row = { id = id, c = {}, lua = {}, most = tonumber(most), what = what }
    rows[id], order[#order + 1] = row, row
  end
  local cost, unit = cost_of(result)
  row.unit = unit or row.unit
  table.insert(row[side], cost or false)
end

local function median(list)
  table.sort(list)
  local middle = (#list + 1) / 2
  return (list[math.floor(middle)] + list[math.ceil(middle)]) / 2
end

local function ratios(row)
  local list = {}
  for i, cost in ipairs(row.lua) do
    if cost and row.c[i] then
      list[#list + 1] = cost / row.c[i]
    end
  end
  return list
end

local function cheapest(list)
  local best
  for _, cost in ipairs(list) do
    best = cost and math.min(best or cost, cost) or best
  end
  return best
end

local function shown(cost, unit)
  if unit == "s" then
    return cost < 1e-3 and ("%.2f us"):format(cost * 1e6) or ("%.2f ms"):format(cost * 1e3)
  end
  return ("%d%s"):format(cost, unit == "B" and " B" or "")
end

local function result_of(row)
  local list = ratios(row)
  if #list == 0 then
    return nil, ("| %s | %s | | no result | %.2f |"):format(row.id, row.what, row.most)
  end
  local ratio = median(list)
  local spread = #list > 2 and (" (%.2f to %.2f)"):format(list[1], list[#list]) or ""
  local mark = ratio > row.most and " missed" or ""
  return ratio <= row.most, ("| %s | %s | %s | %.3f%s | %.2f%s |"):format(
    row.id, row.what, shown(cheapest(row.c), row.unit), ratio, spread, row.most, mark)
end

print "| row | what | bare C | lacre / C | target |"
print "|---|---|---|---|---|"
local code = 0
for _, row in ipairs(order) do
  local held, text = result_of(row)
  print(text)
  code = held and code or 1
end
os.exit(code)
