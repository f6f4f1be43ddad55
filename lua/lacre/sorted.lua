--- sorted: the keys of a table in order, for what is told to people and tools must not change from run to run.

---@generic K
---@param set table<K, any>
---@return K[]
return function(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end
