--- every: calls a function for each item of a list, in order, and stops at the first failure.

--- What `step(item, ...)` says of each item: true when all went well, else its `nil, err`.
---@param list any[]
---@param step fun(item: any, ...): any, lacre.error?
---@param ... any handed on to the step
---@return true? done
---@return lacre.error? err
return function(list, step, ...)
  for _, item in ipairs(list) do
    local done, err = step(item, ...)
    if not done then
      return nil, err
    end
  end
  return true
end
