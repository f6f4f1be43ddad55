--- later: a module that is loaded on first use. Most runs of the command need few of
--- them, and reading a file takes longer than signing a certificate.

--- What `require(name)` gives, as soon as it is asked for one of its fields.
---@param name string
---@return table
return function(name)
  return setmetatable({}, {
    __index = function(self, key)
      local value = require(name)[key]
      rawset(self, key, value)
      return value
    end,
  })
end
