--- merged: tables of named values as one new table; of two that have a name the later one counts.

---@param ... table?
---@return table
return function(...)
  local all = {}
  for i = 1, select("#", ...) do
    for name, value in pairs(select(i, ...) or {}) do
      all[name] = value
    end
  end
  return all
end
