-- table.lua RESULTS: the tables of run.sh. The cost of an operation is CPU, instructions or bytes; a ratio is taken
-- from two runs side by side, and the median of them printed. The exit code is 1 where lacre misses a target.

local sides, order, rows = {}, {}, {}

local function cost_of(line)
  local operations, seconds = line:match "ops=(%d+) .*cpu=([%d.]+)"
  local bytes, instructions = line:match "bytes_each=(%d+)", line:match "ir=(%d+)"
  if seconds then
    return seconds / operations, "s"
  end
  return tonumber(bytes or instructions), bytes and "B" or "instructions"
end

local function new_row(id, most, what)
  local row = { id = id, most = tonumber(most), what = what, c = {}, cost = {}, ratio = {} }
  for _, side in ipairs(sides) do
    row.cost[side.name], row.ratio[side.name] = {}, {}
  end
  rows[id], order[#order + 1] = row, row
  return row
end

local function take(id, side, most, beside, result, what)
  local row = rows[id] or new_row(id, most, what)
  local limit, unit = cost_of(beside)
  local cost = cost_of(result)
  table.insert(row.c, limit)
  if limit and cost then
    row.unit = unit
    table.insert(row.cost[side], cost)
    table.insert(row.ratio[side], cost / limit)
  end
end

local reads = {
  side = function(name, title)
    sides[#sides + 1] = { name = name, title = title }
  end,
  run = take,
}

for line in io.lines(arg[1]) do
  local what, fields = line:match "^(%w+)\t(.*)$", {}
  for field in (line .. "\t"):gmatch "(.-)\t" do
    fields[#fields + 1] = field
  end
  reads[what]((table.unpack or unpack)(fields, 2)) -- luacheck: ignore
end

local function median(list)
  table.sort(list)
  local middle = (#list + 1) / 2
  return #list > 0 and (list[math.floor(middle)] + list[math.ceil(middle)]) / 2 or nil
end

local function shown(cost, unit)
  if not cost then
    return ""
  elseif unit == "s" then
    return cost < 1e-3 and ("%.2f us"):format(cost * 1e6) or ("%.2f ms"):format(cost * 1e3)
  end
  return ("%d%s"):format(cost, unit == "B" and " B" or "")
end

-- the peers that are there
local peers = {}
for i = 2, #sides do
  if not sides[i].title:find "^pending" then
    peers[#peers + 1] = sides[i]
  end
end

local function print_row(cells)
  print("| " .. table.concat(cells, " | ") .. " |")
end

local function print_head(cells)
  for _, peer in ipairs(peers) do
    cells[#cells + 1] = peer.title
  end
  print_row(cells)
  print((("|---"):rep(#cells)) .. "|")
end

local function of_lacre(row)
  local list = row.ratio.lacre
  local ratio = median(list)
  if not ratio then
    return "no result"
  end
  local spread = #list > 2 and (" (%.2f to %.2f)"):format(list[1], list[#list]) or ""
  return ("%.3f%s"):format(ratio, spread), ratio <= row.most
end

-- the row of a table, and whether the target is held
local function cells_of(row)
  local text, held = of_lacre(row)
  table.sort(row.c)
  local cells = {
    row.id, row.what, shown(row.c[1], row.unit), text, ("%.2f%s"):format(row.most, held == false and " missed" or ""),
  }
  for _, peer in ipairs(peers) do
    local ratio = median(row.ratio[peer.name])
    cells[#cells + 1] = ratio and ("%.2f"):format(ratio) or ""
  end
  return cells, held
end

local code = 0
print_head { "row", "what", "bare C", "lacre / C", "target" }
for _, row in ipairs(order) do
  local cells, held = cells_of(row)
  print_row(cells)
  code = held and code or 1
end

-- how many connections a core, or two, could serve in a second
local function print_rate(what, format, value)
  local cells = { what, format:format(value "c"), format:format(value "lacre") }
  for _, peer in ipairs(peers) do
    local rate = value(peer.name)
    cells[#cells + 1] = rate and format:format(rate) or ""
  end
  print_row(cells)
end

local function rates(row)
  return function(side)
    local ratio = side == "c" and 1 or median(row.ratio[side])
    return ratio and 1 / row.c[1] / ratio
  end
end

local one, two = rows["server connect"], rows["workers connect"]
if one and two and #one.cost.lacre > 0 and #two.cost.lacre > 0 then
  local single, both = rates(one), rates(two)
  print ""
  print_head { "connections", "bare C", "lacre" }
  print_rate("a second, one core", "%.0f", single)
  print_rate("a second, two workers on two", "%.0f", both)
  print_rate("two workers / one", "%.2f", function(side)
    return single(side) and both(side) and both(side) / single(side)
  end)
end

for i = 2, #sides do
  if sides[i].title:find "^pending" then
    print(("%s: %s"):format(sides[i].name, sides[i].title))
  end
end
os.exit(code)
