--- serve.peer: what a handler is told beside its connection; most of it is looked up when it is asked for.

---@class lacre.peer
---@field address string
---@field conn lacre.conn
---@field service lacre.service
---@field server_name? string
---@field alpn? string
---@field cert? lacre.cert
local peer = {}

local facts = {
  server_name = function(conn)
    return conn:server_name()
  end,
  alpn = function(conn)
    return conn:alpn()
  end,
  cert = function(conn)
    return conn:peer_cert()
  end,
}

local metatable = {
  __index = function(self, name)
    local fact = facts[name]
    return fact and fact(self.conn)
  end,
}

--- The peer of a connection.
---@param conn lacre.conn
---@param service lacre.service
---@return lacre.peer
function peer.of(conn, service)
  return setmetatable({ address = conn.address, conn = conn, service = service }, metatable)
end

return peer
